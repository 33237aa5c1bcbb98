#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "dsp/chroma.hpp"

namespace emotiond::dsp {

/// Where chroma lies on the circles of fifths, minor and major thirds: the mean position, by how
/// much of the chroma each semitone has. Of silence all are 0.
/// Real-time safe: no allocation, no lock.
/// Source: Harte, Sandler & Gasser 2006; agrees with librosa 0.11, tonnetz(chroma=chroma_stft)
/// (tests/dsp/feature_golden_test.cpp).
class Tonnetz {
 public:
    static constexpr std::size_t kSize = 6;

    Tonnetz();

    /// chroma: [Chroma::kSize], not negative.  out: [kSize], x and y of each circle.
    void compute(std::span<const float> chroma, std::span<float> out) const;

 private:
    std::array<std::array<float, Chroma::kSize>, kSize> positions_;
};

}  // namespace emotiond::dsp
