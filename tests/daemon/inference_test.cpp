#include "daemon/inference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/daemon/bundled_classifier.hpp"
#include "tests/support/scripted_module.hpp"

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

/// What is published of one window whose first row holds these logits.
EmotionEvent event_of(std::vector<float> logits, model::Bundle bundle) {
    bundle.torchscript = test::first_row_module(static_cast<int>(logits.size()));
    model::Classifier classifier(std::move(bundle), {"cpu", 1, true});
    PendingWindow pending;
    pending.num_rows = 100;
    pending.rows = std::move(logits);
    pending.rows.resize(100 * classifier.bundle().features.num_features());
    pending.event = {"a", {}, EmotionEvent{}};
    std::vector<Event> published;
    {
        Inference inference(classifier, 4,
                            [&](std::vector<Event> events) { published = std::move(events); });
        inference.submit(std::move(pending));
    }
    return std::get<EmotionEvent>(published.at(0).body);
}

model::Bundle two_labels() {
    model::Bundle bundle;
    bundle.name = "mine";
    bundle.labels = {"neutral", "angry"};
    bundle.uncertain_below = 0.7F;
    return bundle;
}

TEST(Inference, AnAnswerBelowTheBundlesThresholdIsUncertain) {
    const EmotionEvent sure = event_of({0.0F, 1.0F}, two_labels());
    EXPECT_EQ(sure.label, "angry");
    EXPECT_NEAR(sure.confidence, 0.7311, 1e-4);
    EXPECT_FALSE(sure.uncertain);
    EXPECT_FALSE(sure.speech);
    ASSERT_TRUE(sure.affect);
    EXPECT_NEAR(sure.affect->valence, 0.7311 * -0.51, 1e-4);
    EXPECT_NEAR(sure.affect->arousal, 0.7311 * 0.59, 1e-4);
    EXPECT_TRUE(event_of({0.0F, 0.5F}, two_labels()).uncertain);
}

TEST(Inference, AWindowWithoutSpeechHasNoEmotionButItsScores) {
    const EmotionEvent none = event_of({0.0F, 4.0F, -2.0F}, two_labels());
    EXPECT_EQ(none.label, "no_speech");
    EXPECT_TRUE(none.uncertain);
    EXPECT_FALSE(none.affect);
    ASSERT_TRUE(none.speech);
    EXPECT_NEAR(*none.speech, 0.1192, 1e-4);
    EXPECT_NEAR(none.confidence, 0.8808, 1e-4);
    EXPECT_NEAR(none.scores.at(1).second, 0.982, 1e-4);
    const EmotionEvent speech = event_of({0.0F, 4.0F, 2.0F}, two_labels());
    EXPECT_EQ(speech.label, "angry");
    EXPECT_NEAR(speech.speech.value_or(0.0), 0.8808, 1e-4);
}

}  // namespace
}  // namespace emotiond::daemon
