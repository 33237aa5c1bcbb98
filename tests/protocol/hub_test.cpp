#include "protocol/hub.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace emotiond::protocol {
namespace {

using nlohmann::json;

constexpr SubscriberLimits kLimits{.max_queue_bytes = 1000, .idle_timeout = std::nullopt};

struct Collector : Subscriber {
    void join(Hub& hub, const SubscriberLimits& limits = kLimits) {
        deliver(hub.hello(limits));
        hub.join(*this);
    }
    void deliver(const MessagePtr& message) override { messages.push_back(message); }
    json last() const { return json::parse(messages.back()->text()); }

    std::vector<MessagePtr> messages;
};

Event event(std::string stream) {
    return {.stream = std::move(stream), .time = {}, .body = EmotionEvent{}};
}

Event state_of(std::string stream, StreamState state) {
    return {.stream = std::move(stream), .time = {}, .body = StreamEvent{state, "test"}};
}

TEST(Hub, MakesAnEpochThatIsARandomUuid) {
    const std::string epoch = Hub("emotiond", {}).epoch();
    std::string shape = epoch;
    for (char& c : shape) {
        c = std::string_view("0123456789abcdef").find(c) < 16 ? 'x' : c;
    }
    EXPECT_EQ(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    EXPECT_EQ(epoch[14], '4') << epoch;                                          // version
    EXPECT_NE(std::string_view("89ab").find(epoch[19]), std::string_view::npos)  // variant
        << epoch;
    EXPECT_NE(Hub("emotiond", {}).epoch(), epoch);
}

TEST(Hub, GreetsASubscriber) {
    Hub hub("emotiond 0.1.0", {{.id = "m",
                                .labels = {"neutral", "angry"},
                                .window = std::chrono::milliseconds(3000),
                                .hop = std::chrono::milliseconds(500),
                                .uncertain_below = 0.0,
                                .speech_output = false,
                                .licence = "MIT"}});
    hub.add_stream({.stream = "desk07", .role = "customer"});
    hub.add_stream({.stream = "desk08"});
    hub.publish(event("desk07"));
    Collector collector;
    collector.join(hub, {.max_queue_bytes = 1000, .idle_timeout = std::chrono::seconds(30)});
    ASSERT_EQ(collector.messages.size(), 1U);
    EXPECT_EQ(
        collector.last(),
        json::parse(R"({"v":1,"type":"hello","server":"emotiond 0.1.0","epoch":")" + hub.epoch() +
                    R"(","auth":false,"limits":{"max_queue_bytes":1000,"idle_timeout_ms":30000},
                    "models":[{"id":"m","labels":["neutral","angry"],"window_ms":3000,"hop_ms":500,
                               "uncertain_below":0.0,"speech_output":false,"licence":"MIT"}],
                    "streams":[
                    {"stream":"desk07","role":"customer","labels":{},"disclosed":false,
                     "analysed":true,"state":"silent","oldest_seq":1,"newest_seq":1},
                    {"stream":"desk08","role":"unspecified","labels":{},"disclosed":false,
                     "analysed":true,"state":"silent","oldest_seq":0,"newest_seq":0}]})"));
}

TEST(Hub, NumbersTheEventsOfEveryStreamFromOne) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "a", .role = "agent"});
    hub.add_stream({.stream = "b", .role = "customer"});
    Collector collector;
    collector.join(hub);
    for (const char* stream : {"a", "b", "a", "a", "b"}) {
        hub.publish(event(stream));
    }
    std::vector<std::string> seen;
    for (std::size_t i = 1; i < collector.messages.size(); ++i) {
        const json told = json::parse(collector.messages[i]->text());
        seen.push_back(told["stream"].get<std::string>() + told["seq"].dump() +
                       told["role"].get<std::string>());
        EXPECT_EQ(told["epoch"], hub.epoch());
        EXPECT_EQ(told["stream"], collector.messages[i]->stream());
        EXPECT_EQ(told["seq"], collector.messages[i]->seq());
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"a1agent", "b1customer", "a2agent", "a3agent",
                                              "b2customer"}));
}

TEST(Hub, NumbersWhileNobodyListens) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "a"});
    hub.publish(event("a"));
    hub.publish(event("a"));
    Collector collector;
    collector.join(hub);
    EXPECT_EQ(collector.last()["streams"][0]["newest_seq"], 2);
    hub.publish(event("a"));
    EXPECT_EQ(collector.last()["seq"], 3);
}

TEST(Hub, SharesOneMessageAmongAllSubscribers) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "a"});
    Collector first;
    Collector second;
    first.join(hub);
    second.join(hub);
    hub.publish(event("a"));
    ASSERT_EQ(first.messages.size(), 2U);
    ASSERT_EQ(second.messages.size(), 2U);
    EXPECT_EQ(first.messages.back(), second.messages.back());
}

