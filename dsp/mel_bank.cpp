#include "dsp/mel_bank.hpp"

#include <algorithm>
#include <cmath>

namespace emotiond::dsp {
namespace {

double hz_to_mel(double hz, MelScale scale) {
    if (scale == MelScale::Htk) {
        return 1127.0 * std::log1p(hz / 700.0);
    }
    return hz < 1000.0 ? 3.0 * hz / 200.0 : 15.0 + 27.0 * std::log(hz / 1000.0) / std::log(6.4);
}

double mel_to_hz(double mel, MelScale scale) {
    if (scale == MelScale::Htk) {
        return 700.0 * std::expm1(mel / 1127.0);
    }
    return mel < 15.0 ? 200.0 * mel / 3.0 : 1000.0 * std::exp((mel - 15.0) * std::log(6.4) / 27.0);
}

/// Jaitly & Hinton's bend stands at 4800 Hz where half the rate is 8000.
double warped(double hz, const FeatureSpec& spec) {
    const double warp = spec.frequency_warp;
    const double nyquist_hz = spec.sample_rate_hz / 2.0;
    const double bend_to_hz = 0.6 * nyquist_hz * std::min(warp, 1.0);
    const double bend_hz = bend_to_hz / warp;
    if (hz <= bend_hz) {
        return warp * hz;
    }
    return nyquist_hz - (nyquist_hz - bend_to_hz) / (nyquist_hz - bend_hz) * (nyquist_hz - hz);
}

}  // namespace

MelBank::MelBank(const FeatureSpec& spec) {
    const auto num_fft_bins = static_cast<std::size_t>(spec.fft_size) / 2 + 1;
    const double bin_hz = static_cast<double>(spec.sample_rate_hz) / spec.fft_size;
    const double low_mel = hz_to_mel(spec.low_hz, spec.mel_scale);
    const double high_mel = hz_to_mel(spec.high_hz, spec.mel_scale);
    const double step_mel = (high_mel - low_mel) / (spec.num_mels + 1);
    num_bins_ = num_fft_bins + kernels::kLanes;

    const bool in_mel = spec.mel_shape == MelShape::TriangleInMel;
    const bool is_warped = spec.frequency_warp != 1.0F;
    const auto to_hz = [&](double mel) {
        const double hz = mel_to_hz(mel, spec.mel_scale);
        return is_warped ? warped(hz, spec) : hz;
    };
    const auto to_domain = [&](double mel) {
        if (!in_mel) {
            return to_hz(mel);
        }
        return is_warped ? hz_to_mel(to_hz(mel), spec.mel_scale) : mel;
    };

    for (int m = 0; m < spec.num_mels; ++m) {
        const double left_mel = low_mel + m * step_mel;
        const double left_hz = to_hz(left_mel);
        const double right_hz = to_hz(left_mel + 2 * step_mel);
        // The triangle stands on `left`, peaks at `centre`, ends at `right`, in its own domain.
        const double left = to_domain(left_mel);
        const double centre = to_domain(left_mel + step_mel);
        const double right = to_domain(left_mel + 2 * step_mel);
        const double peak = spec.mel_norm == MelNorm::Area ? 2.0 / (right_hz - left_hz) : 1.0;

        kernels::BinRun filter{0, weights_.size(), 0};
        for (std::size_t bin = 0; bin < num_fft_bins; ++bin) {
            const double hz = static_cast<double>(bin) * bin_hz;
            const double at = in_mel ? hz_to_mel(hz, spec.mel_scale) : hz;
            const double height =
                std::min((at - left) / (centre - left), (right - at) / (right - centre));
            if (height <= 0.0) {
                continue;
            }
            if (filter.num_weights == 0) {
                filter.first_bin = bin;
            }
            weights_.push_back(static_cast<float>(height * peak));
            ++filter.num_weights;
        }
        filter.num_weights = kernels::padded(filter.num_weights);
        weights_.resize(filter.first_weight + filter.num_weights, 0.0F);
        filters_.push_back(filter);
    }
}

void MelBank::apply(std::span<const float> power, std::span<float> out) const {
    kernels::weigh_bins(power.data(), filters_.data(), filters_.size(), weights_.data(),
                        out.data());
}

}  // namespace emotiond::dsp
