#include "model/timeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

class TimelineTest : public testing::Test {
 protected:
    std::string verdict_on(const std::string& file) {
        const Timeline timeline =
            classify_recording(classifier_, read_recording(test::clip(file)), {});
        return classifier_.bundle().labels[best_label(timeline.verdict)];
    }

    Classifier classifier_{Bundle::load(test::bundled_model()), {"cpu", 1}};
};

// The demo's speaker (EmoDB 12) is one whom the bundled model was not trained on.
TEST_F(TimelineTest, TheDemosStretchesAreHeardAsWhatTheyAre) {
    const Timeline timeline =
        classify_recording(classifier_, read_recording(test::clip("demo.flac")), {});
    const auto verdict_between = [&](int from_ms, int to_ms) {
        std::vector<TimelineEntry> inside;
        for (const TimelineEntry& entry : timeline.entries) {
            if (entry.start.count() >= from_ms && entry.end.count() <= to_ms) {
                inside.push_back(entry);
            }
        }
        return classifier_.bundle().labels[best_label(overall_scores(inside))];
    };
    EXPECT_EQ(verdict_between(0, 6767), "neutral");
    EXPECT_EQ(verdict_between(6767, 16741), "angry");
    EXPECT_EQ(verdict_between(16741, 27332), "sad");
}

TEST_F(TimelineTest, ShortClipsGetAVerdict) {
    EXPECT_EQ(verdict_on("13a02Ta.flac"), "sad");
}

TEST_F(TimelineTest, SilenceHasNoVerdict) {
    const Recording silence{std::vector<float>(80000, 0.0F), 16000};
    const Timeline timeline = classify_recording(classifier_, silence, {});
    EXPECT_FALSE(timeline.entries.empty());
    EXPECT_TRUE(timeline.verdict.empty());
    for (const TimelineEntry& entry : timeline.entries) {
        EXPECT_TRUE(entry.scores.empty());
    }
}

TEST(Timeline, TheVerdictIsTheMeanOfTheLongestWindowsWeightedByVoicedRows) {
    std::vector<TimelineEntry> entries(4);
    entries[0] = {{}, {}, 0, 0.5F, 100, {1.0F, 0.0F}};  // the stream had not filled a window
    entries[1] = {{}, {}, 0, 1.0F, 300, {0.0F, 1.0F}};
    entries[2] = {{}, {}, 0, 0.0F, 300, {}};
    entries[3] = {{}, {}, 0, 1.0F / 6.0F, 300, {1.0F, 0.0F}};
    const Scores scores = overall_scores(entries);
    EXPECT_FLOAT_EQ(scores[0], 50.0F / 350.0F);
    EXPECT_FLOAT_EQ(scores[1], 300.0F / 350.0F);
    EXPECT_TRUE(overall_scores({}).empty());
}

}  // namespace
}  // namespace emotiond::model
