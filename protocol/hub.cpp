#include "protocol/hub.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>
#include <variant>

#include "protocol/event_json.hpp"

namespace emotiond::protocol {

namespace {

/// A random UUID. Source: RFC 9562, 5.4 (version 4).
std::string make_uuid() {
    std::random_device random;
    std::array<std::uint32_t, 4> word{};
    std::ranges::generate(word, [&] { return static_cast<std::uint32_t>(random()); });
    word[1] = (word[1] & 0xffff0fffU) | 0x00004000U;  // version 4
    word[2] = (word[2] & 0x3fffffffU) | 0x80000000U;  // variant 10
    std::array<char, 37> text{};
    std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%04x%08x", word[0], word[1] >> 16U,
                  word[1] & 0xffffU, word[2] >> 16U, word[2] & 0xffffU, word[3]);
    return text.data();
}

}  // namespace

Hub::Hub(std::string server, std::vector<ModelInfo> models)
    : epoch_(make_uuid()), server_(std::move(server)), models_(std::move(models)) {}

void Hub::add_stream(std::string name, std::string role) {
    if (name.empty() || name.size() > kMaxNameBytes) {
        throw std::invalid_argument("stream name \"" + name + "\" has " +
                                    std::to_string(name.size()) + " bytes, expected 1 to " +
                                    std::to_string(kMaxNameBytes));
    }
    if (std::ranges::find(streams_, name, &StreamInfo::stream) != streams_.end()) {
        throw std::invalid_argument("stream name \"" + name + "\" is used twice");
    }
    streams_.push_back({.stream = std::move(name), .role = std::move(role)});
}

StreamInfo& Hub::stream(std::string_view name) {
    const auto found = std::ranges::find(streams_, name, &StreamInfo::stream);
    if (found == streams_.end()) {
        throw std::out_of_range("event for the unknown stream \"" + std::string(name) + "\"");
    }
    return *found;
}

void Hub::publish(const Event& event) {
    Envelope envelope{.epoch = epoch_};
    if (!event.stream.empty()) {
        StreamInfo& info = stream(event.stream);
        envelope.role = info.role;
        envelope.seq = ++info.newest_seq;
        if (const auto* change = std::get_if<StreamEvent>(&event.body)) {
            info.state = change->state;
        }
    }
    ++counters_.events_published;
    if (subscribers_.empty()) {
        return;
    }
    const auto message =
        std::make_shared<const Message>(to_json_text(event, envelope), event.stream, envelope.seq);
    for (Subscriber* subscriber : subscribers_) {
        subscriber->deliver(message);
    }
}

void Hub::join(Subscriber& subscriber, const SubscriberLimits& limits) {
    subscriber.deliver(std::make_shared<const Message>(to_json_text(Hello{
        .epoch = epoch_,
        .server = server_,
        .limits = limits,
        .models = models_,
        .streams = streams_,
    })));
    subscribers_.push_back(&subscriber);
    ++counters_.subscribers_total;
}

void Hub::leave(Subscriber& subscriber) noexcept {
    std::erase(subscribers_, &subscriber);
}

MessagePtr Hub::error(ErrorEvent error) const {
    const Event event{
        .stream = {}, .time = std::chrono::system_clock::now(), .body = std::move(error)};
    return std::make_shared<const Message>(to_json_text(event, {.epoch = epoch_}));
}

void Hub::count_delivered(std::size_t messages, std::size_t bytes) noexcept {
    counters_.messages_delivered += messages;
    counters_.bytes_delivered += bytes;
}

void Hub::count_dropped(std::size_t messages) noexcept {
    counters_.messages_dropped += messages;
}

Counters Hub::counters() const {
    Counters counters = counters_;
    counters.subscribers = subscribers_.size();
    return counters;
}

}  // namespace emotiond::protocol
