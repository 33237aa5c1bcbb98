#include "dsp/spectral_flux.hpp"

#include <algorithm>
#include <numbers>

#include "dsp/kernels.hpp"

namespace emotiond::dsp {

SpectralFlux::SpectralFlux(const FeatureSpec& spec)
    : scale_(static_cast<float>(
          (spec.log_scale == LogScale::Decibel ? 10.0 / std::numbers::ln10 : 1.0) / spec.num_mels)),
      before_(static_cast<std::size_t>(spec.num_mels)) {}

float SpectralFlux::compute(std::span<const float> log_mels) {
    const float rise =
        is_first_ ? 0.0F : kernels::sum_of_rises(log_mels.data(), before_.data(), log_mels.size());
    std::ranges::copy(log_mels, before_.begin());
    is_first_ = false;
    return rise * scale_;
}

void SpectralFlux::reset() {
    std::ranges::fill(before_, 0.0F);
    is_first_ = true;
}

}  // namespace emotiond::dsp
