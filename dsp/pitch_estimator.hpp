#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dsp/complex_fft.hpp"
#include "dsp/feature_spec.hpp"

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
    /// Into autocorrelation_, times the size of the transform.
    void autocorrelate(std::span<const float> frame, float mean);

    double rate_hz_;
    F0Difference kind_;
    std::size_t min_period_;
    std::size_t max_period_;
    // Zeros behind the frame keep its end from the lags of its start. The power is taken of odd
    // bins only, between those of a transform: one of half the size has them all, and the one back
    // takes half of that, and both without putting together a real one.
    ComplexFft forward_;                  ///< of half the size
    ComplexFft backward_;                 ///< of a quarter
    std::vector<float> fold_twiddles_;    ///< as kernels::fold_for_odd_bins takes them
    std::vector<float> lag_twiddles_;     ///< as kernels::autocorrelation_of_odd_bins takes them
    std::vector<float> work_;             ///< [2][backward_.size() + 1]
    std::vector<float> autocorrelation_;  ///< [max_period + 1]
    std::vector<double> sums_;            ///< [2 (kernels::kLanes + max_period)]
    std::vector<float> differences_;      ///< [max_period], d' from lag 1 on
    std::vector<float> troughs_;          ///< [max_period - min_period + 1]
    std::vector<float> voicing_;  ///< [101], by how many thresholds are not above the trough
};

}  // namespace emotiond::dsp
