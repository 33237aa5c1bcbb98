#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/message.hpp"

namespace emotiond::protocol {

/// A place in a stream: the last event that somebody has of it.
struct Position {
    std::string epoch;
    std::string stream;
    std::uint64_t after_seq = 0;
    bool operator==(const Position&) const = default;
};

/// What happens to a subscriber that is too slow for what it asked for.
enum class Overflow {
    DropOldest,  ///< the oldest waiting messages go
    LatestOnly,  ///< of every stream only the newest waiting message of each type stays
    Disconnect,  ///< it is closed
};

struct Auth {
    std::string token;
    bool operator==(const Auth&) const = default;
};

struct Subscribe {
    std::vector<std::string> streams{"*"};  ///< globs
    std::vector<EventType> types = {};      ///< empty: all
    std::chrono::milliseconds min_interval{};
    Overflow on_overflow = Overflow::DropOldest;
    std::vector<Position> resume = {};
    bool operator==(const Subscribe&) const = default;
};

struct Unsubscribe {
    bool operator==(const Unsubscribe&) const = default;
};
/// Whether streams are analysed from now on.
enum class ControlAction {
    Pause,
    Resume,  ///< lifts a pause, and an objection where it says so
    Object,  ///< the one who speaks does not want it: also forgets what was told of the stream
};

std::string_view to_text(ControlAction action);

struct ControlCommand {
    ControlAction action = ControlAction::Pause;
    std::vector<std::string> streams;  ///< names, at least one, each once
    std::string reason;                ///< never empty: it stands in the audit log
    bool lift_objection = false;       ///< only of Resume
    bool operator==(const ControlCommand&) const = default;
};

struct Ping {
    bool operator==(const Ping&) const = default;
};
struct Close {
    bool operator==(const Close&) const = default;
};

/// What a client sent.
struct Command {
    std::string request_id;
    std::variant<Auth, Subscribe, Unsubscribe, Ping, Close, ControlCommand> body;
    bool operator==(const Command&) const = default;
};

/// Why something that a client sent is no command.
struct CommandError {
    std::string request_id;
    std::string code;     ///< `bad_json`, `unknown_command` or `bad_command`
    std::string message;  ///< what, where, expected and got
};

constexpr std::size_t kMaxRequestIdBytes = 128;
constexpr std::size_t kMaxReasonBytes = 500;

/// Bytes from outside: never throws but std::bad_alloc. Nothing is nested deeper than the commands
/// are, so that it takes neither stack nor memory worth mentioning. Thread-safe.
std::variant<Command, CommandError> decode_command(std::string_view text);

/// The same of the parameters of a URL: `streams=desk*,hall&types=emotion&min_interval_ms=1000`.
std::variant<Subscribe, CommandError> subscribe_from_query(
    const std::map<std::string, std::string>& query);

}  // namespace emotiond::protocol
