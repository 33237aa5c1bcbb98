#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/events.hpp"
#include "protocol/message.hpp"
#include "protocol/subscriber.hpp"

namespace emotiond::protocol {

/// What happened since start-up; `subscribers` is now.
struct Counters {
    std::uint64_t events_published = 0;
    std::uint64_t messages_delivered = 0;  ///< handed to the kernel, hellos and gaps included
    std::uint64_t bytes_delivered = 0;     ///< JSON text, with the line ends of NDJSON
    std::uint64_t messages_dropped = 0;    ///< for subscribers that were too slow
    std::uint64_t subscribers_total = 0;
    std::size_t subscribers = 0;
};

/// Where events come in and subscribers get them: numbers each stream's events from 1, serialises
/// every event once, and shares the text with all subscribers.
/// Network thread only: another thread posts a call of publish() to the io_context.
class Hub {
 public:
    static constexpr std::size_t kMaxNameBytes = 128;

    /// server: name and version, as `hello` tells it. The epoch is made here.
    Hub(std::string server, std::vector<ModelInfo> models);

    /// The stream counts as silent until its first StreamEvent.
    /// Errors: throws std::invalid_argument for a name that is empty, taken or too long.
    void add_stream(std::string name, std::string role = "unspecified");

    /// Errors: throws std::out_of_range for a stream that was not added.
    void publish(const Event& event);

    /// Delivers the hello, then every event published after it: nothing falls between the
    /// `newest_seq` that the hello tells and the first event.
    void join(Subscriber& subscriber, const SubscriberLimits& limits);

    /// Does nothing when the subscriber has not joined.
    void leave(Subscriber& subscriber) noexcept;

    /// An error for one subscriber; the caller delivers it.
    MessagePtr error(ErrorEvent error) const;

    void count_delivered(std::size_t messages, std::size_t bytes) noexcept;
    void count_dropped(std::size_t messages) noexcept;
    Counters counters() const;

    const std::string& epoch() const { return epoch_; }

 private:
    StreamInfo& stream(std::string_view name);

    std::string epoch_;
    std::string server_;
    std::vector<ModelInfo> models_;
    std::vector<StreamInfo> streams_;  // in the order they were added, so hello tells them
    std::vector<Subscriber*> subscribers_;
    Counters counters_;
};

}  // namespace emotiond::protocol
