#include "daemon/pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "model/audio_file.hpp"
#include "tests/daemon/bundled_classifier.hpp"

namespace emotiond::daemon {
namespace {

using protocol::EmotionEvent;
using protocol::Event;
using protocol::GapEvent;
using protocol::StreamEvent;
using protocol::StreamState;
using std::chrono::milliseconds;

/// A capture side that the test plays, and the real pipeline and classifier behind it.
class PipelineTest : public testing::Test {
 protected:
    /// Runs `feed` to its end and returns what was published.
    std::vector<Event> run(Feed& feed) {
        std::vector<Event> published;
        {
            Inference inference(classifier_, 64, [&](std::vector<Event> events) {
                for (Event& event : events) {
                    published.push_back(std::move(event));
                }
            });
            std::atomic<bool> ended = false;
            Pipeline pipeline({&feed}, classifier_.bundle().features, {}, 0.15, inference,
                              [&ended] { ended = true; });
            pipeline.start();
            while (!ended) {
                std::this_thread::sleep_for(milliseconds(1));
            }
        }
        return published;
    }

    static std::vector<float> speech() {
        return model::read_recording(EMOTIOND_SOURCE_DIR "/tests/data/clips/demo.flac").samples;
    }

    model::Classifier classifier_ = test::bundled_classifier();
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
    Feed feed("a", 16000, 65536, false);  // 4.096 s
    const std::span<const float> all(samples);
    feed.write(all.first(5 * 16000));  // the last 14,464 find no room
    ASSERT_EQ(feed.ring().dropped(), 5U * 16000 - 65536);

    std::vector<Event> events;
    {
        Inference inference(classifier_, 64, [&](std::vector<Event> published) {
            for (Event& event : published) {
                events.push_back(std::move(event));
            }
        });
        ChannelPipeline channel(feed, classifier_.bundle().features, {}, 0.15, inference);
        EXPECT_TRUE(channel.drain());
        feed.write(all.subspan(5 * 16000, 3 * 16000));
        EXPECT_TRUE(channel.drain());
        feed.end();
        EXPECT_FALSE(channel.drain());
    }
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
    Feed feed("a", 16000, 160000, false);
    feed.write(std::span(samples).first(16000));
    feed.lose(800);
    feed.write(std::span(samples).subspan(16800, 16000));
    feed.end();
    const auto gaps = bodies<GapEvent>(run(feed));
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].reason, "device_overflow");
    EXPECT_EQ(gaps[0].start, milliseconds(1000));
    EXPECT_EQ(gaps[0].lost, milliseconds(50));
}

TEST_F(PipelineTest, WhatIsLostAtTheVeryEndIsToldToo) {
    Feed feed("a", 16000, 16384, false);
    feed.write(std::vector<float>(20000));
    feed.end();
    const auto gaps = bodies<GapEvent>(run(feed));
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].start, milliseconds(1024));
    EXPECT_EQ(gaps[0].lost, milliseconds(226));
}

TEST_F(PipelineTest, AStreamBeginsLiveAndEndsWithItsReason) {
    const std::vector<float> samples = speech();
    Feed feed("a", 16000, 65536, false);
    feed.write(std::span(samples).first(48000));
    feed.fail("unplugged");
    const std::vector<Event> events = run(feed);
    ASSERT_GE(events.size(), 3U);
    EXPECT_EQ(std::get<StreamEvent>(events.front().body).state, StreamState::Live);
    EXPECT_EQ(std::get<StreamEvent>(events.back().body).state, StreamState::Lost);
    EXPECT_EQ(std::get<StreamEvent>(events.back().body).reason, "unplugged");
}

TEST_F(PipelineTest, SilenceIsAStateAndIsNotClassified) {
    Feed feed("a", 16000, 65536, false);
    feed.write(std::vector<float>(48000));
    feed.end();
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
    Feed feed("a", 48000, 524288, false);
    feed.write(fast);
    feed.end();
    const auto emotions = bodies<EmotionEvent>(run(feed));
    ASSERT_FALSE(emotions.empty());
    EXPECT_EQ(emotions.back().label, "angry");
    EXPECT_NEAR(static_cast<double>(emotions.back().end.count()), 6000.0, 20.0);
}

}  // namespace
}  // namespace emotiond::daemon
