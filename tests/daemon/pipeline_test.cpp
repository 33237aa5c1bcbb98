#include "daemon/pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "model/audio_file.hpp"
#include "tests/daemon/bundled_classifier.hpp"
#include "tests/dsp/signals.hpp"

namespace emotiond::daemon {
namespace {

using protocol::EmotionEvent;
using protocol::ErrorEvent;
using protocol::Event;
using protocol::GapEvent;
using protocol::StreamEvent;
using protocol::StreamState;
using protocol::UtteranceEvent;
using std::chrono::milliseconds;

/// A capture side that the test plays, and the real pipeline and classifier behind it.
class PipelineTest : public testing::Test {
 protected:
    /// Runs `feed` to its end and returns what was published.
    std::vector<Event> run(const std::shared_ptr<Feed>& feed) {
        std::atomic<bool> ended = false;
        Pipeline pipeline({.analysis = analysis_}, classifier_,
                          {collect(), [&ended](const std::string&) { ended = true; }, [](auto) {}});
        pipeline.add(feed);
        pipeline.start();
        while (!ended) {
            std::this_thread::sleep_for(milliseconds(1));
        }
        pipeline.finish();
        return published_;
    }

    Inference::Publish collect() {
        return [this](std::vector<Event> events) {
            for (Event& event : events) {
                published_.push_back(std::move(event));
            }
        };
    }

    static std::shared_ptr<Feed> feed(std::size_t ring_samples, int rate_hz = 16000) {
        return std::make_shared<Feed>("a", rate_hz, ring_samples, false);
    }

    static std::vector<float> speech() {
        return model::read_recording(EMOTIOND_SOURCE_DIR "/tests/data/clips/demo.flac").samples;
    }

    std::shared_ptr<model::Classifier> classifier_ = test::bundled_classifier();
    AnalysisOptions analysis_{classifier_->bundle().features, {}, 0.15, {}};
    Overload overload_{{}};
    std::mutex mutex_;
    std::vector<Event> published_;
};

template <typename Body>
std::vector<Body> bodies(const std::vector<Event>& events) {
    std::vector<Body> found;
    for (const Event& event : events) {
        if (const auto* body = std::get_if<Body>(&event.body)) {
            found.push_back(*body);
        }
    }
    return found;
}

TEST_F(PipelineTest, ARingThatOverflowedWhileThePipelineStoodIsToldWithPlaceAndLength) {
    const std::vector<float> samples = speech();
    const auto feed = this->feed(65536);  // 4.096 s
    const std::span<const float> all(samples);
    feed->write(all.first(5 * 16000));  // the last 14,464 find no room
    ASSERT_EQ(feed->ring().dropped(), 5U * 16000 - 65536);

    {
        Inference inference({}, classifier_, collect());
        ChannelPipeline channel(feed, analysis_, rows_of(analysis_), inference, overload_);
        EXPECT_TRUE(channel.drain());
        feed->write(all.subspan(5 * 16000, 3 * 16000));
        EXPECT_TRUE(channel.drain());
        feed->end();
        EXPECT_FALSE(channel.drain());
    }
    const std::vector<Event>& events = published_;
    const auto gaps = bodies<GapEvent>(events);
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].reason, "ring_overflow");
    EXPECT_EQ(gaps[0].start, milliseconds(4096));
    EXPECT_EQ(gaps[0].lost, milliseconds(904));
    // No window reaches over the hole.
    for (const EmotionEvent& emotion : bodies<EmotionEvent>(events)) {
        EXPECT_TRUE(emotion.end <= milliseconds(4096) || emotion.start >= milliseconds(5000))
            << emotion.start.count() << " to " << emotion.end.count();
    }
    // The clock goes on behind it: the last whole row ends within a hop of the last sample.
    EXPECT_GT(bodies<EmotionEvent>(events).back().end, milliseconds(7990));
    EXPECT_LE(bodies<EmotionEvent>(events).back().end, milliseconds(8000));
}

TEST_F(PipelineTest, WhatTheDeviceLostIsToldAsSuch) {
    const std::vector<float> samples = speech();
    const auto feed = this->feed(160000);
    feed->write(std::span(samples).first(16000));
    feed->lose(800);
    feed->write(std::span(samples).subspan(16800, 16000));
    feed->end();
    const auto gaps = bodies<GapEvent>(run(feed));
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].reason, "device_overflow");
    EXPECT_EQ(gaps[0].start, milliseconds(1000));
    EXPECT_EQ(gaps[0].lost, milliseconds(50));
}

