#include "daemon/feed.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/support/allocation_counter.hpp"

namespace emotiond::daemon {
namespace {

using namespace std::chrono_literals;

TEST(Feed, TellsWhenASampleWasCaptured) {
    Feed feed("a", 16000, 32000, false);
    const auto before = Feed::Clock::now();
    feed.write(std::vector<float>(16000));
    const auto after = Feed::Clock::now();
    // The last sample ends now, the first one second earlier.
    EXPECT_GE(feed.captured_at(16000), before);
    EXPECT_LE(feed.captured_at(16000), after);
    EXPECT_EQ(feed.captured_at(16000) - feed.captured_at(0), 1s);
}

TEST(Feed, TimesStayExactAfterMonths) {
    const Feed feed("a", 44100, 16, false);
    const std::uint64_t a_hundred_days = std::uint64_t{44100} * 86400 * 100;
    EXPECT_EQ(feed.time_of(a_hundred_days), 100 * 24h);
    EXPECT_EQ(feed.time_of(a_hundred_days + 44100), 100 * 24h + 1s);
}

TEST(Feed, WhatTheDeviceLostIsCountedAndMovesTheClock) {
    Feed feed("a", 16000, 1024, false);
    feed.write(std::vector<float>(100));
    feed.lose(50);
    feed.write(std::vector<float>(10));
    EXPECT_EQ(feed.lost_by_device(), 50U);
    EXPECT_EQ(feed.ring().captured(), 160U);
    EXPECT_EQ(feed.ring().dropped(), 50U);
}

// A device that is heard on other channels too goes on bringing samples.
TEST(Feed, TakesNothingBehindItsEnd) {
    Feed removed("a", 16000, 1024, false);
    removed.write(std::vector<float>(100));
    removed.end();
    Feed broken("b", 16000, 1024, false);
    broken.write(std::vector<float>(100));
    broken.break_off("damaged");
    for (Feed* feed : {&removed, &broken}) {
        feed->write(std::vector<float>(50));
        feed->lose(10);
        feed->catch_up(0);
        EXPECT_EQ(feed->ring().size(), 100U);
        EXPECT_EQ(feed->ring().captured(), 100U);
        EXPECT_EQ(feed->lost_by_device(), 0U);
    }
}

TEST(Feed, OneThatIsLostIsWrittenToAgain) {
    Feed feed("a", 16000, 1024, false);
    feed.fail("unplugged");
    feed.write(std::vector<float>(50));
    EXPECT_EQ(feed.ring().size(), 50U);
}

// All that a capture callback calls.
TEST(Feed, WritingAndLosingAllocateNothing) {
    Feed feed("a", 16000, 1024, false);
    const std::vector<float> samples(480);
    const test::AllocationCounter counter;
    for (int i = 0; i < 10; ++i) {  // over the end of the ring too
        feed.write(samples);
        feed.lose(3);
    }
    EXPECT_EQ(counter.count(), 0U);
    EXPECT_GT(feed.ring().dropped(), 0U);
}

TEST(Feed, AReasonIsThereForWhoSeesThatItIsLost) {
    Feed feed("a", 16000, 16, false);
    std::thread capture([&feed] { feed.fail("unplugged"); });
    while (feed.state() != Feed::State::Lost) {
    }
    EXPECT_EQ(feed.reason(), "unplugged");
    capture.join();
}

}  // namespace
}  // namespace emotiond::daemon
