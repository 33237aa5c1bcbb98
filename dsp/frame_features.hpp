#pragma once

#include <array>
#include <optional>
#include <span>

#include "dsp/chroma.hpp"
#include "dsp/feature_spec.hpp"
#include "dsp/frame_spectrum.hpp"
#include "dsp/mfcc_frame.hpp"
#include "dsp/pitch_estimator.hpp"
#include "dsp/spectral_contrast.hpp"
#include "dsp/spectral_flux.hpp"
#include "dsp/tonnetz.hpp"

namespace emotiond::dsp {

/// The static features of a frame, those that the specification asks for. It keeps nothing of a
/// frame for the next, so that channels may take turns with one. Real-time safe after construction:
/// no allocation, no lock. Not thread-safe, but for spec().
class FrameFeatures {
 public:
    /// Throws std::invalid_argument where the specification is not valid.
    explicit FrameFeatures(const FeatureSpec& spec);

    /// samples: [lookbehind_samples + frame_samples + lookahead_samples], full scale +-1: the frame
    /// among what its features need besides.  flux: that of the channel's frames.
    /// out: [num_static].
    void compute(std::span<const float> samples, SpectralFlux& flux, std::span<float> out);

    [[nodiscard]] const FeatureSpec& spec() const { return spec_; }

 private:
    FeatureSpec spec_;
    FrameSpectrum spectrum_;
    MfccFrame mfcc_;
    std::optional<PitchEstimator> pitch_;
    std::optional<Chroma> chroma_;
    std::optional<SpectralContrast> contrast_;
    Tonnetz tonnetz_;
    std::array<float, Chroma::kSize> chroma_row_{};
};

}  // namespace emotiond::dsp
