#include "dsp/utterance_segmenter.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace emotiond::dsp {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Rows of 10 ms: three of speech are an utterance, four of silence end it, one before it belongs
/// to it, and after 100 it is split.
SegmenterOptions options() {
    SegmenterOptions options;
    options.onset = 0.6F;
    options.offset = 0.4F;
    options.min_speech = milliseconds(30);
    options.hangover = milliseconds(40);
    options.max_length = milliseconds(1000);
    options.pre_roll = milliseconds(10);
    return options;
}

/// '#' is speech, '+' between offset and onset, anything else silence.
std::vector<Utterance> segments(std::string_view rows, const SegmenterOptions& how = options()) {
    UtteranceSegmenter segmenter(how, microseconds(10000));
    std::vector<Utterance> found;
    const auto keep = [&](const Utterance& utterance) { found.push_back(utterance); };
    for (const char row : rows) {
        segmenter.push(row == '#' ? 0.9F : row == '+' ? 0.5F : 0.1F, keep);
    }
    segmenter.finish(keep);
    return found;
}

using Utterances = std::vector<Utterance>;

TEST(UtteranceSegmenter, CutsAtPausesThatAreLongEnough) {
    EXPECT_EQ(segments("...####......####..."), (Utterances{{2, 7}, {12, 17}}));
    EXPECT_EQ(segments("...####...####....."), (Utterances{{2, 14}}));
}

TEST(UtteranceSegmenter, PassesOverWhatIsTooShort) {
    EXPECT_EQ(segments("...##......##......"), Utterances{});
    EXPECT_EQ(segments("...##..#......."), (Utterances{{2, 8}}));
}

TEST(UtteranceSegmenter, BeginsAtTheOnsetAndEndsBelowTheOffset) {
    EXPECT_EQ(segments("..++###+++.......++++"), (Utterances{{3, 10}}));
}

TEST(UtteranceSegmenter, TakesThePreRollOnlyFromWhatIsFree) {
    SegmenterOptions wide = options();
    wide.pre_roll = milliseconds(100);
    EXPECT_EQ(segments("####......####.....", wide), (Utterances{{0, 4}, {4, 14}}));
}

TEST(UtteranceSegmenter, EndsWhereTheStreamDoes) {
    EXPECT_EQ(segments("..####"), (Utterances{{1, 6}}));
    EXPECT_EQ(segments("..####.."), (Utterances{{1, 6}}));
    EXPECT_EQ(segments("..##"), Utterances{});
    EXPECT_EQ(segments(""), Utterances{});
}

TEST(UtteranceSegmenter, SplitsWhatIsTooLong) {
    const std::string speech(250, '#');
    EXPECT_EQ(segments(speech + "....."), (Utterances{{0, 100}, {100, 200}, {200, 250}}));
    // A rest of one row is part of an utterance, nothing at all is none.
    EXPECT_EQ(segments(std::string(101, '#') + "....."), (Utterances{{0, 100}, {100, 101}}));
    EXPECT_EQ(segments(std::string(100, '#') + "....."), (Utterances{{0, 100}}));
}

TEST(UtteranceSegmenter, ANewUtteranceAfterASplitNeedsItsSpeechAgain) {
    EXPECT_EQ(segments(std::string(100, '#') + "......##......"), (Utterances{{0, 100}}));
}

TEST(UtteranceSegmenter, EndsInAPauseInsteadOfSplittingIt) {
    EXPECT_EQ(segments(std::string(98, '#') + "..##......"), (Utterances{{0, 98}}));
}

TEST(UtteranceSegmenter, TellsWhatIsOpen) {
    UtteranceSegmenter segmenter(options(), microseconds(10000));
    const auto ignore = [](const Utterance&) {};
    for (const float speech : {0.1F, 0.1F, 0.9F, 0.9F}) {
        segmenter.push(speech, ignore);
    }
    EXPECT_EQ(segmenter.open_since(), std::nullopt);
    segmenter.push(0.9F, ignore);
    EXPECT_EQ(segmenter.open_since(), 1U);
    segmenter.finish(ignore);
    EXPECT_EQ(segmenter.open_since(), std::nullopt);
}

