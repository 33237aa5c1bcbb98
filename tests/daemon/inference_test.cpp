#include "daemon/inference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <iterator>
#include <memory>
#include <thread>
#include <vector>

#include "tests/daemon/bundled_classifier.hpp"
#include "tests/support/scripted_module.hpp"

namespace emotiond::daemon {
namespace {

using protocol::EmotionEvent;
using protocol::Event;
using protocol::GapEvent;
using protocol::StreamEvent;
using protocol::StreamState;
using protocol::UtteranceEvent;
using std::chrono::milliseconds;

class InferenceTest : public testing::Test {
 protected:
    PendingWindow window(int number, bool may_be_dropped = true) {
        PendingWindow pending;
        pending.num_rows = 100;
        pending.rows.assign(100 * classifier_->bundle().features.num_features(), 0.0F);
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

    std::shared_ptr<model::Classifier> classifier_ = test::bundled_classifier();
    std::vector<Event> events_;
};

TEST_F(InferenceTest, AFlushWaitsForWhatWasSubmitted) {
    Inference inference({}, classifier_, collect());
    for (std::size_t round = 1; round <= 20; ++round) {
        inference.submit(window(static_cast<int>(round)));
        inference.flush();
        EXPECT_EQ(events_.size(), round);
    }
}

TEST_F(InferenceTest, EventsLeaveInTheOrderInWhichTheyCame) {
    {
        Inference inference({.max_batch = 8}, classifier_, collect());
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
            EXPECT_EQ(emotion->model, classifier_->bundle().id);
        }
    }
}

TEST_F(InferenceTest, WhenItIsBehindTheOldestWindowGoesAndAGapIsToldInItsPlace) {
    std::promise<void> may_go_on;
    const std::shared_future<void> gate = may_go_on.get_future().share();
    std::promise<void> is_held;
    bool first = true;
    constexpr int kMaxBatch = 1;
    {
        Inference inference({.max_batch = kMaxBatch}, classifier_, [&](std::vector<Event> events) {
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
    // Sixteen batches wait, so of twenty windows the first four had to go.
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
        Inference inference({.max_batch = 4}, classifier_, collect());
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

/// Holds the inference thread in its first publish() until it is let go.
class Gate {
 public:
    Inference::Publish before(Inference::Publish publish) {
        return [this, publish = std::move(publish)](std::vector<Event> events) {
            if (std::exchange(first_, false)) {
                held_.set_value();
                open_.get_future().wait();
            }
            publish(std::move(events));
        };
    }
    void wait_until_held() { held_.get_future().wait(); }
    void open() { open_.set_value(); }

 private:
    std::promise<void> held_;
    std::promise<void> open_;
    bool first_ = true;
};

TEST_F(InferenceTest, TakesBackTheWindowsOfAStreamThatWait) {
    Gate gate;
    {
        Inference inference({.max_batch = 4}, classifier_, gate.before(collect()));
        inference.submit(Event{"a", {}, StreamEvent{StreamState::Live, ""}});
        gate.wait_until_held();
        inference.submit(window(0));
        PendingWindow other = window(1);
        other.event.stream = "b";
        inference.submit(std::move(other));
        EXPECT_GT(inference.oldest_wait(), Feed::Clock::duration::zero());
        inference.take_back("a");
        gate.open();
    }
    ASSERT_EQ(events_.size(), 2U);
    EXPECT_EQ(events_[1].stream, "b");
}

TEST_F(InferenceTest, ABatchWaitsForOthersAsLongAsItMay) {
    std::vector<std::size_t> batches;
    {
        Inference inference({.max_batch = 4, .max_delay = std::chrono::minutes(1)}, classifier_,
                            [&](std::vector<Event> events) { batches.push_back(events.size()); });
        for (int i = 0; i < 10; ++i) {
            PendingWindow pending = window(i);
            pending.ready_at = Feed::Clock::now();
            inference.submit(std::move(pending));
        }
    }
    // The end is waited for by nobody.
    EXPECT_THAT(batches, testing::ElementsAre(4, 4, 2));
}

TEST_F(InferenceTest, AWindowThatWouldHardlyGetCompanyDoesNotWaitForAny) {
    constexpr auto kMaxDelay = milliseconds(1900);
    {
        Inference inference({.max_batch = 4, .max_delay = kMaxDelay}, classifier_, collect());
        PendingWindow pending = window(0);
        pending.ready_at = Feed::Clock::now();
        inference.submit(std::move(pending));
        while (inference.oldest_wait() > Feed::Clock::duration::zero()) {
            std::this_thread::yield();
        }
    }
    ASSERT_EQ(events_.size(), 1U);
    EXPECT_LT(std::get<EmotionEvent>(events_[0].body).latency.queue, kMaxDelay);
}

TEST_F(InferenceTest, AnotherModelAnswersFromTheNextBatchOn) {
    model::Bundle renamed =
        model::Bundle::load(EMOTIOND_SOURCE_DIR "/model/pretrained/default.safetensors");
    renamed.id = "another";
    {
        Inference inference({.max_batch = 4}, classifier_, collect());
        inference.submit(window(0));
        while (inference.oldest_wait() > Feed::Clock::duration::zero()) {
            std::this_thread::yield();
        }
        inference.use(std::make_shared<model::Classifier>(std::move(renamed),
                                                          model::Classifier::Options{"cpu", 1}));
        inference.submit(window(1));
    }
    ASSERT_EQ(events_.size(), 2U);
    EXPECT_EQ(std::get<EmotionEvent>(events_[1].body).model, "another");
}

/// What is published of one window whose first row holds these logits.
EmotionEvent event_of(std::vector<float> logits, model::Bundle bundle) {
    bundle.torchscript = test::first_row_module(static_cast<int>(logits.size()));
    const auto classifier = std::make_shared<model::Classifier>(
        std::move(bundle), model::Classifier::Options{"cpu", 1, true});
    PendingWindow pending;
    pending.num_rows = 100;
    pending.rows = std::move(logits);
    pending.rows.resize(100 * classifier->bundle().features.num_features());
    pending.event = {"a", {}, EmotionEvent{}};
    std::vector<Event> published;
    {
        Inference inference({.max_batch = 4}, classifier,
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

TEST(Inference, AStreamsVerdictsAreSteadyUntilAHoleCutsThem) {
    model::Bundle bundle = two_labels();
    bundle.torchscript = test::first_row_module(3);
    const auto classifier = std::make_shared<model::Classifier>(
        std::move(bundle), model::Classifier::Options{"cpu", 1, true});
    model::Smoother::Options smoothing;
    smoothing.time_constant = milliseconds(1000);
    std::vector<Event> published;
    {
        Inference inference({.max_batch = 4, .smoothing = smoothing}, classifier,
                            [&](std::vector<Event> events) {
                                std::ranges::move(events, std::back_inserter(published));
                            });
        int end_ms = 0;
        const auto hear = [&](const char* stream, std::vector<float> logits) {
            PendingWindow pending;
            pending.num_rows = 100;
            pending.rows = std::move(logits);
            pending.rows.resize(100 * classifier->bundle().features.num_features());
            EmotionEvent emotion;
            emotion.end = milliseconds(end_ms += 500);
            pending.event = {stream, {}, emotion};
            pending.may_be_dropped = false;
            inference.submit(std::move(pending));
        };
        hear("a", {0.0F, 2.0F, 4.0F});
        hear("b", {2.0F, 0.0F, 4.0F});   // another stream: nothing to do with a
        hear("a", {2.0F, 0.0F, 4.0F});   // a second behind: 1 - 1/e of it
        hear("a", {9.0F, 0.0F, -4.0F});  // no speech: told as it is, and forgotten
        inference.submit(Event{"a", {}, GapEvent{"overload", {}, milliseconds(500)}});
        hear("a", {0.0F, 2.0F, 4.0F});
        inference.submit(Event{"a", {}, GapEvent{"ring_overflow", {}, milliseconds(500)}});
        hear("a", {2.0F, 0.0F, 4.0F});
    }
    std::vector<double> log_odds;  // of neutral
    for (const Event& event : published) {
        if (const auto* emotion = std::get_if<EmotionEvent>(&event.body)) {
            log_odds.push_back(
                std::log(emotion->scores.at(0).second / emotion->scores.at(1).second));
        }
    }
    ASSERT_EQ(log_odds.size(), 6U);
    const double left = std::exp(-1.0);
    const double second = 2.0 * (1.0 - left) - 2.0 * left;
    EXPECT_NEAR(log_odds[0], -2.0, 1e-3);
    EXPECT_NEAR(log_odds[1], 2.0, 1e-3);
    EXPECT_NEAR(log_odds[2], second, 1e-3);
    EXPECT_NEAR(log_odds[3], 9.0, 1e-2);
    EXPECT_NEAR(log_odds[4], -2.0 * (1.0 - left) + second * left, 1e-3);
    EXPECT_NEAR(log_odds[5], 2.0, 1e-3);
}

/// Windows and ends of utterances of some streams, judged by two logits that the test gives.
class Utterances : public testing::Test {
 protected:
    Utterances() {
        model::Bundle bundle = two_labels();
        bundle.torchscript = test::first_row_module(2);
        classifier_ = std::make_shared<model::Classifier>(
            std::move(bundle), model::Classifier::Options{"cpu", 1, true});
        inference_ = std::make_unique<Inference>(
            Inference::Options{.max_batch = 4}, classifier_, [this](std::vector<Event> events) {
                num_published_ += events.size();
                std::ranges::move(events, std::back_inserter(events_));
            });
    }

    /// neutral, angry: logits.
    void window(std::size_t num_rows, float neutral, float angry, bool lies_in_utterance = true,
                const char* stream = "a") {
        EmotionEvent emotion;
        emotion.utterance = utterance_;
        PendingWindow pending = this->pending(num_rows, neutral, angry);
        pending.lies_in_utterance = lies_in_utterance;
        pending.event = {stream, {}, emotion};
        inference_->submit(std::move(pending));
    }
    /// The end of the utterance, judged by itself. num_rows 0: it cannot be judged.
    void end(std::size_t num_rows, float neutral, float angry, const char* stream = "a") {
        UtteranceEvent utterance;
        utterance.utterance = utterance_++;
        PendingWindow pending = this->pending(num_rows, neutral, angry);
        pending.event = {stream, {}, utterance};
        inference_->submit(std::move(pending));
    }
    /// All verdicts: the scores of angry.
    std::vector<double> verdicts() {
        inference_->finish();
        std::vector<double> found;
        for (const Event& event : events_) {
            if (const auto* utterance = std::get_if<UtteranceEvent>(&event.body)) {
                found.push_back(utterance->scores.at(1).second);
                EXPECT_NEAR(utterance->scores.at(0).second, 1.0 - found.back(), 1e-5);
                EXPECT_EQ(utterance->label, found.back() > 0.5 ? "angry" : "neutral");
                EXPECT_NEAR(utterance->confidence, std::max(found.back(), 1.0 - found.back()),
                            1e-5);
                EXPECT_EQ(utterance->uncertain, utterance->confidence < 0.7F);
                EXPECT_EQ(utterance->model, classifier_->bundle().id);
            }
        }
        return found;
    }
    /// The score of the second of two labels with these logits.
    static double score(double first, double second) {
        return 1.0 / (1.0 + std::exp(first - second));
    }

    std::shared_ptr<model::Classifier> classifier_;
    std::unique_ptr<Inference> inference_;
    std::vector<Event> events_;
    std::atomic<std::size_t> num_published_ = 0;
    std::uint64_t utterance_ = 1;  ///< the one that is open

 private:
    [[nodiscard]] PendingWindow pending(std::size_t num_rows, float neutral, float angry) const {
        PendingWindow pending;
        pending.num_rows = num_rows;
        pending.rows.assign(num_rows * classifier_->bundle().features.num_features(), 0.0F);
        if (num_rows > 0) {
            pending.rows[0] = neutral;
            pending.rows[1] = angry;
        }
        pending.may_be_dropped = false;
        return pending;
    }
};

TEST_F(Utterances, TheVerdictIsTheMeanOverTheWindowsWeightedByTheirRows) {
    window(300, 4.0F, 0.0F, false);  // began before the utterance
    window(300, 0.0F, 2.0F);
    window(100, 3.0F, 0.0F);
    end(200, 1.0F, 0.0F);
    end(50, 0.0F, 1.0F);  // one so short that no window lies in it: nothing of the one before
    EXPECT_THAT(verdicts(),
                testing::ElementsAre(
                    testing::DoubleNear(
                        (300 * score(0, 2) + 100 * score(3, 0) + 200 * score(1, 0)) / 600, 1e-4),
                    testing::DoubleNear(score(0, 1), 1e-4)));
    ASSERT_EQ(events_.size(), 5U);  // each comes once, behind its windows
    EXPECT_TRUE(std::holds_alternative<UtteranceEvent>(events_[3].body));
}

TEST_F(Utterances, EachStreamHasItsOwn) {
    window(100, 0.0F, 2.0F, true, "a");
    window(100, 2.0F, 0.0F, true, "b");
    end(100, 0.0F, 2.0F, "a");
    EXPECT_THAT(verdicts(), testing::ElementsAre(testing::DoubleNear(score(0, 2), 1e-4)));
}

TEST_F(Utterances, AWindowThatWasNotJudgedLeavesTheVerdictToTheOthers) {
    window(100, 0.0F, 2.0F);
    window(0, 0.0F, 0.0F);  // fails
    inference_->submit(Event{"a", {}, GapEvent{"overload", {}, milliseconds(500)}});
    end(100, 2.0F, 0.0F);
    EXPECT_THAT(verdicts(), testing::ElementsAre(testing::DoubleNear(0.5, 1e-4)));
}

TEST_F(Utterances, WhatWasHeardBeforeAHoleAnEndOrAPauseIsForgotten) {
    for (const char* stream : {"hole", "end", "pause"}) {
        window(300, 9.0F, 0.0F, true, stream);
    }
    while (num_published_ < 3) {
        std::this_thread::yield();  // a pause takes back what waits
    }
    inference_->submit(Event{"hole", {}, GapEvent{"ring_overflow", {}, milliseconds(500)}});
    inference_->submit(Event{"end", {}, StreamEvent{StreamState::Ended, ""}});
    inference_->take_back("pause");
    for (const char* stream : {"hole", "end", "pause"}) {
        end(100, 0.0F, 2.0F, stream);
        utterance_ = 1;  // of each stream
    }
    const auto fresh = testing::DoubleNear(score(0, 2), 1e-4);
    EXPECT_THAT(verdicts(), testing::ElementsAre(fresh, fresh, fresh));
}

TEST_F(Utterances, OneThatWasNotJudgedHasNoPartInTheNext) {
    window(300, 9.0F, 0.0F);
    end(0, 0.0F, 0.0F);  // fails: a gap and an error in its place
    window(100, 0.0F, 2.0F);
    end(100, 0.0F, 2.0F);
    EXPECT_THAT(verdicts(), testing::ElementsAre(testing::DoubleNear(score(0, 2), 1e-4)));
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
