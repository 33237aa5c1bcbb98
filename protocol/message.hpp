#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace emotiond::protocol {

/// The kinds of events that a subscription can name.
enum class EventType { Emotion, Gap, Stream, Error };

std::string_view to_text(EventType type);
std::optional<EventType> event_type_from(std::string_view text);

/// One JSON object, serialised once and shared by every subscriber that gets it.
/// The line end is stored with it, so that no transport has to copy the text to add one.
class Message {
 public:
    /// What the text tells, for those who do not want to read it again.
    struct About {
        std::optional<EventType> type = {};  ///< none: no event, but a hello or an answer
        std::string epoch = {};
        std::string stream = {};     ///< empty: about no single stream
        std::uint64_t seq = 0;       ///< 0: about no single stream
        std::uint64_t position = 0;  ///< among all events of the epoch, from 1; 0: no event
        std::chrono::system_clock::time_point time = {};
        std::chrono::milliseconds end = {};  ///< Emotion: end of the window on the sample clock
    };

    explicit Message(std::string json) : Message(std::move(json), About{}) {}
    Message(std::string json, About about)
        : line_(std::move(json) + '\n'), about_(std::move(about)) {}

    std::string_view line() const { return line_; }  ///< with the line end: for NDJSON
    std::string_view text() const { return line().substr(0, line_.size() - 1); }  ///< without it
    const About& about() const { return about_; }
    const std::string& stream() const { return about_.stream; }
    std::uint64_t seq() const { return about_.seq; }

 private:
    std::string line_;
    About about_;
};

using MessagePtr = std::shared_ptr<const Message>;

}  // namespace emotiond::protocol
