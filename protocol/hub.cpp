#include "protocol/hub.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <iterator>
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

Hub::Hub(std::string server, std::vector<ModelInfo> models, std::size_t replay_bytes)
    : epoch_(make_uuid()),
      server_(std::move(server)),
      models_(std::move(models)),
      replay_bytes_(replay_bytes) {}

void Hub::add_stream(StreamInfo info) {
    const std::string& name = info.stream;
    if (name.empty() || name.size() > kMaxNameBytes) {
        throw std::invalid_argument("stream name \"" + name + "\" has " +
                                    std::to_string(name.size()) + " bytes, expected 1 to " +
                                    std::to_string(kMaxNameBytes));
    }
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) {
        info.oldest_seq = info.newest_seq = 0;
        streams_.push_back({.info = std::move(info), .replay = ReplayBuffer(replay_bytes_)});
        by_name_.emplace(streams_.back().info.stream, std::prev(streams_.end()));
        return;
    }
    Stream& stream = *found->second;
    if (!stream.removed) {
        throw std::invalid_argument("stream name \"" + name + "\" is used twice");
    }
    info.oldest_seq = stream.info.oldest_seq;
    info.newest_seq = stream.info.newest_seq;
    stream.info = std::move(info);
    stream.removed = false;
    streams_.splice(streams_.end(), removed_, found->second);
}

void Hub::remove_stream(std::string_view name) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end() || found->second->removed) {
        return;
    }
    found->second->removed = true;
    removed_.splice(removed_.end(), streams_, found->second);
    if (removed_.size() > kMaxRemovedReplays) {
        // Those before it have been forgotten when they stood here.
        forget(*std::prev(removed_.end(), kMaxRemovedReplays + 1));
    }
}

void Hub::set_analysed(std::string_view name, bool analysed, std::string reason) {
    if (Stream* stream = find(name)) {
        stream->info.analysed = analysed;
        stream->info.reason = std::move(reason);
    }
}

Hub::Stream* Hub::find(std::string_view name) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &*found->second;
}

const ReplayBuffer* Hub::replay(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &found->second->replay;
}

void Hub::forget(std::string_view name) {
    if (Stream* stream = find(name)) {
        forget(*stream);
    }
}

void Hub::forget(Stream& stream) {
    stream.replay.clear();
    stream.info.oldest_seq = 0;
}

void Hub::publish(const Event& event) {
    Message::About about{
        .type = type_of(event), .epoch = epoch_, .stream = event.stream, .time = event.time};
    Envelope envelope{.epoch = epoch_};
    Stream* stream = nullptr;
    if (!event.stream.empty()) {
        stream = find(event.stream);
        if (stream == nullptr) {
            throw std::out_of_range("event for the unknown stream \"" + event.stream + "\"");
        }
        envelope.role = stream->info.role;
        about.seq = envelope.seq = ++stream->info.newest_seq;
    }
    if (const auto* change = std::get_if<StreamEvent>(&event.body); change && stream) {
        stream->info.state = change->state;
    }
    if (const auto* emotion = std::get_if<EmotionEvent>(&event.body)) {
        about.end = emotion->end;
    }
    if (const auto* overload = std::get_if<OverloadEvent>(&event.body); overload && !stream) {
        overload_ = overload->level > 0 ? std::optional(*overload) : std::nullopt;
    }
    about.position = ++counters_.events_published;
    const auto message =
        std::make_shared<const Message>(to_json_text(event, envelope), std::move(about));
    if (stream != nullptr) {
        stream->replay.push(message);
        stream->info.oldest_seq = stream->replay.empty() ? 0 : stream->replay.oldest_seq();
    }
    for (Subscriber* subscriber : subscribers_) {
        subscriber->deliver(message);
    }
}

void Hub::join(Subscriber& subscriber) {
    subscribers_.push_back(&subscriber);
    ++counters_.subscribers_total;
}

MessagePtr Hub::hello(const SubscriberLimits& limits, const Rights& rights) const {
    Hello hello{.epoch = epoch_,
                .server = server_,
                .auth = false,
                .limits = limits,
                .overload = overload_,
                .models = models_,
                .streams = {}};
    for (const Stream& stream : streams_) {
        if (rights.may_see(stream.info.stream)) {
            hello.streams.push_back(stream.info);
        }
    }
    return std::make_shared<const Message>(to_json_text(hello));
}

std::vector<StreamInfo> Hub::streams() const {
    std::vector<StreamInfo> streams;
    for (const Stream& stream : streams_) {
        streams.push_back(stream.info);
    }
    return streams;
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
