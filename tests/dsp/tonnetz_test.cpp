#include "dsp/tonnetz.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace emotiond::dsp {
namespace {

using Chord = std::array<float, Chroma::kSize>;
using Position = std::array<float, Tonnetz::kSize>;

Position position_of(const Chord& chord) {
    Position position{};
    Tonnetz().compute(chord, position);
    return position;
}

Chord tone(std::size_t semitone, float strength = 1.0F) {
    Chord chord{};
    chord[semitone] = strength;
    return chord;
}

testing::Matcher<Position> is_near(const Position& expected) {
    return testing::Pointwise(testing::FloatNear(1e-6F), expected);
}

TEST(Tonnetz, WalksTheCirclesOfFifthsAndThirds) {
    EXPECT_THAT(position_of(tone(0)), is_near({0.0F, 1.0F, 0.0F, 1.0F, 0.0F, 0.5F}));
    // A fifth is a twelfth of the first circle: 7 semitones of 7/12 turn are four turns and this.
    EXPECT_THAT(position_of(tone(7)), is_near({0.5F, 0.8660254F, 1.0F, 0.0F, 0.4330127F, -0.25F}));
    // A minor third is a quarter of the second, a major one a third of the last, once round each.
    const Position minor_third = position_of(tone(3));
    EXPECT_NEAR(minor_third[2], 1.0F, 1e-6F);
    EXPECT_NEAR(minor_third[3], 0.0F, 1e-6F);
    const Position major_third = position_of(tone(4));
    EXPECT_NEAR(major_third[4], 0.4330127F, 1e-6F);
    EXPECT_NEAR(major_third[5], -0.25F, 1e-6F);
}

TEST(Tonnetz, IsTheMeanOfItsTones) {
    Chord chord = tone(0, 0.2F);
    chord[4] = 0.6F;
    const Position first = position_of(tone(0));
    const Position second = position_of(tone(4));
    Position expected{};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        expected[i] = 0.25F * first[i] + 0.75F * second[i];
    }
    EXPECT_THAT(position_of(chord), is_near(expected));
}

TEST(Tonnetz, IsNowhereInSilence) {
    EXPECT_THAT(position_of(Chord{}), testing::Each(0.0F));
}

}  // namespace
}  // namespace emotiond::dsp
