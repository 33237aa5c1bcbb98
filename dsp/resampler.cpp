#include "dsp/resampler.hpp"

#include <soxr.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace emotiond::dsp {
namespace {

constexpr int kMinRateHz = 8000;
constexpr int kMaxRateHz = 192000;

void require_rate(int rate_hz, const char* what) {
    if (rate_hz < kMinRateHz || rate_hz > kMaxRateHz) {
        throw std::invalid_argument("resampler: the " + std::string(what) +
                                    " rate must be 8000 to 192000 Hz, got " +
                                    std::to_string(rate_hz));
    }
}

}  // namespace

Resampler::Resampler(int input_rate_hz, int output_rate_hz) {
    require_rate(input_rate_hz, "input");
    require_rate(output_rate_hz, "output");
    if (input_rate_hz == output_rate_hz) {
        return;
    }
    soxr_error_t error = nullptr;
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_ = soxr_create(input_rate_hz, output_rate_hz, 1, &error, nullptr, &quality, nullptr);
    if (error != nullptr) {
        throw std::runtime_error("resampler: soxr: " + std::string(error));
    }
    output_.resize(4096);
}

Resampler::~Resampler() {
    soxr_delete(soxr_);
}

void Resampler::reset() {
    if (soxr_ != nullptr) {
        soxr_clear(soxr_);
    }
    std::ranges::fill(output_, 0.0F);
}

Resampler::Step Resampler::process(std::span<const float> input) {
    Step step{};
    const float* in = input.empty() ? nullptr : input.data();
    if (soxr_process(soxr_, in, input.size(), &step.used, output_.data(), output_.size(),
                     &step.made) != nullptr) {
        // soxr fails here only where it is out of memory: the samples are passed over.
        return {input.size(), 0};
    }
    return step;
}

std::vector<float> resample(std::span<const float> samples, int input_rate_hz, int output_rate_hz) {
    std::vector<float> out;
    Resampler resampler(input_rate_hz, output_rate_hz);
    const auto keep = [&](std::span<const float> made) {
        out.insert(out.end(), made.begin(), made.end());
    };
    resampler.push(samples, keep);
    resampler.finish(keep);
    return out;
}

}  // namespace emotiond::dsp
