#include "protocol/event_json.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <variant>

namespace emotiond::protocol {

std::string_view to_text(EventType type) {
    switch (type) {
        case EventType::Emotion: return "emotion";
        case EventType::Gap: return "gap";
        case EventType::Stream: return "stream";
        case EventType::Utterance: return "utterance";
        case EventType::Alert: return "alert";
        case EventType::Overload: return "overload";
        case EventType::Error: break;
    }
    return "error";
}

std::optional<EventType> event_type_from(std::string_view text) {
    for (const EventType type : kEventTypes) {
        if (text == to_text(type)) {
            return type;
        }
    }
    return std::nullopt;
}

EventType type_of(const Event& event) {
    static_assert(std::size(kEventTypes) == std::variant_size_v<decltype(event.body)>);
    return kEventTypes[event.body.index()];
}

namespace {

using Json = nlohmann::ordered_json;

std::string to_text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view to_text(StreamState state) {
    switch (state) {
        case StreamState::Live: return "live";
        case StreamState::Silent: return "silent";
        case StreamState::Lost: return "lost";
        case StreamState::Paused: return "paused";
        case StreamState::Ended: break;
    }
    return "ended";
}

/// Adding zero turns -0.0 into 0.0. What is not finite stays so, and is dumped as null.
double rounded(double value, double steps_per_unit) {
    return std::round(value * steps_per_unit) / steps_per_unit + 0.0;
}
double share(double value) {
    return rounded(value, 1e4);
}
double decibel(double value) {
    return rounded(value, 1e1);
}

Json object(std::string_view type) {
    Json json;
    json["v"] = 1;
    json["type"] = type;
    return json;
}

/// For what may have no request_id.
void add_request_id(Json& json, const std::string& request_id) {
    if (!request_id.empty()) {
        json["request_id"] = request_id;
    }
}

/// What an emotion and an utterance tell alike.
template <class Verdict>
void add_verdict(Json& json, const Verdict& verdict) {
    json["start_ms"] = verdict.start.count();
    json["end_ms"] = verdict.end.count();
    json["label"] = verdict.label;
    json["confidence"] = share(verdict.confidence);
    Json& scores = json["scores"] = Json::object();
    for (const auto& [label, score] : verdict.scores) {
        scores[label] = share(score);
    }
    json["uncertain"] = verdict.uncertain;
}

void add(Json& json, const std::optional<Affect>& affect) {
    if (affect) {
        json["affect"] = {{"valence", share(affect->valence)},
                          {"arousal", share(affect->arousal)},
                          {"derived", true}};
    }
}

void add(Json& json, const EmotionEvent& emotion) {
    add_verdict(json, emotion);
    if (emotion.utterance) {
        json["utterance"] = *emotion.utterance;
    }
    add(json, emotion.affect);
    if (emotion.speech) {
        json["speech"] = share(*emotion.speech);
    }
    json["voiced"] = share(emotion.voiced);
    json["level_dbfs"] = decibel(emotion.level_dbfs);
    json["model"] = emotion.model;
    Json& latency = json["latency_ms"];
    latency["capture"] = emotion.latency.capture.count();
    latency["features"] = emotion.latency.features.count();
    latency["queue"] = emotion.latency.queue.count();
    latency["inference"] = emotion.latency.inference.count();
    latency["total"] = emotion.latency.total.count();
}

void add(Json& json, const GapEvent& gap) {
    json["scope"] = "audio";
    json["reason"] = gap.reason;
    json["start_ms"] = gap.start.count();
    json["lost_ms"] = gap.lost.count();
}

void add(Json& json, const StreamEvent& stream) {
    json["state"] = to_text(stream.state);
    json["reason"] = stream.reason;
}

void add(Json& json, const ErrorEvent& error) {
    json["code"] = error.code;
    json["message"] = error.message;
    json["fatal"] = error.fatal;
    add_request_id(json, error.request_id);
}

void add(Json& json, const UtteranceEvent& utterance) {
    json["utterance"] = utterance.utterance;
    add_verdict(json, utterance);
    add(json, utterance.affect);
    json["voiced"] = share(utterance.voiced);
    json["level_dbfs"] = decibel(utterance.level_dbfs);
    json["model"] = utterance.model;
}

void add(Json& json, const AlertEvent& alert) {
    json["state"] = alert.raised ? "raised" : "cleared";
    json["alert"] = alert.id;
    json["rule"] = alert.rule;
    json["start_ms"] = alert.start.count();
    if (alert.end) {
        json["end_ms"] = alert.end->count();
    }
    json["value"] = share(alert.value);
    json["threshold"] = share(alert.threshold);
    if (!alert.raised) {
        json["reason"] = alert.reason;
    }
}

void add(Json& json, const OverloadEvent& overload) {
    json["level"] = overload.level;
    json["action"] = overload.action;
    json["reason"] = overload.reason;
}

Json to_json(const ModelInfo& model) {
    Json json;
    json["id"] = model.id;
    json["labels"] = model.labels;
    json["window_ms"] = model.window.count();
    json["hop_ms"] = model.hop.count();
    json["uncertain_below"] = share(model.uncertain_below);
    json["speech_output"] = model.speech_output;
    json["licence"] = model.licence;
    return json;
}

Json to_json(const StreamInfo& stream) {
    Json json;
    json["stream"] = stream.stream;
    json["role"] = stream.role;
    json["labels"] = stream.labels;
    json["disclosed"] = stream.disclosed;
    json["analysed"] = stream.analysed;
    if (!stream.analysed) {
        json["reason"] = stream.reason;
    }
    json["state"] = to_text(stream.state);
    json["oldest_seq"] = stream.oldest_seq;
    json["newest_seq"] = stream.newest_seq;
    return json;
}

}  // namespace

std::string to_rfc3339(WallTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::milliseconds>(time - day)};
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()),
                  static_cast<int>(clock.subseconds().count()));
    return text.data();
}

