#pragma once

#include <cstddef>
#include <span>
#include <vector>

struct soxr;

namespace emotiond::dsp {

/// Streaming change of sample rate, soxr's high quality, linear phase, delay removed: output sample
/// n stands at input time n * output_rate / input_rate. Equal rates pass through untouched.
/// The output does not depend on how the input is cut. Not for the capture callback: soxr may
/// allocate. Not thread-safe.
class Resampler {
 public:
    /// Throws std::invalid_argument for a rate outside 8 to 192 kHz, std::runtime_error from soxr.
    Resampler(int input_rate_hz, int output_rate_hz);
    ~Resampler();
    Resampler(const Resampler&) = delete;
    Resampler& operator=(const Resampler&) = delete;

    /// on_samples(std::span<const float>) is called for each run of output samples.
    template <typename OnSamples>
    void push(std::span<const float> input, OnSamples&& on_samples) {
        if (soxr_ == nullptr) {
            on_samples(input);
            return;
        }
        while (!input.empty()) {
            const Step step = process(input);
            input = input.subspan(step.used);
            on_samples(std::span<const float>(output_.data(), step.made));
        }
    }

    /// The end of the stream: what the filter still holds. Call reset() before the next stream.
    template <typename OnSamples>
    void finish(OnSamples&& on_samples) {
        if (soxr_ == nullptr) {
            return;
        }
        for (Step step = process({}); step.made > 0; step = process({})) {
            on_samples(std::span<const float>(output_.data(), step.made));
        }
    }

    /// As after construction; what came out is left in memory no more.
    void reset();

 private:
    struct Step {
        std::size_t used;
        std::size_t made;
    };
    /// An empty input means the end of the stream.
    Step process(std::span<const float> input);

    soxr* soxr_ = nullptr;
    std::vector<float> output_;
};

/// A whole recording at another rate. Throws as Resampler does.
std::vector<float> resample(std::span<const float> samples, int input_rate_hz, int output_rate_hz);

}  // namespace emotiond::dsp
