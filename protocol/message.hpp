#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace emotiond::protocol {

/// The kinds of events that a subscription can name.
/// The history stores them by number: new ones go to the end.
enum class EventType { Emotion, Gap, Stream, Error, Utterance, Alert, Overload };

constexpr EventType kEventTypes[]{EventType::Emotion, EventType::Gap,       EventType::Stream,
                                  EventType::Error,   EventType::Utterance, EventType::Alert,
                                  EventType::Overload};

/// All of them, as a message to people lists them.
constexpr const char* kEventTypeNames = "emotion, gap, stream, error, utterance, alert, overload";

std::string_view to_text(EventType type);
std::optional<EventType> event_type_from(std::string_view text);

/// One JSON object, serialised once and shared by every subscriber that gets it.
/// What the transports put around it is stored with it, so that none has to copy the text:
///
///     [ frame head | JSON | line end ]
///
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
    Message(const std::string& json, About about);

    /// Without anything around it.
    std::string_view text() const {
        return std::string_view(bytes_).substr(head_bytes_, bytes_.size() - head_bytes_ - 1);
    }
    /// With the line end: for NDJSON.
    std::string_view line() const { return std::string_view(bytes_).substr(head_bytes_); }
    /// As an unmasked text frame. Source: RFC 6455, 5.2.
    std::string_view frame() const { return std::string_view(bytes_).substr(0, bytes_.size() - 1); }
    const About& about() const { return about_; }
    const std::string& stream() const { return about_.stream; }
    std::uint64_t seq() const { return about_.seq; }

 private:
    std::string bytes_;
    std::size_t head_bytes_ = 0;
    About about_;
};

using MessagePtr = std::shared_ptr<const Message>;

}  // namespace emotiond::protocol
