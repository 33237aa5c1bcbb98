#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "dsp/real_fft.hpp"

namespace emotiond::dsp {

/// The fundamental frequency of one frame and how sure it is that there is one, by itself: no
/// frame knows its neighbours.
///
/// d(k) is the energy of the frame's difference from itself k samples later (F0Difference says of
/// which samples), d'(k) that over the mean of d(1..k). The period is the first trough of d' below
/// 0.1, or where none is, its least value; a parabola refines it. The voicing is the probability
/// that a threshold drawn from beta(2, 18), in steps of 0.01, lies above the deepest trough, plus a
/// hundredth of the rest.
/// Real-time safe after construction: no allocation, no lock. Not thread-safe.
/// Source: de Cheveigne & Kawahara 2002; Mauch & Dixon 2014. Agrees with yin and the voiced_prob of
/// pyin of librosa 0.11 (tests/dsp/feature_golden_test.cpp).
class PitchEstimator {
 public:
    struct Pitch {
        float hz;       ///< f0_low_hz..f0_high_hz, rounded outwards to whole periods in samples
        float voicing;  ///< 0..1
    };

    explicit PitchEstimator(const FeatureSpec& spec);

    /// frame: [f0_frame_samples], of any scale.
    Pitch estimate(std::span<const float> frame);

 private:
    void normalised_difference(std::span<const float> frame);

    double rate_hz_;
    F0Difference kind_;
    std::size_t min_period_;
    std::size_t max_period_;
    RealFft fft_;                     ///< of the frame and as many zeros as its largest lag needs
    std::vector<float> power_;        ///< [fft size / 2 + 1]
    std::vector<float> differences_;  ///< [max_period - min_period + 1], d' from min_period on
    std::vector<float> voicing_;      ///< [101], by how many thresholds are not above the trough
};

}  // namespace emotiond::dsp
