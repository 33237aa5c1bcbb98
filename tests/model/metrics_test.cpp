#include "model/training/metrics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

namespace emotiond::model {
namespace {

TEST(ConfusionMatrix, FiguresAreThoseOfTheTextbook) {
    // truth \ answer   a  b  c
    //              a   3  1  0      recall 3/4
    //              b   2  3  1      recall 3/6
    //              c   does not occur, but is answered once
    ConfusionMatrix matrix(3);
    for (int i = 0; i < 3; ++i) {
        matrix.add(0, 0);
    }
    matrix.add(0, 1);
    for (int i = 0; i < 2; ++i) {
        matrix.add(1, 0);
    }
    for (int i = 0; i < 3; ++i) {
        matrix.add(1, 1);
    }
    matrix.add(1, 2);
    EXPECT_EQ(matrix.total(), 10U);
    EXPECT_DOUBLE_EQ(matrix.unweighted_accuracy(), (3.0 / 4 + 3.0 / 6) / 2);
    EXPECT_DOUBLE_EQ(matrix.weighted_accuracy(), 0.6);
    // F1: a: p 3/5, r 3/4; b: p 3/4, r 1/2.
    EXPECT_DOUBLE_EQ(matrix.macro_f1(), (2.0 / 3 + 0.6) / 2);
}

TEST(ConfusionMatrix, AddsUpAndTellsItselfAsJson) {
    ConfusionMatrix one(2);
    one.add(0, 0);
    ConfusionMatrix other(2);
    other.add(0, 1);
    one.add(other);
    const auto json = one.to_json({"yes", "no"});
    EXPECT_EQ(json["clips"], 2);
    EXPECT_EQ(json["ua"], 0.5);
    EXPECT_EQ(json["labels"]["yes"]["answers"]["no"], 1);
    EXPECT_FALSE(json["labels"].contains("no"));
}

TEST(ConfusionMatrix, EmptyIsZeroAndNotNan) {
    const ConfusionMatrix matrix(4);
    EXPECT_EQ(matrix.unweighted_accuracy(), 0.0);
    EXPECT_EQ(matrix.weighted_accuracy(), 0.0);
    EXPECT_EQ(matrix.macro_f1(), 0.0);
}

TEST(ConfusionMatrix, AgreesWithScikitLearn) {
    // >>> y = [0,0,0,0,1,1,1,1,1,1,2,2,2]; p = [0,0,0,1,0,0,1,1,1,2,2,2,0]   # scikit-learn 1.9.1
    // >>> precision_recall_fscore_support(y, p), balanced_accuracy_score(y, p)
    ConfusionMatrix matrix(3);
    constexpr std::array<std::size_t, 13> kTruths{0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2};
    constexpr std::array<std::size_t, 13> kAnswers{0, 0, 0, 1, 0, 0, 1, 1, 1, 2, 2, 2, 0};
    for (std::size_t i = 0; i < kTruths.size(); ++i) {
        matrix.add(kTruths[i], kAnswers[i]);
    }
    constexpr std::array kPrecision{0.5, 0.75, 2.0 / 3};
    constexpr std::array kRecall{0.75, 0.5, 2.0 / 3};
    constexpr std::array kF1{0.6, 0.6, 2.0 / 3};
    constexpr std::array<std::size_t, 3> kSupport{4, 6, 3};
    for (std::size_t label = 0; label < 3; ++label) {
        EXPECT_DOUBLE_EQ(matrix.precision(label), kPrecision[label]);
        EXPECT_DOUBLE_EQ(matrix.recall(label), kRecall[label]);
        EXPECT_DOUBLE_EQ(matrix.f1(label), kF1[label]);
        EXPECT_EQ(matrix.truths(label), kSupport[label]);
    }
    EXPECT_DOUBLE_EQ(matrix.unweighted_accuracy(), 0.6388888888888888);
}

/// Six clips of three classes, the last with nearly even scores.
class Scores : public testing::Test {
 protected:
    static constexpr std::array<std::array<float, 3>, 6> kScores{{{0.7F, 0.2F, 0.1F},
                                                                  {0.1F, 0.8F, 0.1F},
                                                                  {0.3F, 0.3F, 0.4F},
                                                                  {0.05F, 0.9F, 0.05F},
                                                                  {0.5F, 0.25F, 0.25F},
                                                                  {0.34F, 0.33F, 0.33F}}};
    static constexpr std::array<std::size_t, 6> kTruths{0, 1, 1, 0, 0, 2};
    std::vector<ScoredClip> clips_;

