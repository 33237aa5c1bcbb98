#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/events.hpp"
#include "protocol/message.hpp"
#include "protocol/replay_buffer.hpp"
#include "protocol/rights.hpp"
#include "protocol/subscriber.hpp"

namespace emotiond::protocol {

/// What happened since start-up; `subscribers` is now.
struct Counters {
    std::uint64_t events_published = 0;
    std::uint64_t messages_delivered = 0;  ///< handed to connections, hellos and gaps included
    std::uint64_t bytes_delivered = 0;     ///< JSON text, with what frames it
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
    static constexpr std::size_t kMaxRemovedReplays = 64;
    static constexpr std::size_t kDefaultReplayBytes = std::size_t{256} * 1024;

    /// server: name and version, as `hello` tells it. replay_bytes: what each stream's replay
    /// buffer holds. The epoch is made here.
    Hub(std::string server, std::vector<ModelInfo> models,
        std::size_t replay_bytes = kDefaultReplayBytes);

    /// The stream counts as silent until its first StreamEvent. The numbers are the hub's: one that
    /// comes back goes on where it was, so that no two events have the same in an epoch.
    /// Errors: throws std::invalid_argument for a name that is empty, taken or too long.
    void add_stream(StreamInfo info);

    /// The stream is told of no more, neither in `hello` nor in a later list. What is still
    /// published of it is delivered, and who resumes it gets what its replay buffer holds: until
    /// kMaxRemovedReplays others have been removed, as where each call is a stream of its own.
    /// Does nothing where there is none of that name.
    void remove_stream(std::string_view name);

    /// As `hello` tells it from now on; publishes nothing. reason: why not; empty where it is.
    /// Does nothing where there is none of that name.
    void set_analysed(std::string_view name, bool analysed, std::string reason);

    /// Errors: throws std::out_of_range for a stream that was not added.
    void publish(const Event& event);

    /// Every event that is published from now on is delivered.
    void join(Subscriber& subscriber);

    /// Does nothing when the subscriber has not joined.
    void leave(Subscriber& subscriber) noexcept;

    /// For one subscriber; the caller delivers it. What follows the `newest_seq` that it tells is
    /// delivered to whoever joins before the next publish().
    MessagePtr hello(const SubscriberLimits& limits, const Rights& rights = {}) const;
    MessagePtr error(ErrorEvent error) const;

    /// In the order in which they were added, without those that were removed.
    std::vector<StreamInfo> streams() const;
    const std::vector<ModelInfo>& models() const { return models_; }
    /// As `hello` tells them from now on.
    void set_models(std::vector<ModelInfo> models) { models_ = std::move(models); }
    const std::string& server() const { return server_; }

    /// Empties the stream's replay buffer. Does nothing where there is none of that name.
    void forget(std::string_view stream);

    /// What is still held of a stream; null where there is none of that name.
    const ReplayBuffer* replay(std::string_view stream) const;

    void count_delivered(std::size_t messages, std::size_t bytes) noexcept;
    void count_dropped(std::size_t messages) noexcept;
    Counters counters() const;

    const std::string& epoch() const { return epoch_; }

 private:
    struct Stream {
        StreamInfo info;
        ReplayBuffer replay;
        bool removed = false;
    };

    Stream* find(std::string_view name);
    static void forget(Stream& stream);

    std::string epoch_;
    std::string server_;
    std::vector<ModelInfo> models_;
    std::size_t replay_bytes_;
    std::list<Stream> streams_;  // in the order they were added, so hello tells them
    std::list<Stream> removed_;  // the latest last
    std::map<std::string, std::list<Stream>::iterator, std::less<>> by_name_;
    std::optional<OverloadEvent> overload_;
    std::vector<Subscriber*> subscribers_;
    Counters counters_;
};

}  // namespace emotiond::protocol
