#include "dsp/mfcc_frame.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dsp/kernels.hpp"

namespace emotiond::dsp {
namespace {

using std::numbers::pi;

/// DCT-II with scale, lifter, the log's unit and the place of C0 folded in: [num_mels][padded].
std::vector<float> make_dct(const FeatureSpec& spec) {
    const auto num_mels = static_cast<std::size_t>(spec.num_mels);
    const auto num_coeffs = static_cast<std::size_t>(spec.num_coeffs);
    const std::size_t columns = kernels::padded(num_coeffs);
    const double log_unit = spec.log_scale == LogScale::Decibel ? 10.0 / std::numbers::ln10 : 1.0;
    std::vector<float> matrix(num_mels * columns, 0.0F);
    for (std::size_t n = 0; n < num_coeffs; ++n) {
        double scale = std::sqrt(2.0 / static_cast<double>(num_mels)) * log_unit;
        if (n == 0 && spec.dct_scale == DctScale::Orthonormal) {
            scale = std::sqrt(1.0 / static_cast<double>(num_mels)) * log_unit;
        }
        if (spec.lifter > 0) {
            scale *= 1.0 + 0.5 * spec.lifter * std::sin(pi * static_cast<double>(n) / spec.lifter);
        }
        std::size_t column = n;
        if (spec.zeroth_coeff == ZerothCoeff::Last) {
            column = n == 0 ? num_coeffs - 1 : n - 1;
        }
        for (std::size_t m = 0; m < num_mels; ++m) {
            const double angle = pi * static_cast<double>(n) * (static_cast<double>(m) + 0.5) /
                                 static_cast<double>(num_mels);
            matrix[m * columns + column] = static_cast<float>(scale * std::cos(angle));
        }
    }
    return matrix;
}

}  // namespace

MfccFrame::MfccFrame(const FeatureSpec& spec)
    : spec_(spec),
      mel_bank_(spec),
      dct_(make_dct(spec)),
      log_mels_(mel_bank_.num_mels()),
      coefficients_(kernels::padded(static_cast<std::size_t>(spec.num_coeffs))) {}

void MfccFrame::compute(std::span<const float> power, std::span<float> out) {
    mel_bank_.apply(power, log_mels_);
    kernels::log(log_mels_.data(), log_mels_.size(), spec_.log_floor);
    kernels::multiply(log_mels_.data(), dct_.data(), log_mels_.size(), coefficients_.size(),
                      coefficients_.data());
    std::copy_n(coefficients_.begin(), spec_.num_coeffs, out.begin());
}

}  // namespace emotiond::dsp
