#include "protocol/event_json.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace emotiond::protocol {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kTime =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + 20h + 42min + 42s + 123ms;
constexpr Envelope kEnvelope{.epoch = "E", .role = "customer", .seq = 961};

EmotionEvent emotion() {
    return {.start = 183s,
            .end = 186s,
            .label = "angry",
            .confidence = 0.71,
            .scores = {{"neutral", 0.29}, {"angry", 0.71}},
            .uncertain = false,
            .affect = {},
            .speech = {},
            .voiced = 0.64,
            .level_dbfs = -23.1,
            .model = "m",
            .latency = {
                .capture = 12ms, .features = 1ms, .queue = 6ms, .inference = 4ms, .total = 23ms}};
}

nlohmann::json parsed(const EmotionEvent& body) {
    return nlohmann::json::parse(
        to_json_text(Event{.stream = "desk07", .time = kTime, .body = body}, kEnvelope));
}

std::string time_text(WallTime time) {
    return nlohmann::json::parse(
        to_json_text(Event{.stream = "s", .time = time, .body = StreamEvent{}}, kEnvelope))["time"];
}

TEST(EventJson, WritesAnEmotion) {
    EXPECT_EQ(to_json_text(Event{.stream = "desk07", .time = kTime, .body = emotion()}, kEnvelope),
              R"({"v":1,"type":"emotion","epoch":"E","stream":"desk07","role":"customer",)"
              R"("seq":961,"time":"2026-11-20T20:42:42.123Z","start_ms":183000,"end_ms":186000,)"
              R"("label":"angry","confidence":0.71,"scores":{"neutral":0.29,"angry":0.71},)"
              R"("uncertain":false,"voiced":0.64,"level_dbfs":-23.1,"model":"m",)"
              R"("latency_ms":{"capture":12,"features":1,"queue":6,"inference":4,"total":23}})");
}

TEST(EventJson, TellsAffectAndSpeechWhereTheyAreKnown) {
    EmotionEvent event = emotion();
    event.uncertain = true;
    event.affect = Affect{.valence = -0.36211, .arousal = 0.41889};
    event.speech = 0.87654321;
    const nlohmann::json json = parsed(event);
    EXPECT_EQ(json["uncertain"], true);
    EXPECT_EQ(json["affect"].dump(), R"({"arousal":0.4189,"derived":true,"valence":-0.3621})");
    EXPECT_EQ(json["speech"].dump(), "0.8765");
    EXPECT_FALSE(parsed(emotion()).contains("affect"));
    EXPECT_FALSE(parsed(emotion()).contains("speech"));
}

TEST(EventJson, WritesAnAudioGap) {
    const GapEvent gap{.reason = "ring_overflow", .start = 186s, .lost = 120ms};
    EXPECT_EQ(to_json_text(Event{.stream = "desk07", .time = kTime, .body = gap}, kEnvelope),
              R"({"v":1,"type":"gap","epoch":"E","stream":"desk07","role":"customer","seq":961,)"
              R"("time":"2026-11-20T20:42:42.123Z","scope":"audio","reason":"ring_overflow",)"
              R"("start_ms":186000,"lost_ms":120})");
}

TEST(EventJson, WritesEveryStreamState) {
    for (const auto& [state, text] : {std::pair{StreamState::Live, "live"},
                                      {StreamState::Silent, "silent"},
                                      {StreamState::Lost, "lost"},
                                      {StreamState::Paused, "paused"},
                                      {StreamState::Ended, "ended"}}) {
        const StreamEvent body{.state = state, .reason = "because"};
        EXPECT_EQ(to_json_text(Event{.stream = "s", .time = kTime, .body = body}, kEnvelope),
                  R"({"v":1,"type":"stream","epoch":"E","stream":"s","role":"customer","seq":961,)"
                  R"("time":"2026-11-20T20:42:42.123Z","state":")" +
                      std::string(text) + R"(","reason":"because"})");
    }
}

TEST(EventJson, WritesAnErrorOfAStream) {
    const ErrorEvent error{.code = "inference_failed", .message = "m", .fatal = false};
    EXPECT_EQ(to_json_text(Event{.stream = "s", .time = kTime, .body = error}, kEnvelope),
              R"({"v":1,"type":"error","epoch":"E","stream":"s","role":"customer","seq":961,)"
              R"("time":"2026-11-20T20:42:42.123Z","code":"inference_failed","message":"m",)"
              R"("fatal":false})");
}

