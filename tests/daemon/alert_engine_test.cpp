#include "daemon/alert_engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace emotiond::daemon {
namespace {

using protocol::AlertEvent;
using protocol::EmotionEvent;
using protocol::Event;
using protocol::GapEvent;
using protocol::StreamEvent;
using protocol::StreamState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

/// Angry or disgusted for a second at 0.6 or above; cleared after two below 0.4.
AlertRule anger() {
    AlertRule rule;
    rule.name = "anger";
    rule.labels = {"angry", "disgust"};
    rule.threshold = 0.6;
    rule.clear_below = 0.4;
    rule.min_duration_ms = 1000;
    rule.clear_after_ms = 2000;
    rule.cooldown_ms = 10000;
    return rule;
}

/// One stream, whose windows end every half second.
class AlertEngineTest : public testing::Test {
 protected:
    explicit AlertEngineTest(AlertRule rule = anger()) : engine_({std::move(rule)}) {
        engine_.add_stream("desk");
    }

    /// Windows with this sum of the scores of `angry` and `disgust`.
    void hear(double value, int windows = 1, const std::string& label = "angry") {
        for (int i = 0; i < windows; ++i) {
            end_ += milliseconds(500);
            EmotionEvent emotion;
            emotion.start = end_ - milliseconds(3000);
            emotion.end = end_;
            emotion.label = label;
            emotion.scores = {
                {"neutral", 1.0 - value}, {"angry", value / 4}, {"disgust", value * 3 / 4}};
            observe(emotion);
        }
    }
    void pass(milliseconds time) { end_ += time; }
    void observe(decltype(Event::body) body, const std::string& stream = "desk") {
        take(engine_.observe({stream, kBegin + end_, std::move(body)}, arrived()));
    }
    void take(const std::vector<Event>& events) {
        for (const Event& event : events) {
            alerts_.push_back(std::get<AlertEvent>(event.body));
            times_.push_back(std::chrono::duration_cast<milliseconds>(event.time - kBegin));
            EXPECT_EQ(event.stream, "desk");
        }
    }
    [[nodiscard]] AlertEngine::Clock::time_point arrived() const {
        return AlertEngine::Clock::time_point(end_);
    }

    static constexpr protocol::WallTime kBegin{std::chrono::hours(490000)};

