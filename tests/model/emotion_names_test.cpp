#include "model/training/emotion_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/labels.hpp"

namespace emotiond::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(EmotionNames, EveryLabelOfOursIsItsOwnName) {
    for (const std::string_view emotion : kEmotions) {
        EXPECT_EQ(canonical_emotion(emotion), emotion);
    }
    EXPECT_EQ(canonical_emotion("bored"), "bored");
}

TEST(EmotionNames, KnowsWhatOthersCallThem) {
    EXPECT_EQ(canonical_emotion("Fear"), "fearful");
    EXPECT_EQ(canonical_emotion("ANGER"), "angry");
    EXPECT_EQ(canonical_emotion("happiness"), "happy");
    EXPECT_EQ(canonical_emotion("sadness"), "sad");
    EXPECT_EQ(canonical_emotion("boredom"), "bored");
    EXPECT_EQ(canonical_emotion("surprise"), "surprised");
    EXPECT_EQ(canonical_emotion("pleasant_surprise"), "surprised");
    EXPECT_EQ(canonical_emotion("ps"), "surprised");
    EXPECT_EQ(canonical_emotion("neutrality"), "neutral");
    EXPECT_EQ(canonical_emotion("disgusted"), "disgust");
    EXPECT_EQ(canonical_emotion("angr"), "");
    EXPECT_EQ(canonical_emotion(""), "");
}

TEST(EmotionNames, AreFoundAsWordsOfAName) {
    EXPECT_THAT(emotions_in_name("OAF_Pleasant_surprise"), ElementsAre("surprised"));
    EXPECT_THAT(emotions_in_name("1-sadness"), ElementsAre("sad"));
    EXPECT_THAT(emotions_in_name("sad01"), ElementsAre("sad"));
    EXPECT_THAT(emotions_in_name("annaAngry2"), ElementsAre("angry"));
    EXPECT_THAT(emotions_in_name("ANGRY"), ElementsAre("angry"));
    EXPECT_THAT(emotions_in_name("fear_or_fearful"), ElementsAre("fearful"));
    EXPECT_THAT(emotions_in_name("happy_then_sad"), ElementsAre("happy", "sad"));
    EXPECT_THAT(emotions_in_name("Actor_01"), IsEmpty());
    EXPECT_THAT(emotions_in_name("unhappy"), IsEmpty());
    EXPECT_THAT(emotions_in_name("\xc5\xbc\xc4\x85l"), IsEmpty());
    EXPECT_THAT(emotions_in_name(""), IsEmpty());
}

}  // namespace
}  // namespace emotiond::model
