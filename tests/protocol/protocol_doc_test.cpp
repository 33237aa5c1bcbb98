#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "protocol/command.hpp"
#include "protocol/event_json.hpp"
#include "tests/support/files.hpp"

namespace emotiond::protocol {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr std::string_view kEpoch = "6f1c0d3a-52b7-4c8e-9a04-d1e5b7c2f386";
constexpr std::string_view kRole = "customer";

std::string document() {
    std::string text = test::read_bytes(EMOTIOND_SOURCE_DIR "/docs/protocol.md");
    EXPECT_FALSE(text.empty());
    return text;
}

/// What the blocks between ```<kind> and ``` hold.
std::vector<std::string> blocks(const std::string& kind) {
    const std::string fence = "```" + kind + "\n";
    const std::string text = document();
    std::vector<std::string> result;
    for (auto at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
        at += fence.size();
        result.push_back(text.substr(at, text.find("```", at) - at));
    }
    return result;
}

/// The messages that it shows, each on one line as it is on the wire.
std::vector<std::string> examples() {
    std::vector<std::string> result;
    for (const std::string& block : blocks("json")) {
        result.push_back(Json::parse(block).dump());
    }
    return result;
}

StreamInfo desk07() {
    return {.stream = "desk07",
            .role = std::string(kRole),
            .labels = {{"queue", "billing"}},
            .disclosed = true,
            .state = StreamState::Live,
            .oldest_seq = 41,
            .newest_seq = 960};
}

StreamInfo agent_of_desk07() {
    return {.stream = "desk07-agent",
            .role = "agent",
            .labels = {{"queue", "billing"}},
            .disclosed = true,
            .analysed = false,
            .reason = "an agent's channel without an exception",
            .state = StreamState::Paused,
            .oldest_seq = 1,
            .newest_seq = 1};
}

/// What the examples show, as the serialiser tells it.
std::vector<std::string> served() {
    const WallTime time =
        std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + 20h + 42min + 42s + 123ms;
    const auto event = [](WallTime when, std::uint64_t seq, auto body) {
        return to_json_text(Event{.stream = "desk07", .time = when, .body = std::move(body)},
                            {.epoch = kEpoch, .role = kRole, .seq = seq});
    };
    const auto unknown =
        std::get<CommandError>(decode_command(R"({"type":"sing","request_id":"7"})"));
    return {
        to_json_text(Hello{.epoch = std::string(kEpoch),
                           .server = "emotiond 0.1.0",
                           .limits = {.max_queue_bytes = 1048576, .idle_timeout = 30s},
                           .models = {{.id = "cnn-lstm-1",
                                       .labels = {"neutral", "calm", "happy", "sad", "angry",
                                                  "fearful", "disgust", "surprised"},
                                       .window = 3s,
                                       .hop = 500ms,
                                       .uncertain_below = 0.42,
                                       .speech_output = true,
                                       .licence = "CC-BY-NC-SA-4.0"}},
                           .streams = {desk07(), agent_of_desk07()}}),
        event(time, 961,
              EmotionEvent{.start = 183s,
                           .end = 186s,
                           .label = "angry",
                           .confidence = 0.71,
                           .scores = {{"neutral", 0.04},
                                      {"calm", 0.01},
                                      {"happy", 0.05},
                                      {"sad", 0.02},
                                      {"angry", 0.71},
                                      {"fearful", 0.06},
                                      {"disgust", 0.08},
                                      {"surprised", 0.03}},
                           .uncertain = false,
                           .utterance = 12,
                           .affect = Affect{.valence = -0.4018, .arousal = 0.5185},
                           .speech = 0.98,
                           .voiced = 0.64,
                           .level_dbfs = -23.1,
                           .model = "cnn-lstm-1",
                           .latency = {.capture = 12ms,
                                       .features = 1ms,
                                       .queue = 6ms,
                                       .inference = 4ms,
                                       .total = 23ms}}),
        event(time + 3900ms, 970,
              UtteranceEvent{.start = 181200ms,
                             .end = 189900ms,
                             .utterance = 12,
                             .label = "angry",
                             .confidence = 0.68,
                             .scores = {{"neutral", 0.06},
                                        {"calm", 0.01},
                                        {"happy", 0.05},
                                        {"sad", 0.03},
                                        {"angry", 0.68},
                                        {"fearful", 0.07},
                                        {"disgust", 0.07},
                                        {"surprised", 0.03}},
                             .uncertain = false,
                             .affect = Affect{.valence = -0.3811, .arousal = 0.5102},
                             .voiced = 0.81,
                             .level_dbfs = -22.4,
                             .model = "cnn-lstm-1"}),
        event(time + 120ms, 962, GapEvent{.reason = "ring_overflow", .start = 186s, .lost = 120ms}),
        to_json_text(QueueGap{.epoch = std::string(kEpoch),
                              .stream = "desk07",
                              .from_seq = 900,
                              .to_seq = 958,
                              .dropped = 59}),
        to_json_text(QueueGap{.dropped = 3}),
        to_json_text(QueueGap{.reason = QueueGap::Reason::NotHeld,
                              .epoch = std::string(kEpoch),
                              .stream = "desk07",
                              .from_seq = 12,
                              .to_seq = 40,
                              .dropped = 29}),
        event(time + 7877ms, 963,
              StreamEvent{.state = StreamState::Lost, .reason = "device unplugged"}),
        event(time + 4s, 971,
              AlertEvent{.raised = true,
                         .id = "desk07-sustained-anger-3",
                         .rule = "sustained-anger",
                         .start = 171s,
                         .end = {},
                         .value = 0.78,
                         .threshold = 0.7}),
        event(time + 14s, 990,
              AlertEvent{.raised = false,
                         .id = "desk07-sustained-anger-3",
                         .rule = "sustained-anger",
                         .start = 171s,
                         .end = 200s,
                         .value = 0.41,
                         .threshold = 0.5,
                         .reason = "below"}),
        to_json_text(Event{.stream = "",
                           .time = time + 8s,
                           .body = OverloadEvent{.level = 1,
                                                 .action = "longer_hop",
                                                 .reason = "windows wait longer than 200 ms"}},
                     {.epoch = kEpoch}),
        to_json_text(Event{.stream = "",
                           .time = time + 9377ms,
                           .body = ErrorEvent{.code = "unknown_command",
                                              .message = unknown.message,
                                              .fatal = false,
                                              .request_id = unknown.request_id}},
                     {.epoch = kEpoch}),
        to_json_text(
            Subscribed{.request_id = "1", .epoch = std::string(kEpoch), .streams = {desk07()}}),
        to_json_text(Controlled{.request_id = "3", .action = "pause", .streams = {"desk07"}}),
        to_json_text(Unsubscribed{.request_id = ""}),
        to_json_text(Pong{.request_id = "2", .time = time + 9877ms, .round_trip_ms = 0.123}),
    };
}

void collect_keys(const Json& json, std::set<std::string>& keys) {
    for (const auto& [key, value] : json.items()) {
        if (json.is_object()) {
            keys.insert(key);
        }
        // Whose keys are the model's labels, and the configuration's.
        if (value.is_structured() && key != "scores" && key != "labels") {
            collect_keys(value, keys);
        }
    }
}

// Same keys, same order, same types, same values: whoever changes the wire changes the document.
TEST(ProtocolDoc, ShowsWhatIsServed) {
    const std::vector<std::string> shown = examples();
    const std::vector<std::string> expected = served();
    ASSERT_EQ(shown.size(), expected.size());
    for (std::size_t i = 0; i < shown.size(); ++i) {
        EXPECT_EQ(shown[i], expected[i]);
    }
}

TEST(ProtocolDoc, ShowsCommandsThatAreUnderstood) {
    std::vector<std::string> kinds;
    for (const std::string& block : blocks("command")) {
        // One object after another, where a line begins with a brace.
        std::istringstream lines(block);
        std::vector<std::string> commands;
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with('{')) {
                commands.emplace_back();
            }
            commands.back() += line;
        }
        for (const std::string& text : commands) {
            const auto decoded = decode_command(text);
            EXPECT_TRUE(std::holds_alternative<Command>(decoded)) << text;
            kinds.push_back(Json::parse(text)["type"]);
        }
    }
    EXPECT_EQ(kinds, (std::vector<std::string>{"subscribe", "pause", "resume_analysis", "object",
                                               "resume_analysis", "unsubscribe", "ping", "close",
                                               "auth"}));
}

TEST(ProtocolDoc, HasATableRowForEveryField) {
    std::set<std::string> keys;
    for (const std::string& message : served()) {
        collect_keys(Json::parse(message), keys);
    }
    const std::string text = document();
    for (const std::string& key : keys) {
        EXPECT_NE(text.find("\n| `" + key + "` | "), std::string::npos) << key;
    }
}

}  // namespace
}  // namespace emotiond::protocol
