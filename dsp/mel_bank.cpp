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

}  // namespace

MelBank::MelBank(const FeatureSpec& spec) {
    const auto num_fft_bins = static_cast<std::size_t>(spec.fft_size) / 2 + 1;
    const double bin_hz = static_cast<double>(spec.sample_rate_hz) / spec.fft_size;
    const double low_mel = hz_to_mel(spec.low_hz, spec.mel_scale);
    const double high_mel = hz_to_mel(spec.high_hz, spec.mel_scale);
    const double step_mel = (high_mel - low_mel) / (spec.num_mels + 1);
    num_bins_ = num_fft_bins + kernels::kLanes;

    for (int m = 0; m < spec.num_mels; ++m) {
        const double left_mel = low_mel + m * step_mel;
        const double left_hz = mel_to_hz(left_mel, spec.mel_scale);
        const double right_hz = mel_to_hz(left_mel + 2 * step_mel, spec.mel_scale);
        // The triangle stands on `left`, peaks at `centre`, ends at `right`, in its own domain.
        const bool in_mel = spec.mel_shape == MelShape::TriangleInMel;
        const double left = in_mel ? left_mel : left_hz;
        const double centre =
            in_mel ? left_mel + step_mel : mel_to_hz(left_mel + step_mel, spec.mel_scale);
        const double right = in_mel ? left_mel + 2 * step_mel : right_hz;
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
        while (filter.num_weights % kernels::kLanes != 0) {
            weights_.push_back(0.0F);
            ++filter.num_weights;
        }
        filters_.push_back(filter);
    }
}

void MelBank::apply(std::span<const float> power, std::span<float> out) const {
    kernels::weigh_bins(power.data(), filters_.data(), filters_.size(), weights_.data(),
                        out.data());
}

}  // namespace emotiond::dsp