    AlertEngine engine_;
    milliseconds end_{0};
    std::vector<AlertEvent> alerts_;
    std::vector<milliseconds> times_;
};

TEST_F(AlertEngineTest, IsRaisedByTheSumOfItsLabelsAfterTheDurationAndClearedBelow) {
    hear(0.1, 4);
    hear(0.6, 2);
    EXPECT_THAT(alerts_, IsEmpty());
    hear(0.7);
    ASSERT_EQ(alerts_.size(), 1U);
    EXPECT_TRUE(alerts_[0].raised);
    EXPECT_THAT(alerts_[0].id, testing::StartsWith("anger-desk-"));
    EXPECT_EQ(alerts_[0].rule, "anger");
    EXPECT_EQ(alerts_[0].start, milliseconds(2500));
    EXPECT_FALSE(alerts_[0].end);
    EXPECT_DOUBLE_EQ(alerts_[0].value, 0.7);
    EXPECT_DOUBLE_EQ(alerts_[0].threshold, 0.6);
    EXPECT_EQ(times_[0], milliseconds(3500));

    hear(0.5, 4);  // below the threshold, not below clear_below
    hear(0.3, 4);
    EXPECT_EQ(alerts_.size(), 1U);
    hear(0.2);
    ASSERT_EQ(alerts_.size(), 2U);
    EXPECT_FALSE(alerts_[1].raised);
    EXPECT_EQ(alerts_[1].id, alerts_[0].id);
    EXPECT_EQ(alerts_[1].start, milliseconds(2500));
    EXPECT_EQ(alerts_[1].end, milliseconds(5500));
    EXPECT_DOUBLE_EQ(alerts_[1].value, 0.2);
    EXPECT_DOUBLE_EQ(alerts_[1].threshold, 0.4);
    EXPECT_EQ(alerts_[1].reason, "below");
    EXPECT_EQ(times_[1], milliseconds(8000));
    EXPECT_EQ(engine_.counts().at(0).raised, 1U);
}

TEST_F(AlertEngineTest, ADipStartsTheDurationAnew) {
    for (int i = 0; i < 20; ++i) {
        hear(0.9, 2);
        hear(0.59);
    }
    EXPECT_THAT(alerts_, IsEmpty());
}

TEST_F(AlertEngineTest, BetweenTheThresholdsNothingFlaps) {
    hear(0.9, 3);
    for (int i = 0; i < 100; ++i) {
        hear(0.41);
        hear(0.39);
        hear(0.65);
    }
    EXPECT_EQ(alerts_.size(), 1U);
}

TEST_F(AlertEngineTest, AfterItIsClearedTheCooldownPassesFirst) {
    hear(0.9, 3);
    hear(0.1, 5);
    ASSERT_EQ(alerts_.size(), 2U);
    hear(0.9, 19);
    EXPECT_EQ(alerts_.size(), 2U);
    hear(0.9);  // 10 s behind the clearing
    ASSERT_EQ(alerts_.size(), 3U);
    EXPECT_NE(alerts_[2].id, alerts_[0].id);
}

TEST_F(AlertEngineTest, WindowsWithoutSpeechDoNotCount) {
    hear(0.9, 2);
    hear(0.9, 10, "no_speech");
    EXPECT_THAT(alerts_, IsEmpty());
    hear(0.9);
    ASSERT_EQ(alerts_.size(), 1U);
    hear(0.0, 10, "no_speech");
    EXPECT_EQ(alerts_.size(), 1U);
}

TEST_F(AlertEngineTest, WhatTheLabelIsDoesNotMatter) {
    hear(0.9, 3, "neutral");
    EXPECT_EQ(alerts_.size(), 1U);
}

TEST_F(AlertEngineTest, AHoleDoesNotCountAndSilenceStartsTheDurationAnew) {
    hear(0.9);
    pass(milliseconds(4500));
    observe(GapEvent{"ring_overflow", end_ - milliseconds(4500), milliseconds(4500)});
    hear(0.9);
    EXPECT_THAT(alerts_, IsEmpty());  // half a second of speech, whatever the clock says
    observe(StreamEvent{StreamState::Silent, ""});
    observe(StreamEvent{StreamState::Live, ""});
    hear(0.9, 2);
    EXPECT_THAT(alerts_, IsEmpty());
    hear(0.9);
    EXPECT_EQ(alerts_.size(), 1U);
}

TEST_F(AlertEngineTest, AStreamThatEndsOrIsPausedOrLostClears) {
    const std::pair<StreamState, const char*> ends[]{{StreamState::Ended, "ended"},
                                                     {StreamState::Paused, "paused"},
                                                     {StreamState::Lost, "lost"}};
    for (const auto& [state, reason] : ends) {
        alerts_.clear();
        pass(seconds(20));
        hear(0.9, 4);
        observe(StreamEvent{state, "why"});
        ASSERT_EQ(alerts_.size(), 2U);
        EXPECT_FALSE(alerts_[1].raised);
        EXPECT_EQ(alerts_[1].reason, reason);
        EXPECT_EQ(alerts_[1].end, end_);
        observe(StreamEvent{state, "why"});
        EXPECT_EQ(alerts_.size(), 2U);
    }
}

TEST_F(AlertEngineTest, LongSilenceClearsAtTheNextEventOrByTheClock) {
    hear(0.9, 3);
    observe(StreamEvent{StreamState::Silent, ""});
    const milliseconds last = end_;
    pass(seconds(30));
    observe(StreamEvent{StreamState::Live, ""});
    ASSERT_EQ(alerts_.size(), 2U);
    EXPECT_EQ(alerts_[1].reason, "silence");
    EXPECT_EQ(alerts_[1].end, last);
    EXPECT_EQ(times_[1], last + AlertEngine::kLongestSilence);

    hear(0.9, 30);
    ASSERT_EQ(alerts_.size(), 3U);
    take(engine_.expire(arrived() + seconds(10)));
    EXPECT_EQ(alerts_.size(), 3U);
    take(engine_.expire(arrived() + milliseconds(10001)));
    ASSERT_EQ(alerts_.size(), 4U);
    EXPECT_EQ(alerts_[3].reason, "silence");
    EXPECT_EQ(times_[3], end_ + AlertEngine::kLongestSilence);
    take(engine_.expire(arrived() + seconds(20)));
    EXPECT_EQ(alerts_.size(), 4U);
}

TEST_F(AlertEngineTest, AddingAStreamAgainDoesNotForgetThatItIsRaised) {
    hear(0.9, 3);
    engine_.add_stream("desk");
    hear(0.1, 5);
    ASSERT_EQ(alerts_.size(), 2U);
    EXPECT_EQ(alerts_[1].id, alerts_[0].id);
}

TEST_F(AlertEngineTest, AStreamThatIsRemovedAndComesBackBeginsAnew) {
    hear(0.9, 4);
    observe(StreamEvent{StreamState::Ended, ""});
    engine_.remove_stream("desk");
    hear(0.9, 40);  // nobody looks
    EXPECT_EQ(alerts_.size(), 2U);
    engine_.add_stream("desk");
    hear(0.9, 2);
    EXPECT_EQ(alerts_.size(), 2U);
    hear(0.9);
    EXPECT_EQ(alerts_.size(), 3U);
    EXPECT_EQ(engine_.counts().at(0).raised, 2U);
}

TEST_F(AlertEngineTest, AStreamThatNobodyAddedIsNotLookedAt) {
    EmotionEvent emotion;
    emotion.scores = {{"angry", 1.0}};
    for (int i = 0; i < 10; ++i) {
        pass(milliseconds(500));
        emotion.end = end_;
        emotion.label = "angry";
        observe(emotion, "hall");
    }
    EXPECT_THAT(alerts_, IsEmpty());
}

TEST(AlertEngine, RulesAreForStreamsAndRoles) {
    AlertRule rule = anger();
    rule.streams = {"desk*", "hall"};
    EXPECT_TRUE(rule.covers("desk07", "agent"));
    EXPECT_TRUE(rule.covers("hall", "unspecified"));
    EXPECT_FALSE(rule.covers("yard", "customer"));
    rule.roles = {"customer"};
    EXPECT_TRUE(rule.covers("desk07", "customer"));
    EXPECT_FALSE(rule.covers("desk07", "agent"));
}

TEST(AlertEngine, StreamsAndRulesDoNotMix) {
    AlertRule sadness = anger();
    sadness.name = "sadness";
    sadness.labels = {"sad"};
    sadness.min_duration_ms = 0;
    AlertEngine engine({anger(), sadness});
    engine.add_stream("a");
    engine.add_stream("b");
    std::vector<std::string> raised;
    for (int i = 1; i <= 10; ++i) {
        for (const char* stream : {"a", "b"}) {
            EmotionEvent emotion;
            emotion.end = milliseconds(500 * i);
            emotion.label = "sad";
            emotion.scores = {{"angry", stream[0] == 'a' ? 0.9 : 0.0},
                              {"sad", stream[0] == 'b' ? 0.9 : 0.0}};
            for (const Event& event :
                 engine.observe({stream, protocol::WallTime(emotion.end), emotion}, {})) {
                raised.push_back(std::get<AlertEvent>(event.body).id);
            }
        }
    }
    EXPECT_THAT(raised, ElementsAre("sadness-b-500", "anger-a-1500"));
}

// Whatever is heard: raised and cleared take turns, never sooner after each other than the rule's
// durations and cooldown let them.
TEST_F(AlertEngineTest, WhateverIsHeardRaisedAndClearedTakeTurnsAtTheRulesPace) {
    std::mt19937 random(11);
    for (int i = 0; i < 20000; ++i) {
        switch (random() % 40) {
            case 0: observe(StreamEvent{StreamState::Silent, ""}); break;
            case 1: observe(StreamEvent{StreamState::Live, ""}); break;
            case 2: pass(milliseconds(random() % 15000)); break;
            case 3: hear(1.0, 6); break;
            case 4: hear(0.0, 6); break;
            default: hear(static_cast<double>(random() % 1000) / 1000.0);
        }
    }
    observe(StreamEvent{StreamState::Ended, ""});
    ASSERT_GT(alerts_.size(), 100U);
    EXPECT_EQ(alerts_.size() % 2, 0U);
    for (std::size_t i = 0; i < alerts_.size(); ++i) {
        EXPECT_EQ(alerts_[i].raised, i % 2 == 0);
        if (i % 2 == 0) {
            EXPECT_GE(times_[i], alerts_[i].start + milliseconds(1000));
            if (i > 0) {
                EXPECT_GE(times_[i], times_[i - 1] + milliseconds(10000));
            }
        } else {
            EXPECT_EQ(alerts_[i].id, alerts_[i - 1].id);
            EXPECT_GE(alerts_[i].end, alerts_[i].start);
            EXPECT_GE(times_[i], times_[i - 1]);
        }
    }
}

}  // namespace
}  // namespace emotiond::daemon