TEST(Hub, TellsTheStateThatTheLastStreamEventSaid) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "a"});
    hub.publish(state_of("a", StreamState::Live));
    hub.publish(event("a"));
    Collector live;
    live.join(hub);
    EXPECT_EQ(live.last()["streams"][0]["state"], "live");
    hub.publish(state_of("a", StreamState::Lost));
    Collector lost;
    lost.join(hub);
    EXPECT_EQ(lost.last()["streams"][0]["state"], "lost");
    EXPECT_EQ(lost.last()["streams"][0]["newest_seq"], 3);
}

TEST(Hub, TellsNothingToASubscriberThatLeft) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "a"});
    Collector collector;
    collector.join(hub);
    hub.leave(collector);
    hub.leave(collector);
    hub.publish(event("a"));
    EXPECT_EQ(collector.messages.size(), 1U);
}

TEST(Hub, PublishesAnErrorOfTheServerWithoutNumber) {
    Hub hub("emotiond", {});
    Collector collector;
    collector.join(hub);
    hub.publish({.stream = "",
                 .time = {},
                 .body = ErrorEvent{.code = "c", .message = "m", .fatal = false}});
    EXPECT_EQ(collector.last()["code"], "c");
    EXPECT_FALSE(collector.last().contains("seq"));
    EXPECT_EQ(collector.messages.back()->stream(), "");
}

TEST(Hub, MakesAnErrorForOneSubscriber) {
    Hub hub("emotiond", {});
    Collector collector;
    collector.join(hub);
    const json error = json::parse(hub.error({.code = "c", .message = "m", .fatal = true})->text());
    EXPECT_EQ(error["type"], "error");
    EXPECT_EQ(error["epoch"], hub.epoch());
    EXPECT_EQ(error["fatal"], true);
    EXPECT_EQ(collector.messages.size(), 1U);
}

TEST(Hub, Counts) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "a"});
    Collector first;
    Collector second;
    first.join(hub);
    second.join(hub);
    hub.leave(first);
    hub.publish(event("a"));
    hub.count_delivered(2, 300);
    hub.count_delivered(1, 50);
    hub.count_dropped(4);
    const Counters counters = hub.counters();
    EXPECT_EQ(counters.events_published, 1U);
    EXPECT_EQ(counters.messages_delivered, 3U);
    EXPECT_EQ(counters.bytes_delivered, 350U);
    EXPECT_EQ(counters.messages_dropped, 4U);
    EXPECT_EQ(counters.subscribers_total, 2U);
    EXPECT_EQ(counters.subscribers, 1U);
}

TEST(Hub, RefusesAStreamNameThatIsEmptyTakenOrTooLong) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "a"});
    EXPECT_THROW(hub.add_stream({.stream = "a"}), std::invalid_argument);
    EXPECT_THROW(hub.add_stream({.stream = ""}), std::invalid_argument);
    EXPECT_THROW(hub.add_stream({.stream = std::string(Hub::kMaxNameBytes + 1, 'x')}),
                 std::invalid_argument);
    EXPECT_NO_THROW(hub.add_stream({.stream = std::string(Hub::kMaxNameBytes, 'x')}));
}

TEST(Hub, KeepsTheNewestEventsOfEveryStream) {
    Hub hub("emotiond", {}, 1000);
    hub.add_stream({.stream = "a"});
    hub.add_stream({.stream = "b"});
    hub.publish(event("b"));
    for (int i = 0; i < 10; ++i) {
        hub.publish(event("a"));
    }
    const ReplayBuffer& replay = *hub.replay("a");
    EXPECT_EQ(replay.newest_seq(), 10U);
    EXPECT_GT(replay.oldest_seq(), 1U);
    EXPECT_EQ(replay.at(10)->seq(), 10U);
    EXPECT_EQ(replay.at(10)->about().position, 11U);
    EXPECT_EQ(hub.replay("b")->oldest_seq(), 1U);
    EXPECT_EQ(hub.replay("c"), nullptr);
    EXPECT_EQ(hub.streams()[0].oldest_seq, replay.oldest_seq());
}

TEST(Hub, TellsOnlyTheStreamsThatOneMaySee) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "desk07"});
    hub.add_stream({.stream = "hall"});
    const json hello = json::parse(
        hub.hello(kLimits, {.name = "t", .streams = {"desk*"}, .actions = {"*"}})->text());
    ASSERT_EQ(hello["streams"].size(), 1U);
    EXPECT_EQ(hello["streams"][0]["stream"], "desk07");
}

