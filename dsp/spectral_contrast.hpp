#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "dsp/feature_spec.hpp"

namespace emotiond::dsp {

/// How far the peaks of the magnitude spectrum stand above its valleys, in seven bands: 0 to 200
/// Hz, octaves from there on, the last to half the sample rate. Peak and valley are the means of
/// the largest and smallest 2 % of a band, at least of one bin; a tenfold counts 10 dB, as librosa
/// counts it, and what is below 1e-10 as that.
/// Real-time safe after construction, immutable.
/// Source: Jiang et al. 2002; agrees with librosa 0.11, spectral_contrast without the top_db of its
/// power_to_db, for which a stream has no maximum (tests/dsp/feature_golden_test.cpp).
class SpectralContrast {
 public:
    static constexpr std::size_t kSize = 7;
    static constexpr int kLowestEdgeHz = 200;
    /// Of the last band.
    static constexpr int kHighestEdgeHz = kLowestEdgeHz << (kSize - 2);

    explicit SpectralContrast(const FeatureSpec& spec);

    /// power: as FrameSpectrum gives it.  out: [kSize], dB.
    void compute(std::span<const float> power, std::span<float> out) const;

 private:
    struct Band {
        std::size_t first_bin;
        std::size_t num_bins;
        std::size_t num_extremes;  ///< bins of a peak, and of a valley
    };
    std::array<Band, kSize> bands_{};
};

}  // namespace emotiond::dsp
