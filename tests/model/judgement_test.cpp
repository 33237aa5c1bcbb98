#include "model/judgement.hpp"

#include <gtest/gtest.h>

namespace emotiond::model {
namespace {

Bundle bundle_of(std::vector<std::string> labels, float uncertain_below) {
    Bundle bundle;
    bundle.labels = std::move(labels);
    bundle.uncertain_below = uncertain_below;
    return bundle;
}

TEST(Judgement, TheHighestScoreGivesTheLabelAndAffectIsDerived) {
    const Judgement judgement = judge({0.25F, 0.75F}, 1.0F, bundle_of({"neutral", "angry"}, 0.75F));
    EXPECT_EQ(judgement.label, "angry");
    EXPECT_EQ(judgement.confidence, 0.75F);
    EXPECT_FALSE(judgement.uncertain);
    ASSERT_TRUE(judgement.affect);
    EXPECT_FLOAT_EQ(judgement.affect->valence, 0.75F * -0.51F);
    EXPECT_FLOAT_EQ(judgement.affect->arousal, 0.75F * 0.59F);
}

TEST(Judgement, WhatIsBelowTheThresholdIsUncertain) {
    EXPECT_TRUE(judge({0.4F, 0.6F}, 1.0F, bundle_of({"neutral", "angry"}, 0.61F)).uncertain);
    EXPECT_FALSE(judge({0.4F, 0.6F}, 1.0F, bundle_of({"neutral", "angry"}, 0.0F)).uncertain);
}

TEST(Judgement, WithoutSpeechThereIsNoEmotionWhateverTheScoresSay) {
    const Judgement judgement = judge({0.01F, 0.99F}, 0.25F, bundle_of({"neutral", "angry"}, 0.0F));
    EXPECT_EQ(judgement.label, "no_speech");
    EXPECT_EQ(judgement.confidence, 0.75F);
    EXPECT_TRUE(judgement.uncertain);
    EXPECT_FALSE(judgement.affect);
    EXPECT_EQ(judge({0.01F, 0.99F}, 0.5F, bundle_of({"neutral", "angry"}, 0.0F)).label, "angry");
}

TEST(Judgement, OfSteadiedScoresTheLabelIsThatOfTheSmoother) {
    const Bundle bundle = bundle_of({"neutral", "angry"}, 0.5F);
    Smoother smoother({.label_margin = 0.2F}, 2, bundle.uncertain_below);
    smoother.step(Scores{0.75F, 0.25F}, std::chrono::milliseconds(500));
    const Judgement judgement =
        judge(smoother.step(Scores{0.45F, 0.55F}, std::chrono::milliseconds(1000)), bundle);
    EXPECT_EQ(judgement.label, "neutral");
    EXPECT_EQ(judgement.confidence, 0.45F);
    EXPECT_TRUE(judgement.uncertain);
    ASSERT_TRUE(judgement.affect);
    EXPECT_FLOAT_EQ(judgement.affect->arousal, 0.55F * 0.59F);
}

TEST(Judgement, ALabelOfOnesOwnHasNoAffect) {
    EXPECT_FALSE(judge({0.4F, 0.6F}, 1.0F, bundle_of({"neutral", "bemused"}, 0.0F)).affect);
}

TEST(Judgement, ABundleMayNotTakeTheWordForNoSpeechNorALabelTwice) {
    Bundle bundle = bundle_of({"neutral", "no_speech"}, 0.0F);
    EXPECT_THROW(bundle.validate(), std::runtime_error);
    bundle.labels = {"neutral", "neutral"};
    EXPECT_THROW(bundle.validate(), std::runtime_error);
    bundle.labels = {"neutral", ""};
    EXPECT_THROW(bundle.validate(), std::runtime_error);
    bundle.labels = {"neutral", "angry"};
    EXPECT_NO_THROW(bundle.validate());
}

}  // namespace
}  // namespace emotiond::model
