#include "dsp/g711.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

namespace emotiond::dsp {
namespace {

// The quantised values of G.711's table 2a, in 16 bits (four times its 14): the first and the last
// step of segments.
TEST(G711, DecodesTheCodePointsOfTheTable) {
    const std::pair<int, int> points[]{
        {0x80, 32124},  {0x81, 31100}, {0x8F, 16764}, {0x90, 15996}, {0x9F, 8316},   {0xA0, 7932},
        {0xAF, 4092},   {0xBF, 1980},  {0xC0, 1884},  {0xCF, 924},   {0xDF, 396},    {0xE0, 372},
        {0xEF, 132},    {0xF0, 120},   {0xFE, 8},     {0xFF, 0},     {0x00, -32124}, {0x0F, -16764},
        {0x10, -15996}, {0x6F, -132},  {0x70, -120},  {0x7E, -8},    {0x7F, 0}};
    for (const auto& [code, sample] : points) {
        EXPECT_EQ(mu_law_decode(static_cast<std::uint8_t>(code)), sample) << std::hex << code;
    }
}

TEST(G711, EncodesAtItsDecisionValues) {
    const std::pair<int, int> points[]{
        {0, 0xFF},     {3, 0xFF},     {4, 0xFE},     {11, 0xFE},     {12, 0xFD},    {1000, 0xCE},
        {32767, 0x80}, {31612, 0x80}, {31608, 0x81}, {-32768, 0x00}, {-3, 0x7F},    {-4, 0x7E},
        {-1000, 0x4E}, {123, 0xF0},   {124, 0xEF},   {-31612, 0x00}, {-31608, 0x01}};
    for (const auto& [sample, code] : points) {
        EXPECT_EQ(mu_law_encode(static_cast<std::int16_t>(sample)), code) << sample;
    }
}

TEST(G711, EveryCodeComesBack) {
    for (int code = 0; code < 256; ++code) {
        // 0x7F is the negative zero; a sample has only one zero.
        const int expected = code == 0x7F ? 0xFF : code;
        EXPECT_EQ(mu_law_encode(mu_law_decode(static_cast<std::uint8_t>(code))), expected) << code;
    }
}

TEST(G711, ErrsByLessThanAThirtiethOfTheSample) {
    for (int sample = -32768; sample <= 32767; ++sample) {
        const int back = mu_law_decode(mu_law_encode(static_cast<std::int16_t>(sample)));
        ASSERT_LE(std::abs(back - sample), 8 + std::abs(sample) / 30) << sample;
    }
}

}  // namespace
}  // namespace emotiond::dsp