TEST(UtteranceSegmenter, NothingIsOpenBehindASplitUntilSpeechGoesOn) {
    UtteranceSegmenter segmenter(options(), microseconds(10000));
    Utterances found;
    const auto hear = [&](float speech, int rows) {
        for (int i = 0; i < rows; ++i) {
            segmenter.push(speech, [&](const Utterance& utterance) { found.push_back(utterance); });
        }
    };
    hear(0.9F, 100);
    EXPECT_EQ(found, (Utterances{{0, 100}}));
    EXPECT_EQ(segmenter.open_since(), std::nullopt);
    hear(0.1F, 3);
    EXPECT_EQ(segmenter.open_since(), std::nullopt);
    hear(0.9F, 1);
    EXPECT_EQ(segmenter.open_since(), 100U);
    hear(0.1F, 4);
    EXPECT_EQ(found, (Utterances{{0, 100}, {100, 104}}));
}

TEST(UtteranceSegmenter, BeginsAnewAfterReset) {
    UtteranceSegmenter segmenter(options(), microseconds(10000));
    Utterances found;
    const auto keep = [&](const Utterance& utterance) { found.push_back(utterance); };
    for (int i = 0; i < 50; ++i) {
        segmenter.push(0.9F, keep);
    }
    segmenter.reset();
    for (int i = 0; i < 5; ++i) {
        segmenter.push(0.9F, keep);
    }
    segmenter.finish(keep);
    EXPECT_EQ(found, (Utterances{{0, 5}}));
}

TEST(UtteranceSegmenter, CountsInTheTimeOfARow) {
    UtteranceSegmenter segmenter(options(), microseconds(20000));
    Utterances found;
    const auto keep = [&](const Utterance& utterance) { found.push_back(utterance); };
    segmenter.push(0.9F, keep);  // 30 ms are one row of 20 ms, 40 ms two
    segmenter.push(0.1F, keep);
    EXPECT_TRUE(found.empty());
    segmenter.push(0.1F, keep);
    EXPECT_EQ(found, (Utterances{{0, 1}}));
}

TEST(UtteranceSegmenter, SaysWhatIsOutOfOrder) {
    EXPECT_NO_THROW(SegmenterOptions{}.validate());
    const auto complaint = [](auto&& change) -> std::string {
        SegmenterOptions changed;
        change(changed);
        try {
            const UtteranceSegmenter segmenter(changed, microseconds(10000));
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "valid";
    };
    EXPECT_EQ(complaint([](SegmenterOptions& o) { o.offset = 0.7F; }),
              "an utterance needs 0 < offset <= onset < 1, got 0.700000 and 0.600000");
    EXPECT_EQ(complaint([](SegmenterOptions& o) { o.hangover = milliseconds(0); }),
              "an utterance's hangover must be 10 to 10000 ms, got 0 ms");
    EXPECT_EQ(complaint([](SegmenterOptions& o) { o.min_speech = milliseconds(15000); }),
              "an utterance's least speech must be 10 to 10000 ms, got 15000 ms");
    EXPECT_EQ(complaint([](SegmenterOptions& o) { o.max_length = milliseconds(999); }),
              "an utterance's longest must be 1000 to 600000 ms and more than pre-roll and least "
              "speech, got 999 ms");
    EXPECT_EQ(complaint([](SegmenterOptions& o) { o.pre_roll = milliseconds(-1); }),
              "an utterance's pre-roll must be 0 to 10000 ms, got -1 ms");
    EXPECT_THROW(UtteranceSegmenter(SegmenterOptions{}, microseconds(0)), std::invalid_argument);
}

}  // namespace
}  // namespace emotiond::dsp
