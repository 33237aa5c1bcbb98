#include "daemon/overload.hpp"

#include <gtest/gtest.h>

namespace emotiond::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class OverloadTest : public testing::Test {
 protected:
    /// Lets `time` go by in which windows wait that long, looked at every 10 ms.
    void pass(milliseconds time, milliseconds waited) {
        for (milliseconds gone{0}; gone < time; gone += milliseconds(10)) {
            now_ += milliseconds(10);
            overload_.observe(now_, waited);
        }
    }

    Overload::Clock::time_point now_ = Overload::Clock::now();
    Overload overload_{{milliseconds(200), seconds(10)}};
};

TEST_F(OverloadTest, GoesUpStepByStepWhileWindowsWaitTooLong) {
    pass(seconds(1), milliseconds(150));
    EXPECT_EQ(overload_.level(), OverloadLevel::None);
    pass(seconds(2), milliseconds(250));
    EXPECT_EQ(overload_.level(), OverloadLevel::LongerHop);
    pass(milliseconds(1500), milliseconds(250));
    EXPECT_EQ(overload_.level(), OverloadLevel::FewerInterim);
    pass(seconds(10), milliseconds(250));
    EXPECT_EQ(overload_.level(), OverloadLevel::PauseLowPriority);
}

TEST_F(OverloadTest, WhatAStallHasLeftIsNoOverload) {
    for (int stall = 0; stall < 100; ++stall) {
        pass(milliseconds(900), milliseconds(900));
        pass(milliseconds(10), milliseconds(20));
    }
    EXPECT_EQ(overload_.level(), OverloadLevel::None);
}

TEST_F(OverloadTest, ComesBackDownByItselfStepByStep) {
    pass(seconds(10), milliseconds(250));
    pass(seconds(9), milliseconds(10));
    EXPECT_EQ(overload_.level(), OverloadLevel::PauseLowPriority);
    pass(seconds(2), milliseconds(10));
    EXPECT_EQ(overload_.level(), OverloadLevel::FewerInterim);
    pass(seconds(10), milliseconds(10));
    EXPECT_EQ(overload_.level(), OverloadLevel::LongerHop);
    pass(seconds(10), milliseconds(10));
    EXPECT_EQ(overload_.level(), OverloadLevel::None);
    pass(seconds(100), milliseconds(10));
    EXPECT_EQ(overload_.level(), OverloadLevel::None);
    // Where the machine just carries the floor, a batch takes this long.
    pass(seconds(2), milliseconds(250));
    EXPECT_EQ(overload_.level(), OverloadLevel::LongerHop);
    pass(seconds(11), milliseconds(90));
    EXPECT_EQ(overload_.level(), OverloadLevel::None);
}

TEST_F(OverloadTest, StaysWhereItIsWhileNeitherHighNorCalm) {
    pass(seconds(2), milliseconds(250));
    pass(seconds(60), milliseconds(110));
    EXPECT_EQ(overload_.level(), OverloadLevel::LongerHop);
}

TEST_F(OverloadTest, TellsEachStepOnce) {
    EXPECT_FALSE(overload_.observe(now_, milliseconds(201)));
    now_ += seconds(1);
    const auto change = overload_.observe(now_, milliseconds(201));
    ASSERT_TRUE(change);
    EXPECT_EQ(change->from, OverloadLevel::None);
    EXPECT_EQ(change->to, OverloadLevel::LongerHop);
    EXPECT_FALSE(overload_.observe(now_ + milliseconds(1), milliseconds(201)));
    EXPECT_STREQ(to_string(change->to), "longer_hop");
}

}  // namespace
}  // namespace emotiond::daemon