TEST(EventJson, LeavesStreamRoleAndSeqOutOfAnErrorThatHasNoStream) {
    const ErrorEvent error{.code = "c", .message = "m", .fatal = true};
    EXPECT_EQ(to_json_text(Event{.stream = "", .time = kTime, .body = error}, kEnvelope),
              R"({"v":1,"type":"error","epoch":"E","time":"2026-11-20T20:42:42.123Z","code":"c",)"
              R"("message":"m","fatal":true})");
}

TEST(EventJson, WritesAHello) {
    const Hello hello{.epoch = "E",
                      .server = "emotiond 0.1.0",
                      .limits = {.max_queue_bytes = 1048576, .idle_timeout = 30s},
                      .models = {{.id = "m",
                                  .labels = {"neutral", "angry"},
                                  .window = 3s,
                                  .hop = 500ms,
                                  .uncertain_below = 0.3F,
                                  .speech_output = false,
                                  .licence = "MIT"}},
                      .streams = {{.stream = "desk07",
                                   .role = "customer",
                                   .state = StreamState::Live,
                                   .oldest_seq = 41,
                                   .newest_seq = 960}}};
    EXPECT_EQ(
        to_json_text(hello),
        R"({"v":1,"type":"hello","epoch":"E","server":"emotiond 0.1.0","auth":false,)"
        R"("limits":{"max_queue_bytes":1048576,"idle_timeout_ms":30000},)"
        R"("models":[{"id":"m","labels":["neutral","angry"],"window_ms":3000,"hop_ms":500,)"
        R"("uncertain_below":0.3,"speech_output":false,"licence":"MIT"}],"streams":[{"stream":"desk07","role":"customer",)"
        R"("labels":{},"disclosed":false,"analysed":true,)"
        R"("state":"live","oldest_seq":41,"newest_seq":960}]})");
}

TEST(EventJson, WritesAHelloOfAnIdleServerWithoutIdleTimeout) {
    EXPECT_EQ(
        to_json_text(Hello{.epoch = "E",
                           .server = "s",
                           .limits = {.max_queue_bytes = 1, .idle_timeout = {}},
                           .models = {},
                           .streams = {}}),
        R"({"v":1,"type":"hello","epoch":"E","server":"s","auth":false,"limits":{"max_queue_bytes":1},)"
        R"("models":[],"streams":[]})");
}

TEST(EventJson, WritesAQueueGapOfAStream) {
    EXPECT_EQ(
        to_json_text(
            QueueGap{.epoch = "E", .stream = "s", .from_seq = 900, .to_seq = 958, .dropped = 59}),
        R"({"v":1,"type":"gap","epoch":"E","stream":"s","scope":"queue","reason":"slow_consumer",)"
        R"("from_seq":900,"to_seq":958,"dropped":59})");
}

TEST(EventJson, WritesAQueueGapOfMessagesWithoutAStream) {
    EXPECT_EQ(to_json_text(QueueGap{.stream = "", .from_seq = 0, .to_seq = 0, .dropped = 3}),
              R"({"v":1,"type":"gap","scope":"queue","reason":"slow_consumer","dropped":3})");
}

TEST(EventJson, WritesWhatIsNotHeldAnyMore) {
    QueueGap gap{.reason = QueueGap::Reason::NotHeld,
                 .epoch = "E",
                 .stream = "s",
                 .from_seq = 12,
                 .to_seq = 40,
                 .dropped = 29};
    EXPECT_EQ(to_json_text(gap),
              R"({"v":1,"type":"gap","epoch":"E","stream":"s","scope":"queue","reason":"not_held",)"
              R"("truncated":true,"from_seq":12,"to_seq":40,"dropped":29})");
    gap.to_seq = gap.dropped = std::nullopt;
    EXPECT_EQ(to_json_text(gap),
              R"({"v":1,"type":"gap","epoch":"E","stream":"s","scope":"queue","reason":"not_held",)"
              R"("truncated":true,"from_seq":12})");
}

