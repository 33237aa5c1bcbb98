#pragma once

#include <span>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "dsp/mel_bank.hpp"

namespace emotiond::dsp {

/// The cepstrum of one frame.
/// Real-time safe after construction: no allocation, no lock. Not thread-safe.
/// Source: Davis & Mermelstein 1980; agrees with librosa 0.11, kaldi-native-fbank and openSMILE
/// (tests/dsp/feature_golden_test.cpp).
class MfccFrame {
 public:
    explicit MfccFrame(const FeatureSpec& spec);

    /// power: as FrameSpectrum gives it.  out: [num_coeffs], of which the zeroth is that of the
    /// DCT.
    void compute(std::span<const float> power, std::span<float> out);

    /// [num_mels] of the last compute(), natural logarithm.
    [[nodiscard]] std::span<const float> log_mels() const { return log_mels_; }

 private:
    FeatureSpec spec_;
    MelBank mel_bank_;
    std::vector<float> dct_;           ///< [num_mels][padded coefficients], lifter folded in
    std::vector<float> log_mels_;      ///< [num_mels]
    std::vector<float> coefficients_;  ///< [padded coefficients]
};

}  // namespace emotiond::dsp