    Scores() {
        for (std::size_t i = 0; i < kTruths.size(); ++i) {
            clips_.push_back({kScores[i], kTruths[i]});
        }
    }
};

TEST_F(Scores, LossesAgreeWithScikitLearn) {
    // >>> log_loss(truths, scores)                                     # scikit-learn 1.9.1
    EXPECT_NEAR(negative_log_likelihood(clips_), 1.096888896369071, 1e-6);
    // >>> np.mean(np.sum((scores - np.eye(3)[truths]) ** 2, 1))
    EXPECT_NEAR(brier_score(clips_), 0.6172333333333333, 1e-6);
}

TEST_F(Scores, AnswerIsTheLargestOfThem) {
    EXPECT_TRUE(answer_to(clips_[0]).right);
    EXPECT_FALSE(answer_to(clips_[2]).right);
    EXPECT_FLOAT_EQ(static_cast<float>(answer_to(clips_[2]).confidence), 0.4F);
}

TEST(NegativeLogLikelihood, OfACertainErrorIsLargeAndFinite) {
    constexpr std::array kSure{1.0F, 0.0F};
    const std::vector<ScoredClip> clips{{kSure, 1}};
    EXPECT_NEAR(negative_log_likelihood(clips), 12.0 * std::log(10.0), 1e-9);
    EXPECT_EQ(brier_score(clips), 2.0);
    EXPECT_EQ(negative_log_likelihood({}), 0.0);
    EXPECT_EQ(brier_score({}), 0.0);
}

const std::vector<Answer> kTenAnswers{{0.95, true},  {0.92, true},  {0.91, false}, {0.70, true},
                                      {0.66, false}, {0.45, false}, {0.42, true},  {0.40, false},
                                      {0.21, true},  {0.20, false}};

TEST(ReliabilityBins, HoldTheirUpperEdgeAndNotTheLower) {
    // 0.2 = 3/15 and 0.4 = 6/15 are edges.
    const auto bins = reliability_bins(kTenAnswers);
    ASSERT_EQ(bins.size(), 15U);
    EXPECT_EQ(bins[2].count, 1U);
    EXPECT_DOUBLE_EQ(bins[2].confidence, 0.20);
    EXPECT_EQ(bins[3].count, 1U);
    EXPECT_EQ(bins[5].count, 1U);
    EXPECT_EQ(bins[6].count, 2U);
    EXPECT_DOUBLE_EQ(bins[6].confidence, 0.435);
    EXPECT_DOUBLE_EQ(bins[6].accuracy, 0.5);
    EXPECT_EQ(bins[13].count, 2U);
    EXPECT_EQ(bins[14].count, 1U);
    EXPECT_DOUBLE_EQ(bins[14].high, 1.0);
}

TEST(ReliabilityBins, TakeTheEndsOfTheRange) {
    const auto bins = reliability_bins(std::vector<Answer>{{0.0, false}, {1.0, true}});
    EXPECT_EQ(bins.front().count, 1U);
    EXPECT_EQ(bins.back().count, 1U);
    EXPECT_EQ(expected_calibration_error(bins), 0.0);
}

TEST(ExpectedCalibrationError, AgreesWithTheDefinitionInNumpy) {
    // >>> for lo, hi in pairwise(np.linspace(0, 1, 16)):                        # numpy
    // ...     m = (conf > lo) & (conf <= hi)
    // ...     if m.any(): ece += abs(conf[m].mean() - right[m].mean()) * m.mean()
    EXPECT_NEAR(expected_calibration_error(reliability_bins(kTenAnswers)), 0.336, 1e-12);
    EXPECT_EQ(expected_calibration_error(reliability_bins({})), 0.0);
}

TEST(RiskCoverage, IsThatOfAHandfulOfAnswers) {
    // The two of 0.8 come together: one of the three is wrong.
    const std::vector<Answer> answers{
        {0.5, false}, {0.8, true}, {0.9, true}, {0.6, true}, {0.8, false}};
    const auto curve = risk_coverage_curve(answers);
    ASSERT_EQ(curve.size(), 4U);
    EXPECT_EQ(curve[0].threshold, 0.9);
    EXPECT_DOUBLE_EQ(curve[0].coverage, 0.2);
    EXPECT_EQ(curve[0].risk, 0.0);
    EXPECT_DOUBLE_EQ(curve[1].coverage, 0.6);
    EXPECT_DOUBLE_EQ(curve[1].risk, 1.0 / 3);
    EXPECT_DOUBLE_EQ(curve[2].risk, 0.25);
    EXPECT_DOUBLE_EQ(curve[3].coverage, 1.0);
    EXPECT_DOUBLE_EQ(curve[3].risk, 0.4);
    // >>> np.mean([(1 - right[conf >= c]).mean() for c in conf])               # numpy
    EXPECT_NEAR(area_under_risk_coverage(curve), 0.2633333333333333, 1e-12);
    EXPECT_NEAR(area_under_risk_coverage(risk_coverage_curve(kTenAnswers)), 0.3356349206349207,
                1e-12);
}

TEST(RiskCoverage, FindsThePointsThatAreWanted) {
    const auto curve = risk_coverage_curve(kTenAnswers);
    // Risks: 0, 0, 1/3, 1/4, 2/5, 3/6, 3/7, 4/8, 4/9, 5/10.
    EXPECT_EQ(point_at_risk(curve, 0.0)->threshold, 0.92);
    EXPECT_EQ(point_at_risk(curve, 0.3)->threshold, 0.70);
    EXPECT_DOUBLE_EQ(point_at_risk(curve, 0.3)->coverage, 0.4);
    EXPECT_EQ(point_at_risk(curve, 0.45)->threshold, 0.21);
    EXPECT_FALSE(point_at_risk(curve, -0.1).has_value());
    EXPECT_EQ(point_at_coverage(curve, 0.35)->threshold, 0.70);
    EXPECT_EQ(point_at_coverage(curve, 0.4)->threshold, 0.70);
    EXPECT_EQ(point_at_coverage(curve, 1.0)->threshold, 0.20);
    EXPECT_FALSE(point_at_coverage(curve, 1.1).has_value());
    EXPECT_FALSE(point_at_coverage({}, 0.5).has_value());

    const RiskCoveragePoint point = point_at_threshold(kTenAnswers, 0.70);
    EXPECT_DOUBLE_EQ(point.coverage, 0.4);
    EXPECT_DOUBLE_EQ(point.risk, 0.25);
    EXPECT_EQ(point_at_threshold(kTenAnswers, 0.99).coverage, 0.0);
    EXPECT_EQ(point_at_threshold(kTenAnswers, 0.99).risk, 0.0);
}

TEST(RiskCoverage, NoPointIsFoundWhereOnlyErrorsAre) {
    const auto curve = risk_coverage_curve(std::vector<Answer>{{0.9, false}, {0.8, false}});
    EXPECT_FALSE(point_at_risk(curve, 0.5).has_value());
    EXPECT_EQ(area_under_risk_coverage(curve), 1.0);
}

TEST(Auroc, CountsTiesOneHalf) {
    // >>> roc_auc_score([1]*5 + [0]*4, [.9,.8,.5,.5,.3] + [.8,.5,.2,.1])   # scikit-learn 1.9.1
    const std::vector<double> positives{0.9, 0.8, 0.5, 0.5, 0.3};
    const std::vector<double> negatives{0.8, 0.5, 0.2, 0.1};
    EXPECT_DOUBLE_EQ(*auroc(positives, negatives), 0.725);
    EXPECT_DOUBLE_EQ(*auroc(negatives, positives), 0.275);
    EXPECT_DOUBLE_EQ(*auroc(positives, positives), 0.5);
    EXPECT_FALSE(auroc(positives, {}).has_value());
    EXPECT_FALSE(auroc({}, negatives).has_value());
}

TEST(MeanDeviation, IsThatOfTheSample) {
    // >>> np.mean(v), np.std(v, ddof=1)
    const auto figure = mean_deviation(std::vector{0.50, 0.52, 0.57});
    EXPECT_NEAR(figure.mean, 0.53, 1e-12);
    EXPECT_NEAR(figure.deviation, 0.03605551275463986, 1e-12);
    EXPECT_EQ(figure.count, 3U);
    EXPECT_EQ(mean_deviation(std::vector{0.7}).deviation, 0.0);
    EXPECT_EQ(mean_deviation({}).mean, 0.0);
}

double mean_of(const std::vector<double>& values, std::span<const std::size_t> indices) {
    double sum = 0.0;
    for (const std::size_t index : indices) {
        sum += values[index];
    }
    return sum / static_cast<double>(indices.size());
}

TEST(Bootstrap, AgreesWithASecondImplementation) {
    // MT19937-64 and the draws written in Python, the percentiles of numpy:
    // >>> for _ in range(1000):
    // ...     drawn = sum((members[random() % 4] for _ in range(4)), [])
    // ...     means.append(values[drawn].mean())
    // >>> np.percentile(means, [2.5, 97.5])
    const std::vector<std::string> groups{"a", "a", "b", "b", "b", "c", "d"};
    const std::vector<double> values{0.1, 0.4, 0.9, 0.8, 0.3, 0.2, 0.6};
    const auto statistic = [&](auto indices) { return mean_of(values, indices); };
    const auto interval = bootstrap_interval(groups, statistic, {.seed = 7});
    ASSERT_TRUE(interval.has_value());
    EXPECT_NEAR(interval->low, 0.2333333333333333, 1e-12);
    EXPECT_NEAR(interval->high, 0.65, 1e-12);
    const auto again = bootstrap_interval(groups, statistic, {.seed = 7});
    EXPECT_EQ(interval->low, again->low);
}

TEST(Bootstrap, ApproachesTheNormalIntervalOfAMean) {
    std::mt19937_64 random(3);
    std::vector<std::string> groups;
    std::vector<double> values;
    for (int i = 0; i < 200; ++i) {
        groups.push_back(std::to_string(i));
        values.push_back(static_cast<double>(random() % 1000) / 1000.0);
    }
    const auto [mean, deviation, count] = mean_deviation(values);
    const double half = 1.96 * deviation / std::sqrt(static_cast<double>(count));
    const auto interval =
        bootstrap_interval(groups, [&](auto indices) { return mean_of(values, indices); });
    EXPECT_NEAR(interval->low, mean - half, 0.2 * half);
    EXPECT_NEAR(interval->high, mean + half, 0.2 * half);
}

TEST(Bootstrap, KeepsTheClipsOfASpeakerTogether) {
    // Ten speakers of 100 equal clips know as much as ten clips do.
    std::vector<std::string> speakers;
    std::vector<std::string> clips;
    std::vector<double> values;
    for (int i = 0; i < 1000; ++i) {
        speakers.push_back(std::to_string(i / 100));
        clips.push_back(std::to_string(i));
        values.push_back(i / 100 < 5 ? 0.0 : 1.0);
    }
    const auto statistic = [&](auto indices) { return mean_of(values, indices); };
    const auto over_speakers = bootstrap_interval(speakers, statistic);
    const auto over_clips = bootstrap_interval(clips, statistic);
    EXPECT_NEAR(over_speakers->high - over_speakers->low, 0.6, 0.1);
    EXPECT_NEAR(over_clips->high - over_clips->low, 0.06, 0.01);
}

TEST(Bootstrap, SaysNothingOfASingleSpeaker) {
    const std::vector<std::string> groups{"a", "a"};
    EXPECT_FALSE(bootstrap_interval(groups, [](auto) { return 1.0; }).has_value());
    EXPECT_FALSE(bootstrap_interval({}, [](auto) { return 1.0; }).has_value());
}

}  // namespace
}  // namespace emotiond::model