TEST(EventJson, WritesTheAnswersToCommands) {
    EXPECT_EQ(to_json_text(Subscribed{.request_id = "7",
                                      .epoch = "E",
                                      .streams = {{.stream = "s",
                                                   .role = "agent",
                                                   .state = StreamState::Live,
                                                   .oldest_seq = 1,
                                                   .newest_seq = 2}}}),
              R"({"v":1,"type":"subscribed","request_id":"7","epoch":"E","streams":[{"stream":"s",)"
              R"("role":"agent","labels":{},"disclosed":false,"analysed":true,"state":"live",)"
              R"("oldest_seq":1,"newest_seq":2}]})");
    EXPECT_EQ(
        to_json_text(Controlled{.request_id = "7", .action = "object", .streams = {"a", "b"}}),
        R"({"v":1,"type":"controlled","request_id":"7","action":"object",)"
        R"("streams":["a","b"]})");
    EXPECT_EQ(to_json_text(Unsubscribed{.request_id = ""}), R"({"v":1,"type":"unsubscribed"})");
    EXPECT_EQ(to_json_text(Pong{.request_id = "7", .time = kTime, .round_trip_ms = 0.12345}),
              R"({"v":1,"type":"pong","request_id":"7","time":"2026-11-20T20:42:42.123Z",)"
              R"("round_trip_ms":0.123})");
}

TEST(EventJson, SaysWhyAStreamIsNotAnalysed) {
    const auto json = nlohmann::json::parse(
        to_json_text(Subscribed{.request_id = "",
                                .epoch = "E",
                                .streams = {{.stream = "s",
                                             .labels = {{"queue", "a\xff"}, {"language", "de"}},
                                             .disclosed = true,
                                             .analysed = false,
                                             .reason = "paused"}}}));
    const nlohmann::json& stream = json["streams"][0];
    EXPECT_EQ(stream["labels"], (nlohmann::json{{"queue", "a\xef\xbf\xbd"}, {"language", "de"}}));
    EXPECT_EQ(stream["disclosed"], true);
    EXPECT_EQ(stream["analysed"], false);
    EXPECT_EQ(stream["reason"], "paused");
}

TEST(EventJson, WritesAnUtterance) {
    const UtteranceEvent utterance{.start = 181200ms,
                                   .end = 189900ms,
                                   .utterance = 12,
                                   .label = "angry",
                                   .confidence = 0.68,
                                   .scores = {{"neutral", 0.32}, {"angry", 0.68}},
                                   .uncertain = true,
                                   .affect = {},
                                   .voiced = 0.81,
                                   .level_dbfs = -22.4,
                                   .model = "m"};
    EXPECT_EQ(to_json_text(Event{.stream = "desk07", .time = kTime, .body = utterance}, kEnvelope),
              R"({"v":1,"type":"utterance","epoch":"E","stream":"desk07","role":"customer",)"
              R"("seq":961,"time":"2026-11-20T20:42:42.123Z","utterance":12,"start_ms":181200,)"
              R"("end_ms":189900,"label":"angry","confidence":0.68,)"
              R"("scores":{"neutral":0.32,"angry":0.68},"uncertain":true,"voiced":0.81,)"
              R"("level_dbfs":-22.4,"model":"m"})");
}

TEST(EventJson, WritesAnAlertAndItsEnd) {
    AlertEvent alert{.raised = true,
                     .id = "a-1",
                     .rule = "sustained-anger",
                     .start = 171s,
                     .end = {},
                     .value = 0.78123,
                     .threshold = 0.7};
    const auto json = [&] {
        return nlohmann::json::parse(
            to_json_text(Event{.stream = "desk07", .time = kTime, .body = alert}, kEnvelope));
    };
    EXPECT_EQ(json()["type"], "alert");
    EXPECT_EQ(json()["state"], "raised");
    EXPECT_EQ(json()["alert"], "a-1");
    EXPECT_EQ(json()["rule"], "sustained-anger");
    EXPECT_EQ(json()["start_ms"], 171000);
    EXPECT_EQ(json()["value"].dump(), "0.7812");
    EXPECT_EQ(json()["threshold"].dump(), "0.7");
    EXPECT_FALSE(json().contains("end_ms"));
    alert.raised = false;
    alert.end = 180s;
    EXPECT_EQ(json()["state"], "cleared");
    EXPECT_EQ(json()["end_ms"], 180000);
}

