#include "dsp/g711.hpp"

#include <algorithm>
#include <bit>

namespace emotiond::dsp {
namespace {

constexpr unsigned kBias = 33U << 2U;  ///< G.711's 33 of 14 bits
constexpr unsigned kLargest = 8158U << 2U;

}  // namespace

std::uint8_t mu_law_encode(std::int16_t sample) {
    const bool is_negative = sample < 0;
    const int value = is_negative ? -static_cast<int>(sample) : sample;
    const unsigned magnitude = std::min(static_cast<unsigned>(value) & ~3U, kLargest) + kBias;
    // The bias makes eight bits the least width; every more doubles the step.
    const auto segment = static_cast<unsigned>(std::bit_width(magnitude)) - 8U;
    const unsigned step = (magnitude >> (segment + 3U)) & 0x0FU;
    const unsigned code = (is_negative ? 0x80U : 0U) | (segment << 4U) | step;
    return static_cast<std::uint8_t>(~code & 0xFFU);
}

std::int16_t mu_law_decode(std::uint8_t code) {
    const unsigned bits = ~static_cast<unsigned>(code) & 0xFFU;
    const unsigned segment = (bits >> 4U) & 7U;
    const unsigned step = bits & 0x0FU;
    const auto magnitude =
        static_cast<int>((((step << 3U) + kBias) << segment)) - static_cast<int>(kBias);
    return static_cast<std::int16_t>((bits & 0x80U) != 0 ? -magnitude : magnitude);
}

}  // namespace emotiond::dsp
