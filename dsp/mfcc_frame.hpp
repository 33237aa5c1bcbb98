#pragma once

#include <span>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "dsp/mel_bank.hpp"
#include "dsp/real_fft.hpp"

namespace emotiond::dsp {

/// The static features (cepstrum, and log-energy where asked) of one frame.
/// Real-time safe after construction: no allocation, no lock. Not thread-safe.
/// Source: Davis & Mermelstein 1980; agrees with librosa 0.11, kaldi-native-fbank and openSMILE
/// (tests/dsp/feature_golden_test.cpp).
class MfccFrame {
 public:
    explicit MfccFrame(const FeatureSpec& spec);

    /// frame: [frame_samples], full scale +-1.  out: [num_static].
    void compute(std::span<const float> frame, std::span<float> out);

 private:
    FeatureSpec spec_;
    RealFft fft_;
    MelBank mel_bank_;
    std::vector<float> window_;        ///< [frame_samples], sample_scale folded in
    std::vector<float> dct_;           ///< [num_mels][padded coefficients], lifter folded in
    std::vector<float> power_;         ///< [mel_bank_.num_bins()]
    std::vector<float> log_mels_;      ///< [num_mels]
    std::vector<float> coefficients_;  ///< [padded coefficients]
};

}  // namespace emotiond::dsp
