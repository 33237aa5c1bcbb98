#pragma once

#include <span>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "dsp/power_spectrum.hpp"

namespace emotiond::dsp {

/// The power spectrum of one frame, which the spectral features share.
/// Real-time safe after construction: no allocation, no lock. Not thread-safe.
class FrameSpectrum {
 public:
    explicit FrameSpectrum(const FeatureSpec& spec);

    /// frame: [frame_samples], full scale +-1. Returns [fft_size/2 + 1 and padding of zeros], which
    /// MelBank asks for.
    std::span<const float> compute(std::span<const float> frame);

    /// ln of the energy of the frame of the last compute(), before pre-emphasis. What is not a
    /// number counts as the least energy.
    [[nodiscard]] float log_energy(std::span<const float> frame) const;

 private:
    FeatureSpec spec_;
    PowerSpectrum spectrum_;
    std::vector<float> window_;  ///< [frame_samples], sample_scale folded in
    std::vector<float> power_;
    float mean_ = 0.0F;
};

}  // namespace emotiond::dsp
