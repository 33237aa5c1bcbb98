#include "dsp/frame_spectrum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "dsp/kernels.hpp"

namespace emotiond::dsp {
namespace {

std::vector<float> make_window(const FeatureSpec& spec) {
    using std::numbers::pi;
    const auto size = static_cast<std::size_t>(spec.frame_samples);
    std::vector<float> window(size);
    for (std::size_t n = 0; n < size; ++n) {
        const auto at = static_cast<double>(n);
        const double periodic = 2.0 * pi * at / static_cast<double>(size);
        const double symmetric = 2.0 * pi * at / static_cast<double>(size - 1);
        double value = 0.0;
        switch (spec.window) {
            case WindowShape::Hann: value = 0.5 - 0.5 * std::cos(periodic); break;
            case WindowShape::Hamming: value = 0.54 - 0.46 * std::cos(symmetric); break;
            case WindowShape::Povey: value = std::pow(0.5 - 0.5 * std::cos(symmetric), 0.85); break;
        }
        window[n] = static_cast<float>(value * spec.sample_scale);
    }
    return window;
}

}  // namespace

FrameSpectrum::FrameSpectrum(const FeatureSpec& spec)
    : spec_(spec),
      spectrum_(static_cast<std::size_t>(spec.fft_size)),
      window_(make_window(spec)),
      power_(static_cast<std::size_t>(spec.fft_size) / 2 + 1 + kernels::kLanes, 0.0F) {}

std::span<const float> FrameSpectrum::compute(std::span<const float> frame) {
    const std::size_t size = window_.size();
    mean_ = spec_.remove_dc ? kernels::sum(frame.data(), size) / static_cast<float>(size) : 0.0F;
    kernels::emphasise_and_window(frame.data(), window_.data(), size, mean_, spec_.pre_emphasis,
                                  spectrum_.input().data());
    spectrum_.compute(power_);
    return power_;
}

float FrameSpectrum::log_energy(std::span<const float> frame) const {
    const float energy = kernels::energy(frame.data(), window_.size(), mean_) * spec_.sample_scale *
                         spec_.sample_scale;
    return std::log(std::max(std::numeric_limits<float>::epsilon(), energy));
}

}  // namespace emotiond::dsp
