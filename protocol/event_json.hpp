#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/events.hpp"
#include "protocol/message.hpp"

namespace emotiond::protocol {

/// What the hub knows about an event and its publisher does not. The last two are told only of
/// an event that has a stream.
struct Envelope {
    std::string_view epoch;
    std::string_view role = {};
    std::uint64_t seq = 0;
};

EventType type_of(const Event& event);

/// The JSON object that docs/protocol.md describes, on one line and without a line end.
/// Scores and shares have 4 decimals, levels 1; a number that is not finite becomes null and
/// invalid UTF-8 becomes U+FFFD, so that the result is always valid JSON.
/// Thread-safe.
/// Errors: std::bad_alloc only.
std::string to_json_text(const Event& event, const Envelope& envelope);
std::string to_json_text(const Hello& hello);
std::string to_json_text(const Subscribed& answer);
std::string to_json_text(const Unsubscribed& answer);
std::string to_json_text(const Controlled& answer);
std::string to_json_text(const Pong& pong);
std::string to_json_text(const QueueGap& gap);

/// RFC 3339, UTC, milliseconds: 2026-11-20T20:42:42.123Z
std::string to_rfc3339(WallTime time);

}  // namespace emotiond::protocol
