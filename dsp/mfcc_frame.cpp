#include "dsp/mfcc_frame.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "dsp/kernels.hpp"

namespace emotiond::dsp {
namespace {

using std::numbers::pi;

std::vector<float> make_window(const FeatureSpec& spec) {
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

std::size_t padded(int num_coeffs) {
    const auto lanes = kernels::kLanes;
    return (static_cast<std::size_t>(num_coeffs) + lanes - 1) / lanes * lanes;
}

/// DCT-II with scale, lifter, the log's unit and the place of C0 folded in: [num_mels][padded].
std::vector<float> make_dct(const FeatureSpec& spec) {
    const auto num_mels = static_cast<std::size_t>(spec.num_mels);
    const auto num_coeffs = static_cast<std::size_t>(spec.num_coeffs);
    const std::size_t columns = padded(spec.num_coeffs);
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
    : spec_((spec.validate(), spec)),
      fft_(static_cast<std::size_t>(spec.fft_size)),
      mel_bank_(spec),
      window_(make_window(spec)),
      dct_(make_dct(spec)),
      power_(mel_bank_.num_bins(), 0.0F),
      log_mels_(mel_bank_.num_mels()),
      coefficients_(padded(spec.num_coeffs)) {}

void MfccFrame::compute(std::span<const float> frame, std::span<float> out) {
    const std::size_t size = window_.size();
    const float mean =
        spec_.remove_dc ? kernels::sum(frame.data(), size) / static_cast<float>(size) : 0.0F;
    kernels::emphasise_and_window(frame.data(), window_.data(), size, mean, spec_.pre_emphasis,
                                  fft_.input().data());
    const std::span<const float> spectrum = fft_.execute();
    kernels::power_spectrum(spectrum.data(), spectrum.size() / 2, power_.data());
    mel_bank_.apply(power_, log_mels_);
    for (float& mel : log_mels_) {
        mel = std::log(std::max(spec_.log_floor, mel));
    }
    kernels::multiply(log_mels_.data(), dct_.data(), log_mels_.size(), coefficients_.size(),
                      coefficients_.data());
    const auto num_coeffs = static_cast<std::size_t>(spec_.num_coeffs);
    std::copy_n(coefficients_.begin(), num_coeffs, out.begin());

    const bool energy_instead = spec_.zeroth_coeff == ZerothCoeff::LogEnergyInstead;
    if (energy_instead || spec_.append_log_energy) {
        const float energy =
            kernels::energy(frame.data(), size, mean) * spec_.sample_scale * spec_.sample_scale;
        const float log_energy = std::log(std::max(energy, std::numeric_limits<float>::epsilon()));
        if (energy_instead) {
            out[0] = log_energy;
        }
        if (spec_.append_log_energy) {
            out[num_coeffs] = log_energy;
        }
    }
}

}  // namespace emotiond::dsp
