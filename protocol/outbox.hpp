#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "protocol/events.hpp"
#include "protocol/message.hpp"

namespace emotiond::protocol {

/// What one subscriber still has to be sent. When it is full the oldest waiting message goes,
/// never one that is being written; the subscriber is told by a gap message in its place.
///
///     push() >  [ 9 8 7 6 ]  [ gap 3..5 ]  [ 2 1 ]  > begin_write(), end_write()
///                 waiting      dropped     in flight
///
/// Messages waiting and in flight never exceed `max_bytes` together. On top of that come at most
/// `kMaxGaps` gaps: messages of further streams are counted in the gap that names no stream.
/// Not thread-safe.
class Outbox {
 public:
    static constexpr std::size_t kDefaultMaxBytes = std::size_t{1024} * 1024;
    static constexpr std::size_t kMaxGaps = 256;

    explicit Outbox(std::size_t max_bytes = kDefaultMaxBytes) : max_bytes_(max_bytes) {}

    /// Returns how many messages had to go. A message larger than the outbox goes itself, after
    /// all that waited before it.
    std::size_t push(MessagePtr message);

    /// Takes the next messages, gaps first, and keeps them alive until end_write().
    /// Empty when nothing waits. Only while nothing is in flight.
    const std::vector<MessagePtr>& begin_write(std::size_t max_messages);

    /// Returns how many messages were in flight.
    std::size_t end_write();

    std::size_t bytes() const { return bytes_; }  ///< waiting and in flight, without gaps
    std::size_t max_bytes() const { return max_bytes_; }
    std::size_t messages() const { return waiting_.size() + in_flight_.size(); }

 private:
    void drop_oldest();

    std::size_t max_bytes_;
    std::size_t bytes_ = 0;
    std::deque<MessagePtr> waiting_;
    std::map<std::string, QueueGap> gaps_;  // by stream; those without one under ""
    std::vector<MessagePtr> in_flight_;
    std::size_t in_flight_bytes_ = 0;
};

}  // namespace emotiond::protocol
