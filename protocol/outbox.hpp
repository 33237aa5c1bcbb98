#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocol/command.hpp"
#include "protocol/events.hpp"
#include "protocol/message.hpp"

namespace emotiond::protocol {

/// What one subscriber still has to be sent. When it is full the oldest waiting message goes, or
/// with Overflow::LatestOnly every one that a newer one of the same stream and type follows; never
/// one that is being written. The subscriber is told by a gap message in its place.
///
///     push() >  [ 9 8 7 6 ]  [ gap 3..5 ]  [ 2 1 ]  > begin_write(), end_write()
///                 waiting      dropped     in flight
///
/// Events waiting and in flight never exceed `max_bytes` together; answers are never dropped, which
/// is why nobody may ask on while many wait. On top of that come at most `kMaxGaps` gaps: messages
/// of further streams are counted in the gap that names no stream. Not thread-safe.
class Outbox {
 public:
    static constexpr std::size_t kDefaultMaxBytes = std::size_t{1024} * 1024;
    static constexpr std::size_t kMaxGaps = 256;

    explicit Outbox(std::size_t max_bytes = kDefaultMaxBytes) : max_bytes_(max_bytes) {}

    /// Until it is set, DropOldest. Disconnect is the owner's to do: has_room() tells when.
    void set_overflow(Overflow overflow) { overflow_ = overflow; }

    bool has_room(const Message& message) const {
        return bytes_ + message.line().size() <= max_bytes_;
    }

    /// Returns how many messages had to go. A message larger than the outbox goes itself, after
    /// all that waited before it.
    std::size_t push(MessagePtr message);

    /// Forgets what waits of the stream, and its gaps: it is about to be sent again.
    void forget(const std::string& stream);

    /// Takes the next messages, gaps first, and keeps them alive until end_write().
    /// Empty when nothing waits. Only while nothing is in flight.
    const std::vector<MessagePtr>& begin_write(std::size_t max_messages);

    /// Returns how many messages were in flight.
    std::size_t end_write();

    std::size_t bytes() const { return bytes_; }  ///< waiting and in flight, without gaps
    std::size_t max_bytes() const { return max_bytes_; }
    std::size_t messages() const { return waiting_.size() + in_flight_.size(); }

 private:
    void drop(const MessagePtr& message);
    std::size_t drop_outdated();

    /// Epoch and stream; both empty for messages without a stream.
    using GapKey = std::pair<std::string, std::string>;

    std::size_t max_bytes_;
    Overflow overflow_ = Overflow::DropOldest;
    std::size_t bytes_ = 0;
    std::deque<MessagePtr> waiting_;
    std::map<GapKey, QueueGap> gaps_;
    std::vector<MessagePtr> in_flight_;
    std::size_t in_flight_bytes_ = 0;
};

}  // namespace emotiond::protocol
