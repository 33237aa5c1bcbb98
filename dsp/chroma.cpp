#include "dsp/chroma.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace emotiond::dsp {
namespace {

constexpr double kNumSemitones = 12.0;

/// Semitones above 27.5 Hz of the FFT's bin.
double semitone_of(std::size_t bin, double bin_hz) {
    if (bin == 0) {
        // 0 Hz has none: half an octave apart from the first bin's, and far below it.
        return semitone_of(1, bin_hz) - 1.5 * kNumSemitones;
    }
    return kNumSemitones * std::log2(static_cast<double>(bin) * bin_hz / 27.5);
}

/// What one bin adds to each semitone, C first.
std::array<double, Chroma::kSize> weights_of(std::size_t bin, double bin_hz) {
    constexpr double kCentreOctave = 5.0;
    constexpr double kOctavesWide = 2.0;
    constexpr std::size_t kFromAToC = 9;
    const double at = semitone_of(bin, bin_hz);
    const double width = std::max(1.0, semitone_of(bin + 1, bin_hz) - at);
    std::array<double, Chroma::kSize> weights{};
    double norm = 0.0;
    for (std::size_t semitone = 0; semitone < Chroma::kSize; ++semitone) {
        const double apart = std::remainder(at - static_cast<double>(semitone), kNumSemitones);
        const double weight = std::exp(-0.5 * std::pow(2.0 * apart / width, 2.0));
        weights[(semitone + kFromAToC) % Chroma::kSize] = weight;
        norm += weight * weight;
    }
    const double octaves = (at / kNumSemitones - kCentreOctave) / kOctavesWide;
    for (double& weight : weights) {
        weight *= std::exp(-0.5 * octaves * octaves) / std::sqrt(norm);
    }
    return weights;
}

}  // namespace

Chroma::Chroma(const FeatureSpec& spec) {
    const auto num_fft_bins = static_cast<std::size_t>(spec.fft_size) / 2 + 1;
    const double bin_hz = static_cast<double>(spec.sample_rate_hz) / spec.fft_size;
    const std::size_t stride = kernels::padded(num_fft_bins);
    weights_.resize(kSize * stride, 0.0F);
    for (std::size_t semitone = 0; semitone < kSize; ++semitone) {
        filters_.push_back({0, semitone * stride, stride});
    }
    for (std::size_t bin = 0; bin < num_fft_bins; ++bin) {
        const std::array<double, kSize> weights = weights_of(bin, bin_hz);
        for (std::size_t semitone = 0; semitone < kSize; ++semitone) {
            // What is too small for a float costs much time and adds nothing.
            const bool counts = weights[semitone] >= std::numeric_limits<float>::min();
            weights_[semitone * stride + bin] =
                counts ? static_cast<float>(weights[semitone]) : 0.0F;
        }
    }
}

void Chroma::compute(std::span<const float> power, std::span<float> out) const {
    kernels::weigh_bins(power.data(), filters_.data(), filters_.size(), weights_.data(),
                        out.data());
    const float strongest = *std::ranges::max_element(out);
    if (strongest >= std::numeric_limits<float>::min()) {
        for (float& semitone : out) {
            semitone /= strongest;
        }
    }
}

}  // namespace emotiond::dsp
