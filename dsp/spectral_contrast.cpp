#include "dsp/spectral_contrast.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace emotiond::dsp {
namespace {

/// In dB as librosa's power_to_db: of a magnitude, all the same.
float mean_magnitude_db(std::span<const float> power) {
    constexpr float kFloor = 1e-10F;
    float sum = 0.0F;
    for (const float bin : power) {
        sum += std::sqrt(bin);
    }
    return 10.0F * std::log10(std::max(kFloor, sum / static_cast<float>(power.size())));
}

}  // namespace

SpectralContrast::SpectralContrast(const FeatureSpec& spec) {
    const auto num_fft_bins = static_cast<std::size_t>(spec.fft_size) / 2 + 1;
    const auto fft_size = static_cast<std::size_t>(spec.fft_size);
    const auto rate_hz = static_cast<std::size_t>(spec.sample_rate_hz);
    std::size_t low_hz = 0;
    std::size_t high_hz = kLowestEdgeHz;
    for (std::size_t i = 0; i < kSize; ++i) {
        // Both edges belong to a band, and the bin below it, but then not its own last: librosa's
        // way to cut, and it counts the share of bins before it drops that one.
        std::size_t first = (low_hz * fft_size + rate_hz - 1) / rate_hz;
        std::size_t end = high_hz * fft_size / rate_hz + 1;
        if (i > 0) {
            --first;
        }
        const bool is_last = i + 1 == kSize;
        if (is_last) {
            end = num_fft_bins;
        }
        constexpr double kShare = 0.02;
        const double extremes = std::nearbyint(kShare * static_cast<double>(end - first));
        bands_[i] = {first, end - first - (is_last ? 0 : 1),
                     std::max<std::size_t>(1, static_cast<std::size_t>(extremes))};
        sorted_.resize(std::max(sorted_.size(), bands_[i].num_bins));
        low_hz = high_hz;
        high_hz *= 2;
    }
}

void SpectralContrast::compute(std::span<const float> power, std::span<float> out) {
    for (std::size_t i = 0; i < kSize; ++i) {
        const Band& band = bands_[i];
        const std::span<float> bins = std::span(sorted_).first(band.num_bins);
        // Not a number would have no place in an order.
        std::ranges::transform(power.subspan(band.first_bin, band.num_bins), bins.begin(),
                               [](float bin) { return bin > 0.0F ? bin : 0.0F; });
        const std::span<float> extremes = bins.first(band.num_extremes);
        std::ranges::partial_sort(bins, extremes.end());
        const float valley_db = mean_magnitude_db(extremes);
        std::ranges::partial_sort(bins, extremes.end(), std::ranges::greater());
        out[i] = mean_magnitude_db(extremes) - valley_db;
    }
}

}  // namespace emotiond::dsp