std::string to_json_text(const Event& event, const Envelope& envelope) {
    const auto write = [&](const auto& body) {
        Json json = object(to_text(type_of(event)));
        json["epoch"] = envelope.epoch;
        if (!event.stream.empty()) {
            json["stream"] = event.stream;
            json["role"] = envelope.role;
            json["seq"] = envelope.seq;
        }
        json["time"] = to_rfc3339(event.time);
        add(json, body);
        return to_text(json);
    };
    return std::visit(write, event.body);
}

std::string to_json_text(const Hello& hello) {
    Json json = object("hello");
    json["epoch"] = hello.epoch;
    json["server"] = hello.server;
    json["auth"] = hello.auth;
    Json& limits = json["limits"];
    limits["max_queue_bytes"] = hello.limits.max_queue_bytes;
    if (hello.limits.idle_timeout) {
        limits["idle_timeout_ms"] = hello.limits.idle_timeout->count();
    }
    if (hello.overload) {
        add(json["overload"], *hello.overload);
    }
    Json& models = json["models"] = Json::array();
    for (const ModelInfo& model : hello.models) {
        models.push_back(to_json(model));
    }
    Json& streams = json["streams"] = Json::array();
    for (const StreamInfo& stream : hello.streams) {
        streams.push_back(to_json(stream));
    }
    return to_text(json);
}

std::string to_json_text(const Subscribed& answer) {
    Json json = object("subscribed");
    add_request_id(json, answer.request_id);
    json["epoch"] = answer.epoch;
    Json& streams = json["streams"] = Json::array();
    for (const StreamInfo& stream : answer.streams) {
        streams.push_back(to_json(stream));
    }
    return to_text(json);
}

std::string to_json_text(const Unsubscribed& answer) {
    Json json = object("unsubscribed");
    add_request_id(json, answer.request_id);
    return to_text(json);
}

std::string to_json_text(const Controlled& answer) {
    Json json = object("controlled");
    add_request_id(json, answer.request_id);
    json["action"] = answer.action;
    json["streams"] = answer.streams;
    return to_text(json);
}

std::string to_json_text(const Pong& pong) {
    Json json = object("pong");
    add_request_id(json, pong.request_id);
    json["time"] = to_rfc3339(pong.time);
    if (pong.round_trip_ms) {
        json["round_trip_ms"] = rounded(*pong.round_trip_ms, 1e3);
    }
    return to_text(json);
}

std::string to_json_text(const QueueGap& gap) {
    const bool not_held = gap.reason == QueueGap::Reason::NotHeld;
    Json json = object("gap");
    if (!gap.stream.empty()) {
        json["epoch"] = gap.epoch;
        json["stream"] = gap.stream;
    }
    json["scope"] = "queue";
    json["reason"] = not_held ? "not_held" : "slow_consumer";
    if (not_held) {
        json["truncated"] = true;
    }
    if (!gap.stream.empty() && gap.from_seq) {
        json["from_seq"] = *gap.from_seq;
    }
    if (!gap.stream.empty() && gap.to_seq) {
        json["to_seq"] = *gap.to_seq;
    }
    if (gap.dropped) {
        json["dropped"] = *gap.dropped;
    }
    return to_text(json);
}

}  // namespace emotiond::protocol
