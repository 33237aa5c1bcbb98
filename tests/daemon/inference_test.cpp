#include "daemon/inference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/daemon/bundled_classifier.hpp"

namespace emotiond::daemon {
namespace {

using protocol::EmotionEvent;
using protocol::Event;
using protocol::GapEvent;
using protocol::StreamEvent;
using protocol::StreamState;
using std::chrono::milliseconds;

class InferenceTest : public testing::Test {
 protected:
    PendingWindow window(int number, bool may_be_dropped = true) {
        PendingWindow pending;
        pending.num_rows = 100;
        pending.rows.assign(100 * classifier_.bundle().features.num_features(), 0.0F);
        EmotionEvent emotion;
        emotion.start = milliseconds(500 * number);
        emotion.end = emotion.start + milliseconds(1000);
        pending.event = {"a", {}, emotion};
        pending.may_be_dropped = may_be_dropped;
        return pending;
    }
    Inference::Publish collect() {
        return [this](std::vector<Event> events) {
            for (Event& event : events) {
                events_.push_back(std::move(event));
            }
        };
    }

    model::Classifier classifier_ = test::bundled_classifier();
    std::vector<Event> events_;
};

TEST_F(InferenceTest, EventsLeaveInTheOrderInWhichTheyCame) {
    {
        Inference inference(classifier_, 8, collect());
        for (int i = 0; i < 20; ++i) {
            inference.submit(window(i, false));
            if (i == 9) {
                inference.submit(Event{"a", {}, StreamEvent{StreamState::Silent, ""}});
            }
        }
    }
    ASSERT_EQ(events_.size(), 21U);
    EXPECT_TRUE(std::holds_alternative<StreamEvent>(events_[10].body));
    int number = 0;
    for (const Event& event : events_) {
        if (const auto* emotion = std::get_if<EmotionEvent>(&event.body)) {
            EXPECT_EQ(emotion->start, milliseconds(500 * number++));
            double sum = 0.0;
            for (const auto& [label, score] : emotion->scores) {
                sum += score;
            }
            EXPECT_NEAR(sum, 1.0, 1e-5);
            EXPECT_EQ(emotion->model, classifier_.bundle().id);
        }
    }
}

TEST_F(InferenceTest, WhenItIsBehindTheOldestWindowGoesAndAGapIsToldInItsPlace) {
    std::promise<void> may_go_on;
    const std::shared_future<void> gate = may_go_on.get_future().share();
    std::promise<void> is_held;
    bool first = true;
    constexpr int kMaxBatch = 4;
    {
        Inference inference(classifier_, kMaxBatch, [&](std::vector<Event> events) {
            if (std::exchange(first, false)) {
                is_held.set_value();
                gate.wait();
            }
            collect()(std::move(events));
        });
        inference.submit(Event{"a", {}, StreamEvent{StreamState::Live, ""}});
        is_held.get_future().wait();
        for (int i = 0; i < 20; ++i) {
            inference.submit(window(i));
        }
        EXPECT_TRUE(inference.is_congested());
        may_go_on.set_value();
    }
    // Four batches wait, so of twenty windows the first four had to go.
    ASSERT_EQ(events_.size(), 21U);
    for (int i = 0; i < 20; ++i) {
        const auto& body = events_[static_cast<std::size_t>(i) + 1].body;
        if (i < 4) {
            ASSERT_TRUE(std::holds_alternative<GapEvent>(body)) << i;
            EXPECT_EQ(std::get<GapEvent>(body).reason, "overload");
            EXPECT_EQ(std::get<GapEvent>(body).start, milliseconds(500 * i));
            EXPECT_EQ(std::get<GapEvent>(body).lost, milliseconds(1000));
        } else {
            ASSERT_TRUE(std::holds_alternative<EmotionEvent>(body)) << i;
        }
    }
}

TEST_F(InferenceTest, AFailureIsACountedSkipAndAnErrorEvent) {
    {
        Inference inference(classifier_, 4, collect());
        PendingWindow broken = window(0);
        broken.num_rows = 0;
        broken.rows.clear();
        inference.submit(std::move(broken));
        inference.submit(window(1));  // perhaps in the same batch
    }
    ASSERT_EQ(events_.size(), 3U);
    EXPECT_EQ(std::get<GapEvent>(events_[0].body).reason, "inference_failed");
    EXPECT_EQ(std::get<protocol::ErrorEvent>(events_[1].body).code, "inference_failed");
    EXPECT_TRUE(std::holds_alternative<EmotionEvent>(events_[2].body));
}

}  // namespace
}  // namespace emotiond::daemon