TEST_F(PipelineTest, WhatIsLostAtTheVeryEndIsToldToo) {
    const auto feed = this->feed(16384);
    feed->write(std::vector<float>(20000));
    feed->end();
    const auto gaps = bodies<GapEvent>(run(feed));
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].start, milliseconds(1024));
    EXPECT_EQ(gaps[0].lost, milliseconds(226));
}

TEST_F(PipelineTest, SamplesThatAreNoNumbersAreToldAndTakenAsZero) {
    std::vector<float> samples = speech();
    samples.resize(12 * 16000);
    samples[16000] = std::numeric_limits<float>::quiet_NaN();
    samples[48000] = std::numeric_limits<float>::infinity();
    samples[48001] = -std::numeric_limits<float>::infinity();
    const auto feed = this->feed(262144);
    feed->write(samples);
    feed->end();
    const std::vector<Event> with = run(feed);
    // The first at once, the others together and later: they are few messages however many there
    // are.
    const auto errors = bodies<ErrorEvent>(with);
    ASSERT_EQ(errors.size(), 2U);
    for (const ErrorEvent& error : errors) {
        EXPECT_EQ(error.code, "invalid_samples");
    }
    EXPECT_THAT(errors[0].message, testing::StartsWith("1 samples"));
    EXPECT_THAT(errors[1].message, testing::StartsWith("2 samples"));

    // They are heard as if they had been zeros.
    published_.clear();
    for (float& sample : samples) {
        sample = std::isfinite(sample) ? sample : 0.0F;
    }
    const auto again = this->feed(262144);
    again->write(samples);
    again->end();
    const auto emotions = bodies<EmotionEvent>(with);
    const auto expected = bodies<EmotionEvent>(run(again));
    ASSERT_EQ(emotions.size(), expected.size());
    for (std::size_t i = 0; i < emotions.size(); ++i) {
        EXPECT_EQ(emotions[i].label, expected[i].label);
        EXPECT_EQ(emotions[i].utterance, expected[i].utterance);
    }
}

TEST_F(PipelineTest, AStreamBeginsLiveAndEndsWithItsReason) {
    const std::vector<float> samples = speech();
    const auto feed = this->feed(65536);
    feed->write(std::span(samples).first(48000));
    feed->break_off("unplugged");
    const std::vector<Event> events = run(feed);
    ASSERT_GE(events.size(), 3U);
    EXPECT_EQ(std::get<StreamEvent>(events.front().body).state, StreamState::Live);
    EXPECT_EQ(std::get<StreamEvent>(events.back().body).state, StreamState::Lost);
    EXPECT_EQ(std::get<StreamEvent>(events.back().body).reason, "unplugged");
}

TEST_F(PipelineTest, SilenceIsAStateAndIsNotClassified) {
    const auto feed = this->feed(65536);
    feed->write(std::vector<float>(48000));
    feed->end();
    const std::vector<Event> events = run(feed);
    EXPECT_THAT(bodies<EmotionEvent>(events), testing::IsEmpty());
    std::vector<StreamState> states;
    for (const StreamEvent& event : bodies<StreamEvent>(events)) {
        states.push_back(event.state);
    }
    EXPECT_THAT(states,
                testing::ElementsAre(StreamState::Live, StreamState::Silent, StreamState::Ended));
}

TEST_F(PipelineTest, OtherRatesGiveTheSameVerdict) {
    // 48 kHz by repetition of samples and a device clock of its own: same voice, same times.
    const std::vector<float> samples = speech();
    std::vector<float> fast;
    for (std::size_t i = 8 * 16000; i < 14 * 16000; ++i) {
        fast.insert(fast.end(), 3, samples[i]);
    }
    const auto feed = this->feed(524288, 48000);
    feed->write(fast);
    feed->end();
    const auto emotions = bodies<EmotionEvent>(run(feed));
    ASSERT_FALSE(emotions.empty());
    EXPECT_EQ(emotions.back().label, "angry");
    EXPECT_NEAR(static_cast<double>(emotions.back().end.count()), 6000.0, 20.0);
}

std::vector<StreamState> states(const std::vector<Event>& events) {
    std::vector<StreamState> found;
    for (const StreamEvent& event : bodies<StreamEvent>(events)) {
        found.push_back(event.state);
    }
    return found;
}

