#include "dsp/tonnetz.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace emotiond::dsp {

Tonnetz::Tonnetz() : positions_() {
    struct Circle {
        double half_turns;  // a semitone
        double radius;
    };
    constexpr std::array<Circle, 3> kCircles{
        {{7.0 / 6.0, 1.0}, {3.0 / 2.0, 1.0}, {2.0 / 3.0, 0.5}}};
    for (std::size_t circle = 0; circle < kCircles.size(); ++circle) {
        for (std::size_t semitone = 0; semitone < Chroma::kSize; ++semitone) {
            const double angle =
                std::numbers::pi * kCircles[circle].half_turns * static_cast<double>(semitone);
            const double radius = kCircles[circle].radius;
            positions_[2 * circle][semitone] = static_cast<float>(radius * std::sin(angle));
            positions_[2 * circle + 1][semitone] = static_cast<float>(radius * std::cos(angle));
        }
    }
}

void Tonnetz::compute(std::span<const float> chroma, std::span<float> out) const {
    float sum = 0.0F;
    for (const float semitone : chroma) {
        sum += semitone;
    }
    const float scale = sum >= std::numeric_limits<float>::min() ? 1.0F / sum : 0.0F;
    for (std::size_t i = 0; i < kSize; ++i) {
        float position = 0.0F;
        for (std::size_t semitone = 0; semitone < Chroma::kSize; ++semitone) {
            position += positions_[i][semitone] * chroma[semitone];
        }
        out[i] = position * scale;
    }
}

}  // namespace emotiond::dsp
