#include "protocol/subscription.hpp"

#include <algorithm>
#include <utility>

#include "protocol/glob.hpp"

namespace emotiond::protocol {

Subscription::Subscription(Rights rights, Subscribe wanted)
    : rights_(std::move(rights)), wanted_(std::move(wanted)) {}

bool Subscription::covers(std::string_view stream) const {
    return rights_.may_see(stream) &&
           std::ranges::any_of(wanted_.streams,
                               [&](const std::string& glob) { return matches_glob(glob, stream); });
}

Subscription::Stream& Subscription::state_of(const std::string& stream) {
    const auto [entry, is_new] = streams_.try_emplace(stream);
    if (is_new) {
        entry->second.covered = covers(stream);
    }
    return entry->second;
}

bool Subscription::wants(const Message& message) {
    const Message::About& about = message.about();
    if (ended_) {
        return false;
    }
    if (!wanted_.types.empty() && about.type &&
        std::ranges::find(wanted_.types, *about.type) == wanted_.types.end()) {
        return false;
    }
    if (about.stream.empty()) {
        return true;  // about the server
    }
    Stream& stream = state_of(about.stream);
    if (!stream.covered) {
        return false;
    }
    if (about.type != EventType::Emotion || wanted_.min_interval.count() == 0) {
        return true;
    }
    if (stream.epoch == about.epoch && about.end - stream.last_end < wanted_.min_interval) {
        return false;
    }
    stream.epoch = about.epoch;
    stream.last_end = about.end;
    return true;
}

}  // namespace emotiond::protocol
