#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "protocol/message.hpp"

namespace emotiond::protocol {

/// The newest events of one stream, for subscribers that come back.
///
///     push() > [ 9 8 7 6 5 ] > forgotten      oldest_seq() 5, newest_seq() 9
///
/// Not thread-safe.
class ReplayBuffer {
 public:
    explicit ReplayBuffer(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    /// The message's seq must follow the newest. What does not fit any more is forgotten.
    void push(MessagePtr message) {
        newest_seq_ = message->seq();
        bytes_ += message->line().size();
        messages_.push_back(std::move(message));
        while (bytes_ > max_bytes_) {
            bytes_ -= messages_.front()->line().size();
            messages_.pop_front();
        }
    }

    void clear() {
        messages_.clear();
        bytes_ = 0;
    }

    bool holds(std::uint64_t seq) const { return seq >= oldest_seq() && seq <= newest_seq_; }
    /// Only where holds(seq).
    const MessagePtr& at(std::uint64_t seq) const { return messages_[seq - oldest_seq()]; }

    std::uint64_t oldest_seq() const { return newest_seq_ + 1 - messages_.size(); }
    std::uint64_t newest_seq() const { return newest_seq_; }  ///< 0: nothing was pushed yet
    bool empty() const { return messages_.empty(); }
    const std::deque<MessagePtr>& messages() const { return messages_; }

 private:
    std::size_t max_bytes_;
    std::size_t bytes_ = 0;
    std::uint64_t newest_seq_ = 0;
    std::deque<MessagePtr> messages_;
};

}  // namespace emotiond::protocol
