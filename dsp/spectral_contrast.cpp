#include "dsp/spectral_contrast.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "dsp/kernels.hpp"

namespace emotiond::dsp {
namespace {

/// Of the first `count` from a bound on, as next(bins, size, bound) finds them one after the other.
/// What is not a number adds nothing.
template <typename Next>
float mean_magnitude(std::span<const float> power, std::size_t count, float bound, Next next) {
    float sum = 0.0F;
    for (std::size_t left = count; left > 0;) {
        bound = next(power.data(), power.size(), bound);
        if (!std::isfinite(bound)) {
            break;
        }
        const std::size_t equals =
            left == 1 ? 1 : std::min(left, kernels::count(power.data(), power.size(), bound));
        sum += static_cast<float>(equals) * std::sqrt(bound);
        left -= equals;
    }
    return sum / static_cast<float>(count);
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
        low_hz = high_hz;
        high_hz *= 2;
    }
}

void SpectralContrast::compute(std::span<const float> power, std::span<float> out) const {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    std::array<float, 2 * kSize> magnitudes{};  // valleys, peaks
    for (std::size_t i = 0; i < kSize; ++i) {
        const Band& band = bands_[i];
        const std::span<const float> bins = power.subspan(band.first_bin, band.num_bins);
        magnitudes[i] = mean_magnitude(bins, band.num_extremes, -kInfinity, kernels::least);
        magnitudes[kSize + i] =
            mean_magnitude(bins, band.num_extremes, kInfinity, kernels::largest);
    }
    // In dB as librosa's power_to_db: of a magnitude, all the same.
    constexpr float kFloor = 1e-10F;
    constexpr float kDecibels = 10.0F / std::numbers::ln10_v<float>;
    kernels::log(magnitudes.data(), magnitudes.size(), kFloor);
    for (std::size_t i = 0; i < kSize; ++i) {
        out[i] = kDecibels * (magnitudes[kSize + i] - magnitudes[i]);
    }
}

}  // namespace emotiond::dsp