TEST_F(PipelineTest, ADeviceThatComesBackGoesOnWithItsClock) {
    const std::vector<float> samples = speech();
    const auto feed = this->feed(160000);
    {
        Inference inference({}, classifier_, collect());
        ChannelPipeline channel(feed, analysis_, rows_of(analysis_), inference, overload_);
        feed->write(std::span(samples).first(32000));
        EXPECT_TRUE(channel.drain());
        feed->fail("unplugged");
        EXPECT_FALSE(feed->loss_told());
        EXPECT_TRUE(channel.drain());
        EXPECT_TRUE(feed->loss_told());
        EXPECT_TRUE(channel.drain());  // and nothing is told twice
        feed->revive();
        feed->fail("unplugged again before it brought anything");
        EXPECT_TRUE(channel.drain());
        EXPECT_TRUE(feed->loss_told());
        feed->ring().lose(16000);
        feed->revive();
        feed->write(std::span(samples).subspan(48000, 32000));
        EXPECT_TRUE(channel.drain());
        feed->end();
        EXPECT_FALSE(channel.drain());
    }
    EXPECT_THAT(states(published_), testing::ElementsAre(StreamState::Live, StreamState::Lost,
                                                         StreamState::Live, StreamState::Ended));
    const auto gaps = bodies<GapEvent>(published_);
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].reason, "device_lost");
    EXPECT_EQ(gaps[0].start, milliseconds(2000));
    EXPECT_EQ(gaps[0].lost, milliseconds(1000));
}

TEST_F(PipelineTest, WhatIsPausedIsForgottenAndNotHeard) {
    const std::vector<float> samples = speech();
    const auto feed = this->feed(160000);
    {
        Inference inference({}, classifier_, collect());
        ChannelPipeline channel(feed, analysis_, rows_of(analysis_), inference, overload_);
        feed->write(std::span(samples).first(8000));
        channel.drain();
        feed->write(std::span(samples).subspan(8000, 8000));
        channel.pause("objection");
        feed->write(std::span(samples).subspan(16000, 32000));
        channel.drain();
        EXPECT_TRUE(channel.is_paused());
        EXPECT_EQ(feed->ring().size(), 0U);  // the ring is emptied all the same
        channel.resume();
        feed->write(std::span(samples).subspan(48000, 48000));
        feed->end();
        channel.drain();
    }
    EXPECT_THAT(states(published_),
                testing::ElementsAre(StreamState::Live, StreamState::Live, StreamState::Ended));
    const auto emotions = bodies<EmotionEvent>(published_);
    ASSERT_FALSE(emotions.empty());
    for (const EmotionEvent& emotion : emotions) {
        EXPECT_GE(emotion.start, milliseconds(3000));
    }
    EXPECT_THAT(bodies<GapEvent>(published_), testing::IsEmpty());
}

/// A voice from `begin_s` to `end_s` and silence elsewhere, `seconds` in all.
std::vector<float> voice(double seconds, std::initializer_list<std::pair<double, double>> spans) {
    std::vector<float> samples(static_cast<std::size_t>(seconds * 16000), 0.0F);
    for (const auto& [begin_s, end_s] : spans) {
        const auto begin = static_cast<std::size_t>(begin_s * 16000);
        const auto spoken =
            test::make_voice(150.0, 12, 16000, static_cast<std::size_t>(end_s * 16000) - begin);
        std::ranges::copy(spoken, samples.begin() + static_cast<std::ptrdiff_t>(begin));
    }
    return samples;
}

TEST_F(PipelineTest, AnUtteranceIsToldOnceBehindItsEmotionsWhichLieWithin) {
    const auto feed = this->feed(524288);
    feed->write(voice(14.0, {{1.0, 5.5}, {7.0, 7.1}, {9.0, 13.0}}));  // 100 ms are no utterance
    feed->end();
    const std::vector<Event> events = run(feed);
    const auto utterances = bodies<UtteranceEvent>(events);
    ASSERT_EQ(utterances.size(), 2U);
    EXPECT_EQ(utterances[0].utterance, 1U);
    EXPECT_EQ(utterances[1].utterance, 2U);
    const auto at = [](int ms) {
        return testing::AllOf(testing::Ge(milliseconds(ms - 150)),
                              testing::Le(milliseconds(ms + 150)));
    };
    EXPECT_THAT(utterances[0].start, at(900));  // a pre-roll of 100 ms
    EXPECT_THAT(utterances[0].end, at(5500));
    EXPECT_THAT(utterances[1].start, at(8900));
    EXPECT_THAT(utterances[1].end, at(13000));

    std::size_t told = 0;
    std::vector<std::size_t> interim(2);
    for (const Event& event : events) {
        told += std::holds_alternative<UtteranceEvent>(event.body) ? 1 : 0;
        const auto* emotion = std::get_if<EmotionEvent>(&event.body);
        if (emotion != nullptr && emotion->utterance) {
            ASSERT_LT(told, utterances.size());
            ASSERT_EQ(*emotion->utterance, told + 1);  // before it, and behind the one before
            const UtteranceEvent& its = utterances[told];
            EXPECT_GT(emotion->end, its.start);
            EXPECT_LE(emotion->end, its.end + milliseconds(600));  // the pause that ends it
            ++interim[told];
        } else if (emotion != nullptr) {
            // One that says of none ends in none: the begin is known when 300 ms were spoken.
            for (const UtteranceEvent& utterance : utterances) {
                EXPECT_TRUE(emotion->end < utterance.start + milliseconds(450) ||
                            emotion->end > utterance.end)
                    << emotion->end.count();
            }
        }
    }
    EXPECT_THAT(interim, testing::Each(testing::Ge(7U)));
}

