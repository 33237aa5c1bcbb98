#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "dsp/kernels.hpp"

namespace emotiond::dsp {

/// How the power of one frame spreads over the twelve semitones, of all octaves together: a bell of
/// the width of a semitone (of an FFT bin where that is wider) around each, octaves weighted by a
/// bell of two octaves around 440 Hz. The strongest is 1; of silence all are 0.
/// Real-time safe after construction: no allocation, no lock. Not thread-safe.
/// Source: Ellis 2007, chromagram_E; agrees with librosa 0.11, chroma_stft with tuning 0
/// (tests/dsp/feature_golden_test.cpp).
class Chroma {
 public:
    static constexpr std::size_t kSize = 12;

    explicit Chroma(const FeatureSpec& spec);

    /// power: as FrameSpectrum gives it.  out: [kSize], C first.
    void compute(std::span<const float> power, std::span<float> out) const;

 private:
    std::vector<kernels::BinRun> filters_;
    std::vector<float> weights_;
};

}  // namespace emotiond::dsp
