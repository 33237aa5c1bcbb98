#include "protocol/outbox.hpp"

#include <cassert>
#include <utility>

#include "protocol/event_json.hpp"

namespace emotiond::protocol {

std::size_t Outbox::push(MessagePtr message) {
    bytes_ += message->line().size();
    waiting_.push_back(std::move(message));
    std::size_t dropped = 0;
    while (bytes_ > max_bytes_ && !waiting_.empty()) {
        drop_oldest();
        ++dropped;
    }
    return dropped;
}

void Outbox::drop_oldest() {
    const MessagePtr message = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= message->line().size();

    const bool room = gaps_.size() + 1 < kMaxGaps || gaps_.contains(message->stream());
    QueueGap& gap = gaps_[room ? message->stream() : ""];
    // The oldest always goes first, so a stream's dropped messages are one unbroken range.
    if (gap.dropped++ == 0) {
        gap.from_seq = message->seq();
    }
    gap.to_seq = message->seq();
}

const std::vector<MessagePtr>& Outbox::begin_write(std::size_t max_messages) {
    assert(in_flight_.empty());
    while (in_flight_.size() < max_messages && !gaps_.empty()) {
        auto gap = gaps_.extract(gaps_.begin());
        gap.mapped().stream = std::move(gap.key());
        in_flight_.push_back(std::make_shared<const Message>(to_json_text(gap.mapped())));
    }
    while (in_flight_.size() < max_messages && !waiting_.empty()) {
        in_flight_bytes_ += waiting_.front()->line().size();
        in_flight_.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
    return in_flight_;
}

std::size_t Outbox::end_write() {
    const std::size_t messages = in_flight_.size();
    in_flight_.clear();
    bytes_ -= std::exchange(in_flight_bytes_, 0);
    return messages;
}

}  // namespace emotiond::protocol