TEST_F(PipelineTest, UtterancesAreToldHoweverShortTheWindowIs) {
    analysis_.window.length = analysis_.window.first = analysis_.window.hop = milliseconds(300);
    const auto feed = this->feed(524288);
    feed->write(voice(14.0, {{1.0, 5.5}, {9.0, 13.0}}));
    feed->end();
    const auto events = run(feed);
    std::vector<std::uint64_t> told;
    for (const UtteranceEvent& utterance : bodies<UtteranceEvent>(events)) {
        told.push_back(utterance.utterance);
    }
    EXPECT_THAT(told, testing::ElementsAre(1U, 2U));
    for (const EmotionEvent& emotion : bodies<EmotionEvent>(events)) {
        EXPECT_TRUE(!emotion.utterance || *emotion.utterance <= 2U);
    }
}

TEST_F(PipelineTest, ALongUtteranceIsToldInPartsThatMeet) {
    const auto feed = this->feed(524288);
    feed->write(voice(21.0, {{1.0, 19.0}}));
    feed->end();
    const auto utterances = bodies<UtteranceEvent>(run(feed));
    ASSERT_EQ(utterances.size(), 2U);
    EXPECT_EQ(utterances[0].end - utterances[0].start, milliseconds(15000));
    EXPECT_EQ(utterances[1].start, utterances[0].end);
    EXPECT_EQ(utterances[1].utterance, 2U);
}

TEST_F(PipelineTest, AHoleEndsAnUtteranceAndAnotherBeginsBehindIt) {
    const std::vector<float> samples = voice(8.0, {{0.5, 7.0}});
    const auto feed = this->feed(160000);
    feed->write(std::span(samples).first(48000));
    feed->lose(16000);
    feed->write(std::span(samples).subspan(64000));
    feed->end();
    const std::vector<Event> events = run(feed);
    const auto utterances = bodies<UtteranceEvent>(events);
    ASSERT_EQ(utterances.size(), 2U);
    EXPECT_GT(utterances[0].end, milliseconds(2900));
    EXPECT_LE(utterances[0].end, milliseconds(3000));
    EXPECT_GE(utterances[1].start, milliseconds(4000));
    EXPECT_EQ(utterances[1].utterance, 2U);
    // It is told before the hole, and of it each window too.
    bool is_behind = false;
    for (const Event& event : events) {
        is_behind |= std::holds_alternative<GapEvent>(event.body);
        if (const auto* utterance = std::get_if<UtteranceEvent>(&event.body)) {
            EXPECT_EQ(utterance->utterance, is_behind ? 2U : 1U);
        } else if (const auto* emotion = std::get_if<EmotionEvent>(&event.body)) {
            EXPECT_EQ(emotion->utterance.value_or(is_behind ? 2 : 1), is_behind ? 2U : 1U);
        }
    }
}

TEST_F(PipelineTest, APauseForgetsTheUtteranceAndItsNumber) {
    const std::vector<float> samples = voice(8.0, {{0.5, 7.0}});
    const auto feed = this->feed(160000);
    {
        Inference inference({}, classifier_, collect());
        ChannelPipeline channel(feed, analysis_, rows_of(analysis_), inference, overload_);
        feed->write(std::span(samples).first(48000));
        channel.drain();
        while (inference.oldest_wait() > Feed::Clock::duration::zero()) {
            std::this_thread::yield();  // or the pause would take it back
        }
        channel.pause("a break");
        feed->write(std::span(samples).subspan(48000, 16000));
        channel.drain();
        channel.resume();
        feed->write(std::span(samples).subspan(64000));
        feed->end();
        channel.drain();
    }
    const auto utterances = bodies<UtteranceEvent>(published_);
    ASSERT_EQ(utterances.size(), 1U);
    EXPECT_GE(utterances[0].start, milliseconds(4000));
    // What was told of the one that was forgotten is not taken for a part of this one.
    std::set<std::uint64_t> before;
    for (const EmotionEvent& emotion : bodies<EmotionEvent>(published_)) {
        if (emotion.end <= milliseconds(3000) && emotion.utterance) {
            before.insert(*emotion.utterance);
        }
    }
    ASSERT_THAT(before, testing::SizeIs(1));
    EXPECT_EQ(utterances[0].utterance, *before.begin() + 1);
}

