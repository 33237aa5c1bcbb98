#pragma once

#include <span>
#include <vector>

#include "dsp/feature_spec.hpp"

namespace emotiond::dsp {

/// How much louder the mel bands became since the frame before: the mean over the bands of the rise
/// of their logarithm, in the specification's unit, falls counted as 0. The first frame's is 0.
/// Real-time safe after construction: no allocation, no lock. Not thread-safe.
/// Source: Boeck & Widmer 2013; agrees with librosa 0.11, onset.onset_strength with lag and
/// max_size 1 (tests/dsp/feature_golden_test.cpp).
class SpectralFlux {
 public:
    explicit SpectralFlux(const FeatureSpec& spec);

    /// log_mels: [num_mels], natural logarithm.
    float compute(std::span<const float> log_mels);
    /// As after construction; no frame is left in memory.
    void reset();

 private:
    float scale_;
    std::vector<float> before_;  ///< [num_mels]
    bool is_first_ = true;
};

}  // namespace emotiond::dsp
