#pragma once

#include <cstdint>

namespace emotiond::dsp {

/// The telephone's code for a sample: 8 bits, sign and logarithm. Samples are 16-bit, whose two
/// lowest bits the code has no room for. Real-time safe.
/// Source: ITU-T G.711, mu-law, table 2a/2b.
[[nodiscard]] std::uint8_t mu_law_encode(std::int16_t sample);
[[nodiscard]] std::int16_t mu_law_decode(std::uint8_t code);

}  // namespace emotiond::dsp