TEST_F(PipelineTest, OverloadLeavesWindowsOutAndPausesLowPriority) {
    const std::vector<float> samples = speech();
    const auto windows_at = [&](int steps, bool low_priority) {
        Overload overload({});
        auto now = Overload::Clock::now();
        while (static_cast<int>(overload.level()) < steps) {
            now += std::chrono::seconds(1);
            overload.observe(now, std::chrono::seconds(1));
        }
        EXPECT_EQ(static_cast<int>(overload.level()), steps);
        const auto feed = this->feed(524288);
        feed->write(std::span(samples).subspan(7 * 16000, 9 * 16000));
        feed->end();
        published_.clear();
        {
            Inference inference({}, classifier_, collect());
            ChannelPipeline(feed, analysis_, rows_of(analysis_), inference, overload, low_priority)
                .drain();
        }
        return bodies<EmotionEvent>(published_).size();
    };
    const std::size_t all = windows_at(0, false);
    EXPECT_GT(all, 12U);
    EXPECT_NEAR(static_cast<double>(windows_at(1, false)), static_cast<double>(all) / 2, 1.0);
    EXPECT_NEAR(static_cast<double>(windows_at(2, false)), static_cast<double>(all) / 4, 1.0);
    EXPECT_GT(windows_at(3, false), 0U);
    EXPECT_EQ(windows_at(3, true), 0U);
    EXPECT_THAT(states(published_), testing::Contains(StreamState::Paused));
}

TEST_F(PipelineTest, WindowsOfManyChannelsDoNotAllEndAtTheSameMoment) {
    const std::vector<float> samples = speech();
    std::map<std::string, milliseconds> first_end;
    std::atomic<int> ended = 0;
    {
        Pipeline pipeline({.analysis = analysis_, .threads = 2}, classifier_,
                          {[&](std::vector<Event> events) {
                               const std::scoped_lock lock(mutex_);
                               for (const Event& event : events) {
                                   if (const auto* e = std::get_if<EmotionEvent>(&event.body)) {
                                       first_end.try_emplace(event.stream, e->end);
                                   }
                               }
                           },
                           [&](const std::string&) { ++ended; }, [](auto) {}});
        for (const char* name : {"a", "b", "c", "d"}) {
            const auto feed = std::make_shared<Feed>(name, 16000, 524288, false);
            feed->write(std::span(samples).subspan(7 * 16000, 9 * 16000));
            feed->end();
            pipeline.add(feed);
        }
        pipeline.start();
        while (ended < 4) {
            std::this_thread::sleep_for(milliseconds(1));
        }
    }
    ASSERT_EQ(first_end.size(), 4U);
    std::set<std::int64_t> phases;
    for (const auto& [name, end] : first_end) {
        phases.insert(end.count() % 500);
    }
    EXPECT_EQ(phases.size(), 4U);
}

TEST_F(PipelineTest, ChannelsComeAndGoWhileItRuns) {
    const std::vector<float> samples = speech();
    Pipeline pipeline({.analysis = analysis_}, classifier_,
                      {[&](std::vector<Event> events) {
                           const std::scoped_lock lock(mutex_);
                           std::ranges::move(events, std::back_inserter(published_));
                       },
                       [](const std::string&) {}, [](auto) {}});
    pipeline.start();
    for (int round = 0; round < 3; ++round) {
        const auto feed = this->feed(160000);
        pipeline.add(feed, false, round == 1 ? "not yet" : "");
        feed->write(std::span(samples).subspan(7 * 16000, 4 * 16000));
        if (round == 1) {
            pipeline.resume("a");
        }
        pipeline.remove("a", "removed");
    }
    pipeline.finish();
    EXPECT_THAT(states(published_),
                testing::ElementsAre(StreamState::Live, StreamState::Ended, StreamState::Live,
                                     StreamState::Ended, StreamState::Live, StreamState::Ended));
    EXPECT_EQ(bodies<StreamEvent>(published_).back().reason, "removed");
}

}  // namespace
}  // namespace emotiond::daemon
