#include "protocol/outbox.hpp"

#include <algorithm>
#include <cassert>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "protocol/event_json.hpp"

namespace emotiond::protocol {

std::size_t Outbox::push(MessagePtr message) {
    bytes_ += message->line().size();
    waiting_.push_back(std::move(message));
    std::size_t dropped = 0;
    if (bytes_ > max_bytes_ && overflow_ == Overflow::LatestOnly) {
        dropped = drop_outdated();
    }
    // Answers stay: a client waits for them, and asks no more while they wait.
    const auto is_event = [](const MessagePtr& one) { return one->about().type.has_value(); };
    auto oldest = waiting_.begin();
    while (bytes_ > max_bytes_ &&
           (oldest = std::find_if(oldest, waiting_.end(), is_event)) != waiting_.end()) {
        const MessagePtr event = std::move(*oldest);
        oldest = waiting_.erase(oldest);
        drop(event);
        ++dropped;
    }
    return dropped;
}

void Outbox::drop(const MessagePtr& message) {
    bytes_ -= message->line().size();

    GapKey key{message->about().epoch, message->stream()};
    const bool room = gaps_.size() + 1 < kMaxGaps || gaps_.contains(key);
    if (!room || key.second.empty()) {
        key = {};
    }
    QueueGap& gap = gaps_[key];
    if (gap.dropped == 0U) {
        gap.from_seq = message->seq();
    }
    gap.to_seq = message->seq();
    ++*gap.dropped;
}

std::size_t Outbox::drop_outdated() {
    using Kind = std::pair<std::string_view, EventType>;
    std::set<Kind> seen;
    std::deque<MessagePtr> latest;
    std::vector<MessagePtr> outdated;
    for (auto message = waiting_.rbegin(); message != waiting_.rend(); ++message) {
        const Message::About& about = (*message)->about();
        // Of two alerts neither says what the other does.
        const bool stays = !about.type || about.type == EventType::Alert || about.stream.empty();
        if (stays || seen.emplace(about.stream, *about.type).second) {
            latest.push_front(*message);
        } else {
            outdated.push_back(*message);
        }
    }
    waiting_ = std::move(latest);
    std::for_each(outdated.rbegin(), outdated.rend(), [this](const auto& one) { drop(one); });
    return outdated.size();
}

void Outbox::forget(const std::string& stream) {
    std::erase_if(waiting_, [&](const MessagePtr& message) {
        if (message->stream() != stream) {
            return false;
        }
        bytes_ -= message->line().size();
        return true;
    });
    std::erase_if(gaps_, [&](const auto& gap) { return gap.first.second == stream; });
}

const std::vector<MessagePtr>& Outbox::begin_write(std::size_t max_messages) {
    assert(in_flight_.empty());
    while (in_flight_.size() < max_messages && !gaps_.empty()) {
        auto gap = gaps_.extract(gaps_.begin());
        std::tie(gap.mapped().epoch, gap.mapped().stream) = gap.key();
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
