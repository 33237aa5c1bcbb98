#include "model/affect.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "model/labels.hpp"

namespace emotiond::model {
namespace {

TEST(DerivedAffect, OfACertainAnswerIsThatOfTheEmotion) {
    const std::vector<std::string> labels{"happy", "sad"};
    const auto happy = derived_affect(labels, std::vector{1.0F, 0.0F});
    ASSERT_TRUE(happy.has_value());
    EXPECT_FLOAT_EQ(happy->valence, 0.81F);
    EXPECT_FLOAT_EQ(happy->arousal, 0.51F);
}

TEST(DerivedAffect, IsTheExpectationUnderTheScores) {
    const std::vector<std::string> labels{"angry", "calm", "neutral", "bored"};
    const auto affect = derived_affect(labels, std::vector{0.5F, 0.25F, 0.15F, 0.1F});
    ASSERT_TRUE(affect.has_value());
    EXPECT_NEAR(affect->valence, 0.5 * -0.51 + 0.25 * 0.68 + 0.1 * -0.65, 1e-6);
    EXPECT_NEAR(affect->arousal, 0.5 * 0.59 + 0.25 * -0.46 + 0.1 * -0.62, 1e-6);
}

TEST(DerivedAffect, KnowsEveryEmotionOfTheService) {
    for (const std::string_view emotion : kEmotions) {
        const std::vector<std::string> labels{std::string(emotion)};
        EXPECT_TRUE(derived_affect(labels, std::vector{1.0F}).has_value()) << emotion;
    }
}

TEST(DerivedAffect, SaysNothingOfWhatItDoesNotKnow) {
    const std::vector<std::string> labels{"happy", "hangry"};
    EXPECT_FALSE(derived_affect(labels, std::vector{1.0F, 0.0F}).has_value());
    EXPECT_FALSE(derived_affect(labels, std::vector{1.0F}).has_value());
    EXPECT_FALSE(derived_affect({}, {}).has_value());
}

}  // namespace
}  // namespace emotiond::model
