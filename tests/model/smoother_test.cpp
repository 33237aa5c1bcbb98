#include "model/smoother.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "tests/support/allocation_counter.hpp"

namespace emotiond::model {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAreArray;
using testing::FloatNear;
using testing::Pointwise;
using Scores = std::vector<float>;

constexpr milliseconds kHop{500};

std::vector<Scores> random_scores(std::size_t windows, std::size_t num_labels) {
    std::mt19937 random(7);
    std::exponential_distribution<float> draw;
    std::vector<Scores> all(windows, Scores(num_labels));
    for (Scores& scores : all) {
        for (float& score : scores) {
            score = draw(random);
        }
        const float sum = std::accumulate(scores.begin(), scores.end(), 0.0F);
        for (float& score : scores) {
            score /= sum;
        }
    }
    return all;
}

std::size_t best(std::span<const float> scores) {
    return static_cast<std::size_t>(
        std::distance(scores.begin(), std::ranges::max_element(scores)));
}

/// Labels of windows that follow each other by kHop.
std::vector<std::size_t> labels_of(Smoother& smoother, const std::vector<Scores>& windows) {
    std::vector<std::size_t> labels;
    milliseconds end{0};
    for (const Scores& scores : windows) {
        labels.push_back(smoother.step(scores, end += kHop).label);
    }
    return labels;
}

std::size_t changes(const std::vector<std::size_t>& labels) {
    std::size_t count = 0;
    for (std::size_t i = 1; i < labels.size(); ++i) {
        count += labels[i] != labels[i - 1] ? 1 : 0;
    }
    return count;
}

TEST(Smoother, SwitchedOffItIsTheIdentity) {
    Smoother smoother({}, 8, 0.3F);
    milliseconds end{0};
    for (const Scores& scores : random_scores(200, 8)) {
        const Smoother::Steady steady = smoother.step(scores, end += kHop);
        EXPECT_THAT(steady.scores, ElementsAreArray(scores));  // bit for bit
        EXPECT_EQ(steady.label, best(scores));
        EXPECT_EQ(steady.uncertain, scores[steady.label] < 0.3F);
    }
}

TEST(Smoother, WhatDoesNotChangeStaysAsItIs) {
    const Scores scores{0.2F, 0.7F, 0.1F};
    Smoother smoother({.time_constant = milliseconds(1000), .label_margin = 0.1F}, 3, 0.0F);
    milliseconds end{0};
    for (int i = 0; i < 1000; ++i) {
        const Smoother::Steady steady = smoother.step(scores, end += kHop);
        EXPECT_THAT(steady.scores, Pointwise(FloatNear(1e-5F), scores));
        EXPECT_EQ(steady.label, 1U);
        EXPECT_FALSE(steady.uncertain);
    }
}

// Of two labels the logarithm of the odds is what is smoothed, so that it follows the exponential.
TEST(Smoother, AStepIsFollowedWithTheTimeConstantWhateverTheHop) {
    for (const int hop_ms : {10, 100, 250, 500, 1000}) {
        Smoother smoother({.time_constant = milliseconds(1000)}, 2, 0.0F);
        smoother.step(Scores{0.9F, 0.1F}, milliseconds(0));
        for (int end_ms = hop_ms; end_ms <= 3000; end_ms += hop_ms) {
            const auto steady = smoother.step(Scores{0.1F, 0.9F}, milliseconds(end_ms));
            const double odds = std::log(9.0);
            const double left = std::exp(-end_ms / 1000.0);
            EXPECT_NEAR(std::log(steady.scores[1] / steady.scores[0]),
                        odds * (1.0 - left) - odds * left, 1e-3)
                << hop_ms << " " << end_ms;
            EXPECT_EQ(steady.label, end_ms > 693 ? 1U : 0U) << hop_ms << " " << end_ms;
        }
    }
}

TEST(Smoother, ScoresSumToOneAndAZeroIsNotForEver) {
    Smoother smoother({.time_constant = milliseconds(1000)}, 2, 0.0F);
    milliseconds end{0};
    smoother.step(Scores{1.0F, 0.0F}, end);
    Smoother::Steady steady;
    for (int i = 0; i < 10; ++i) {
        steady = smoother.step(Scores{0.1F, 0.9F}, end += kHop);
        EXPECT_NEAR(steady.scores[0] + steady.scores[1], 1.0F, 1e-6F);
    }
    EXPECT_EQ(steady.label, 1U);
}

TEST(Smoother, AnotherLabelMustLeadByTheMargin) {
    std::vector<Scores> windows;
    for (int i = 0; i < 20; ++i) {
        windows.push_back(i % 2 == 0 ? Scores{0.52F, 0.48F} : Scores{0.48F, 0.52F});
    }
    Smoother without({}, 2, 0.0F);
    EXPECT_EQ(changes(labels_of(without, windows)), 19U);
    Smoother with({.label_margin = 0.05F}, 2, 0.0F);
    EXPECT_EQ(changes(labels_of(with, windows)), 0U);
    windows.push_back({0.47F, 0.53F});
    with.reset();
    EXPECT_EQ(labels_of(with, windows).back(), 1U);
}

TEST(Smoother, ALargerMarginOrTimeConstantDoesNotMakeItChangeMoreOften) {
    const std::vector<Scores> windows = random_scores(2000, 8);
    for (const int time_constant_ms : {0, 500, 2000}) {
        std::size_t fewest = windows.size();
        for (const float margin : {0.0F, 0.05F, 0.1F, 0.2F, 0.4F}) {
            Smoother smoother({milliseconds(time_constant_ms), margin}, 8, 0.0F);
            const std::size_t count = changes(labels_of(smoother, windows));
            EXPECT_LE(count, fewest) << time_constant_ms << " " << margin;
            fewest = count;
        }
    }
    Smoother raw({}, 8, 0.0F);
    Smoother smooth({.time_constant = milliseconds(2000)}, 8, 0.0F);
    EXPECT_LT(3 * changes(labels_of(smooth, windows)), 2 * changes(labels_of(raw, windows)));
}

TEST(Smoother, TheConfidenceIsThatOfTheLabelAndUncertainHasAHysteresisOfItsOwn) {
    Smoother smoother({.label_margin = 0.2F, .uncertain_margin = 0.05F}, 2, 0.5F);
    EXPECT_FALSE(smoother.step(Scores{0.51F, 0.49F}, milliseconds(500)).uncertain);
    const auto held = smoother.step(Scores{0.49F, 0.51F}, milliseconds(1000));
    EXPECT_EQ(held.label, 0U);
    EXPECT_TRUE(held.uncertain);  // 0.49, though another has 0.51
    EXPECT_TRUE(smoother.step(Scores{0.54F, 0.46F}, milliseconds(1500)).uncertain);
    EXPECT_FALSE(smoother.step(Scores{0.56F, 0.44F}, milliseconds(2000)).uncertain);
    EXPECT_FALSE(smoother.step(Scores{0.51F, 0.49F}, milliseconds(2500)).uncertain);
}

TEST(Smoother, ABundleWithoutAThresholdIsNeverUncertain) {
    Smoother smoother({.uncertain_margin = 0.05F}, 4, 0.0F);
    EXPECT_FALSE(smoother.step(Scores{0.01F, 0.33F, 0.33F, 0.33F}, milliseconds(0)).uncertain);
}

TEST(Smoother, BehindAHoleOrAResetTheNextWindowIsTheFirstOneAgain) {
    const Smoother::Options options{milliseconds(5000), 0.5F, 0.1F, milliseconds(3000)};
    const Scores before{0.9F, 0.1F};
    const Scores after{0.3F, 0.7F};
    Smoother smoother(options, 2, 0.65F);
    smoother.step(before, milliseconds(1000));
    EXPECT_EQ(smoother.step(after, milliseconds(4000)).label, 0U);
    smoother.step(before, milliseconds(4500));
    const auto behind_hole = smoother.step(after, milliseconds(7501));
    EXPECT_EQ(behind_hole.label, 1U);
    EXPECT_THAT(behind_hole.scores, Pointwise(FloatNear(1e-6F), after));
    EXPECT_FALSE(behind_hole.uncertain);
    smoother.step(before, milliseconds(8000));
    smoother.reset();
    EXPECT_EQ(smoother.step(after, milliseconds(8500)).label, 1U);
}

TEST(Smoother, IsDeterministicAndAllocatesNothing) {
    const std::vector<Scores> windows = random_scores(100, 8);
    const Smoother::Options options{milliseconds(1500), 0.1F, 0.05F};
    Smoother first(options, 8, 0.3F);
    Smoother second(options, 8, 0.3F);
    milliseconds end{0};
    for (const Scores& scores : windows) {
        end += kHop;
        const test::AllocationCounter counter;
        const Smoother::Steady a = first.step(scores, end);
        EXPECT_EQ(counter.count(), 0U);
        const Smoother::Steady b = second.step(scores, end);
        EXPECT_TRUE(std::ranges::equal(a.scores, b.scores));
        EXPECT_EQ(a.label, b.label);
    }
}

}  // namespace
}  // namespace emotiond::model