TEST(EventJson, WritesAnOverloadWithoutAStream) {
    EXPECT_EQ(to_json_text(Event{.stream = "",
                                 .time = kTime,
                                 .body = OverloadEvent{.level = 2, .action = "a", .reason = "r"}},
                           kEnvelope),
              R"({"v":1,"type":"overload","epoch":"E","time":"2026-11-20T20:42:42.123Z",)"
              R"("level":2,"action":"a","reason":"r"})");
}

TEST(EventJson, NamesTheTypesInTheOrderOfTheirEnumerators) {
    std::string names;
    for (const EventType type : kEventTypes) {
        names += (names.empty() ? "" : ", ") + std::string(to_text(type));
        EXPECT_EQ(event_type_from(to_text(type)), type);
    }
    EXPECT_EQ(names, kEventTypeNames);
    EXPECT_EQ(type_of({.stream = "s", .time = {}, .body = UtteranceEvent{}}), EventType::Utterance);
    EXPECT_EQ(type_of({.stream = "s", .time = {}, .body = AlertEvent{}}), EventType::Alert);
    EXPECT_EQ(type_of({.stream = "", .time = {}, .body = OverloadEvent{}}), EventType::Overload);
}

TEST(EventJson, RoundsSharesToFourDecimalsAndLevelsToOne) {
    EmotionEvent event = emotion();
    event.confidence = 0.123456;
    event.scores = {{"up", 0.99996}, {"down", 0.00004}};
    event.voiced = 1.0 / 3.0;
    event.level_dbfs = -23.149;
    const nlohmann::json json = parsed(event);
    EXPECT_EQ(json["confidence"].dump(), "0.1235");
    EXPECT_EQ(json["scores"]["up"].dump(), "1.0");
    EXPECT_EQ(json["scores"]["down"].dump(), "0.0");
    EXPECT_EQ(json["voiced"].dump(), "0.3333");
    EXPECT_EQ(json["level_dbfs"].dump(), "-23.1");
}

TEST(EventJson, HasNoNegativeZero) {
    EmotionEvent event = emotion();
    event.level_dbfs = -0.01;
    EXPECT_EQ(parsed(event)["level_dbfs"].dump(), "0.0");
}

TEST(EventJson, TellsANumberThatIsNotFiniteAsNull) {
    EmotionEvent event = emotion();
    event.confidence = std::numeric_limits<double>::quiet_NaN();
    event.scores = {{"neutral", std::numeric_limits<double>::infinity()}};
    event.voiced = std::numeric_limits<double>::max();
    event.level_dbfs = -std::numeric_limits<double>::infinity();
    const nlohmann::json json = parsed(event);
    EXPECT_TRUE(json["confidence"].is_null());
    EXPECT_TRUE(json["scores"]["neutral"].is_null());
    EXPECT_TRUE(json["voiced"].is_null());
    EXPECT_TRUE(json["level_dbfs"].is_null());
}

TEST(EventJson, ReplacesInvalidUtf8) {
    const ErrorEvent error{.code = "c", .message = "a\xff\xfe(b", .fatal = false};
    const auto json = nlohmann::json::parse(
        to_json_text(Event{.stream = "\xc3", .time = kTime, .body = error}, kEnvelope));
    EXPECT_EQ(json["message"], "a\xef\xbf\xbd\xef\xbf\xbd(b");
    EXPECT_EQ(json["stream"], "\xef\xbf\xbd");
}

TEST(EventJson, StaysOnOneLine) {
    const ErrorEvent error{.code = "c", .message = "a\nb\r\"\\\t", .fatal = false};
    const std::string text =
        to_json_text(Event{.stream = "", .time = kTime, .body = error}, kEnvelope);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(text)["message"], "a\nb\r\"\\\t");
}

TEST(EventJson, TellsTheTimeInUtcWithMilliseconds) {
    EXPECT_EQ(time_text(WallTime{}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(time_text(kTime + 999us), "2026-11-20T20:42:42.123Z");
    EXPECT_EQ(time_text(WallTime{} - 1ms), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(time_text(std::chrono::sys_days{std::chrono::year{2028} / 2 / 29} + 5s),
              "2028-02-29T00:00:05.000Z");
}

}  // namespace
}  // namespace emotiond::protocol