TEST(Hub, TellsWhatTheConfigurationSaysOfAStream) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "a",
                    .role = "agent",
                    .labels = {{"queue", "billing"}},
                    .disclosed = true,
                    .newest_seq = 7});
    hub.set_analysed("a", false, "no exception");
    hub.set_analysed("nobody", false, "");
    const json stream = json::parse(hub.hello(kLimits)->text())["streams"][0];
    EXPECT_EQ(stream["labels"]["queue"], "billing");
    EXPECT_EQ(stream["disclosed"], true);
    EXPECT_EQ(stream["analysed"], false);
    EXPECT_EQ(stream["reason"], "no exception");
    EXPECT_EQ(stream["newest_seq"], 0);
    hub.set_analysed("a", true, "");
    EXPECT_FALSE(json::parse(hub.hello(kLimits)->text())["streams"][0].contains("reason"));
}

TEST(Hub, TellsNoMoreOfARemovedStream) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "a"});
    hub.add_stream({.stream = "b"});
    hub.publish(event("a"));
    hub.remove_stream("a");
    hub.remove_stream("nobody");
    ASSERT_EQ(hub.streams().size(), 1U);
    EXPECT_EQ(hub.streams()[0].stream, "b");
    EXPECT_EQ(json::parse(hub.hello(kLimits)->text())["streams"].size(), 1U);
    // What is on its way is delivered, and who is behind gets the rest.
    Collector collector;
    collector.join(hub);
    hub.publish(event("a"));
    EXPECT_EQ(collector.last()["seq"], 2);
    EXPECT_EQ(hub.replay("a")->oldest_seq(), 1U);
}

TEST(Hub, GoesOnNumberingAStreamThatComesBack) {
    Hub hub("emotiond", {});
    hub.add_stream({.stream = "a"});
    hub.add_stream({.stream = "b"});
    hub.publish(event("a"));
    hub.publish(state_of("a", StreamState::Ended));
    hub.remove_stream("a");
    hub.add_stream({.stream = "a", .role = "agent"});
    EXPECT_THROW(hub.add_stream({.stream = "a"}), std::invalid_argument);
    const std::vector<StreamInfo> streams = hub.streams();
    ASSERT_EQ(streams.size(), 2U);
    EXPECT_EQ(streams[1].stream, "a");  // the order of the new configuration
    EXPECT_EQ(streams[1].role, "agent");
    EXPECT_EQ(streams[1].state, StreamState::Silent);
    EXPECT_EQ(streams[1].oldest_seq, 1U);
    EXPECT_EQ(streams[1].newest_seq, 2U);
    Collector collector;
    collector.join(hub);
    hub.publish(event("a"));
    EXPECT_EQ(collector.last()["seq"], 3);
    EXPECT_EQ(collector.last()["role"], "agent");
}

TEST(Hub, HoldsEventsOfTheStreamsAloneThatWereRemovedLast) {
    Hub hub("emotiond", {});
    const auto name = [](std::size_t number) { return "call" + std::to_string(number); };
    // Each call is a stream of its own, and one is never over.
    hub.add_stream({.stream = "stays"});
    hub.publish(event("stays"));
    for (std::size_t i = 0; i < Hub::kMaxRemovedReplays + 10; ++i) {
        hub.add_stream({.stream = name(i)});
        hub.publish(event(name(i)));
        hub.remove_stream(name(i));
        hub.remove_stream(name(i));  // no second time
    }
    EXPECT_FALSE(hub.replay("stays")->empty());
    for (std::size_t i = 0; i < Hub::kMaxRemovedReplays + 10; ++i) {
        EXPECT_EQ(hub.replay(name(i))->empty(), i < 10) << i;
    }
    // Its number is not forgotten.
    hub.add_stream({.stream = name(0)});
    EXPECT_EQ(hub.streams().back().oldest_seq, 0U);
    hub.publish(event(name(0)));
    EXPECT_EQ(hub.streams().back().newest_seq, 2U);
    EXPECT_EQ(hub.replay(name(0))->oldest_seq(), 2U);
}

TEST(Hub, TellsWhoComesLaterOfAnOverloadThatLasts) {
    Hub hub("emotiond", {});
    const auto publish = [&](int level) {
        hub.publish({.stream = "",
                     .time = {},
                     .body = OverloadEvent{.level = level, .action = "a", .reason = "r"}});
        return json::parse(hub.hello(kLimits)->text());
    };
    EXPECT_FALSE(json::parse(hub.hello(kLimits)->text()).contains("overload"));
    EXPECT_EQ(publish(2)["overload"], (json{{"level", 2}, {"action", "a"}, {"reason", "r"}}));
    EXPECT_FALSE(publish(0).contains("overload"));
}

TEST(Hub, RefusesAnEventOfAnUnknownStream) {
    Hub hub("emotiond", {});
    EXPECT_THROW(hub.publish(event("nobody")), std::out_of_range);
}

}  // namespace
}  // namespace emotiond::protocol
