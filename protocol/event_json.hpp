#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/events.hpp"

namespace emotiond::protocol {

/// What the hub knows about an event and its publisher does not. The last two are told only of
/// an event that has a stream.
struct Envelope {
    std::string_view epoch;
    std::string_view role = {};
    std::uint64_t seq = 0;
};

/// The JSON object that docs/protocol.md describes, on one line and without a line end.
/// Scores and shares have 4 decimals, levels 1; a number that is not finite becomes null and
/// invalid UTF-8 becomes U+FFFD, so that the result is always valid JSON.
/// Thread-safe.
/// Errors: std::bad_alloc only.
std::string to_json_text(const Event& event, const Envelope& envelope);
std::string to_json_text(const Hello& hello);
std::string to_json_text(const QueueGap& gap);

}  // namespace emotiond::protocol
