#include "protocol/subscription.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace emotiond::protocol {
namespace {

using namespace std::chrono_literals;

Message message(EventType type, std::string stream, std::chrono::milliseconds end = 0ms,
                std::string epoch = "E") {
    return Message(
        "{}", {.type = type, .epoch = std::move(epoch), .stream = std::move(stream), .end = end});
}

TEST(Subscription, WantsEverythingAtFirst) {
    Subscription all;
    EXPECT_TRUE(all.wants(message(EventType::Emotion, "desk07")));
    EXPECT_TRUE(all.wants(message(EventType::Error, "")));
}

TEST(Subscription, WantsTheStreamsThatAGlobNames) {
    Subscription some({}, {.streams = {"desk*", "hall"}});
    EXPECT_TRUE(some.wants(message(EventType::Emotion, "desk07")));
    EXPECT_TRUE(some.wants(message(EventType::Emotion, "hall")));
    EXPECT_FALSE(some.wants(message(EventType::Emotion, "door")));
    EXPECT_TRUE(some.wants(message(EventType::Error, "")));  // about no stream
}

TEST(Subscription, GivesNoStreamThatTheTokenDoesNot) {
    Subscription some({.name = "t", .streams = {"desk07"}, .actions = {"*"}}, {.streams = {"*"}});
    EXPECT_TRUE(some.wants(message(EventType::Emotion, "desk07")));
    EXPECT_FALSE(some.wants(message(EventType::Emotion, "desk08")));
}

TEST(Subscription, WantsTheTypesThatAreNamed) {
    Subscription some({}, {.types = {EventType::Gap}});
    EXPECT_TRUE(some.wants(message(EventType::Gap, "s")));
    EXPECT_FALSE(some.wants(message(EventType::Emotion, "s")));
    EXPECT_FALSE(some.wants(message(EventType::Error, "")));
}

TEST(Subscription, ThinsOutEmotionsOfEachStream) {
    Subscription some({}, {.min_interval = 1000ms});
    EXPECT_TRUE(some.wants(message(EventType::Emotion, "a", 3000ms)));
    EXPECT_FALSE(some.wants(message(EventType::Emotion, "a", 3500ms)));
    EXPECT_TRUE(some.wants(message(EventType::Emotion, "b", 3500ms)));
    EXPECT_TRUE(some.wants(message(EventType::Gap, "a")));
    EXPECT_TRUE(some.wants(message(EventType::Emotion, "a", 4000ms)));
    EXPECT_TRUE(some.wants(message(EventType::Emotion, "a", 1000ms, "the next epoch")));
}

TEST(Subscription, WantsNothingAfterItsEnd) {
    Subscription all;
    all.end();
    EXPECT_FALSE(all.wants(message(EventType::Emotion, "a")));
    EXPECT_FALSE(all.wants(message(EventType::Error, "")));
}

}  // namespace
}  // namespace emotiond::protocol
