// What smoothing and rules make of events that are there already, so that parameters can be tried
// without hearing everything again:
//
//     emotiond replay --json --analysis.smoothing_ms=0 --analysis.label_margin=0 call.wav > raw
//     steady_events SMOOTHING_MS LABEL_MARGIN [RULES.toml] < raw
//
// Scores in events have four digits, and their logarithms are what is smoothed: a score that was
// rounded to nothing makes a difference of up to a hundredth to the service's own.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/alert_engine.hpp"
#include "daemon/alert_toml.hpp"
#include "model/labels.hpp"
#include "model/smoother.hpp"
#include "protocol/event_json.hpp"

namespace {

using namespace emotiond;
using nlohmann::ordered_json;
using std::chrono::milliseconds;

/// As protocol::to_rfc3339() writes it.
protocol::WallTime time_of(const std::string& text) {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    double second = 0.0;
    std::sscanf(text.c_str(), "%d-%u-%uT%d:%d:%lfZ", &year, &month, &day, &hour, &minute, &second);
    return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) /
                                 std::chrono::day(day)) +
           std::chrono::hours(hour) + std::chrono::minutes(minute) +
           milliseconds(static_cast<std::int64_t>(second * 1000 + 0.5));
}

protocol::EmotionEvent steadied(const ordered_json& message, model::Smoother& smoother) {
    protocol::EmotionEvent emotion;
    emotion.start = milliseconds(message["start_ms"].get<std::int64_t>());
    emotion.end = milliseconds(message["end_ms"].get<std::int64_t>());
    emotion.label = message["label"];
    emotion.confidence = message["confidence"];
    std::vector<float> scores;
    for (const auto& [label, score] : message["scores"].items()) {
        scores.push_back(score.get<float>());
        emotion.scores.emplace_back(label, score.get<double>());
    }
    if (emotion.label != model::kNoSpeechLabel) {
        const model::Smoother::Steady steady = smoother.step(scores, emotion.end);
        for (std::size_t i = 0; i < scores.size(); ++i) {
            emotion.scores[i].second = static_cast<double>(steady.scores[i]);
        }
        std::tie(emotion.label, emotion.confidence) = emotion.scores[steady.label];
    }
    return emotion;
}

protocol::StreamEvent change_of(const ordered_json& message) {
    using protocol::StreamState;
    const std::string state = message["state"];
    return {state == "live"     ? StreamState::Live
            : state == "silent" ? StreamState::Silent
                                : StreamState::Ended,
            message["reason"]};
}

void steady(const model::Smoother::Options& smoothing, std::vector<daemon::AlertRule> rules) {
    daemon::AlertEngine alerts(std::move(rules));
    std::map<std::string, model::Smoother> smoothers;
    for (std::string line; std::getline(std::cin, line);) {
        const auto message = ordered_json::parse(line);
        const std::string type = message["type"];
        protocol::Event event;
        if (type == "emotion") {
            // Whether an answer is uncertain is not looked at.
            auto& smoother =
                smoothers.try_emplace(message["stream"], smoothing, message["scores"].size(), 0.0F)
                    .first->second;
            event.body = steadied(message, smoother);
        } else if (type == "stream") {
            event.body = change_of(message);
        } else {
            if (type == "hello") {
                for (const auto& stream : message["streams"]) {
                    alerts.add_stream(stream["stream"]);
                }
            }
            continue;
        }
        event.stream = message["stream"];
        event.time = time_of(message["time"]);
        std::puts(protocol::to_json_text(event, {}).c_str());
        for (const protocol::Event& alert : alerts.observe(event, {})) {
            std::puts(protocol::to_json_text(alert, {}).c_str());
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3 || argc > 4) {
        std::fprintf(stderr,
                     "usage: steady_events SMOOTHING_MS LABEL_MARGIN [RULES.toml] < events\n");
        return 64;
    }
    try {
        model::Smoother::Options smoothing;
        smoothing.time_constant = milliseconds(std::atoi(argv[1]));
        smoothing.label_margin = std::strtof(argv[2], nullptr);
        steady(smoothing, argc == 4 ? daemon::read_alert_rules(std::filesystem::path(argv[3]))
                                    : std::vector<daemon::AlertRule>{});
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "steady_events: %s\n", error.what());
        return 1;
    }
}
