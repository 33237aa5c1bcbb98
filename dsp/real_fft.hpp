#pragma once

#include <cstddef>
#include <span>

struct fftwf_plan_s;

namespace emotiond::dsp {

/// Forward real transform of a fixed even size, FFTW single precision, in buffers it owns.
/// Construction takes a process-wide lock (FFTW's planner is not thread-safe) and may take
/// milliseconds; execute() is real-time safe. Not thread-safe.
class RealFft {
 public:
    explicit RealFft(std::size_t size);
    ~RealFft();
    RealFft(const RealFft&) = delete;
    RealFft& operator=(const RealFft&) = delete;

    /// [size], 64-byte aligned; zero after construction.
    [[nodiscard]] std::span<float> input() { return {input_, size_}; }
    /// Reads input(); returns re, im interleaved: [size/2 + 1][2].
    std::span<const float> execute();

 private:
    std::size_t size_;
    float* input_;
    float* output_;
    fftwf_plan_s* plan_;
};

}  // namespace emotiond::dsp
