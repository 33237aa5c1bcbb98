#include "model/training/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace emotiond::model {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Three labels; corpus "two" has only the first two of them.
ReportInput an_input() {
    ReportInput input;
    input.predictions.labels = {"angry", "happy", "sad"};
    input.predictions.corpus_labels = {{"two", {0, 1}}, {"three", {0, 1, 2}}};
    return input;
}

void add(ReportInput& input, const std::string& protocol, const std::string& corpus,
         const std::string& speaker, std::uint64_t seed, std::size_t truth,
         std::vector<float> scores) {
    std::vector<Prediction>& predictions = input.predictions.predictions;
    predictions.push_back({protocol, "fold of " + speaker, corpus, speaker,
                           std::to_string(predictions.size()), seed, truth, scores,
                           std::move(scores)});
}

TEST(Summary, AveragesSeedsAndPoolsFolds) {
    ReportInput input = an_input();
    // Seed 1: angry 1 of 2, happy 2 of 2. Seed 2: angry 2 of 2, happy 2 of 2.
    add(input, "P2", "two", "a", 1, 0, {0.7F, 0.2F, 0.1F});
    add(input, "P2", "two", "b", 1, 0, {0.3F, 0.1F, 0.6F});  // right among the corpus's labels
    add(input, "P2", "two", "a", 1, 1, {0.1F, 0.8F, 0.1F});
    add(input, "P2", "two", "b", 1, 1, {0.1F, 0.9F, 0.0F});
    add(input, "P2", "two", "a", 2, 0, {0.7F, 0.2F, 0.1F});
    add(input, "P2", "two", "b", 2, 0, {0.6F, 0.2F, 0.2F});
    add(input, "P2", "two", "a", 2, 1, {0.1F, 0.8F, 0.1F});
    add(input, "P2", "two", "b", 2, 1, {0.1F, 0.8F, 0.1F});
    const Summary summary = summarize(input);
    ASSERT_EQ(summary.figures.size(), 1U);
    const Figures& figures = summary.figures[0];
    EXPECT_EQ(figures.clips, 4U);
    EXPECT_EQ(figures.speakers, 2U);
    EXPECT_EQ(figures.folds, 2U);
    EXPECT_EQ(figures.corpus_labels, 2U);
    EXPECT_EQ(figures.ua.count, 2U);
    EXPECT_DOUBLE_EQ(figures.ua.mean, 0.875);
    EXPECT_NEAR(figures.ua.deviation, 0.25 / std::sqrt(2.0), 1e-12);
    EXPECT_DOUBLE_EQ(figures.corpus_ua.mean, 1.0);
    EXPECT_EQ(figures.fold_ua.count, 4U);
    EXPECT_DOUBLE_EQ(figures.fold_ua.mean, (1.0 + 0.5 + 1.0 + 1.0) / 4);
    EXPECT_EQ(figures.confusion.total(), 8U);
    EXPECT_EQ(figures.confusion.count(0, 2), 1U);
    // Drawn are a, a (UA 1), b, b (0.75 averaged over seeds) or both.
    ASSERT_TRUE(figures.ua_interval.has_value());
    EXPECT_DOUBLE_EQ(figures.ua_interval->low, 0.75);
    EXPECT_DOUBLE_EQ(figures.ua_interval->high, 1.0);
    EXPECT_NEAR(figures.calibrated.brier,
                (0.14 + (0.49 + 0.01 + 0.36) + 0.06 + 0.02 + 0.14 + 0.24 + 0.06 + 0.06) / 8, 1e-6);
}

TEST(Summary, PutsProtocolsInTheirOrderAndLeakyOnesLast) {
    ReportInput input = an_input();
    for (const char* protocol : {"PS", "unknown", "P5 10 dB", "P2", "P1"}) {
        add(input, protocol, "three", "a", 1, 0, {1.0F, 0.0F, 0.0F});
    }
    const Summary summary = summarize(input);
    std::vector<std::string> order;
    for (const Figures& figures : summary.figures) {
        order.push_back(figures.protocol);
        EXPECT_EQ(figures.is_leaky, figures.protocol == "PS");
        EXPECT_EQ(figures.description.empty(), figures.protocol == "unknown");
        EXPECT_FALSE(figures.ua_interval.has_value());  // of a single speaker
        EXPECT_FALSE(figures.confidence_auroc.has_value());
    }
    EXPECT_THAT(order, ElementsAre("P1", "P2", "P5 10 dB", "unknown", "PS"));
}

TEST(Summary, TakesTheThresholdThatIsGiven) {
    ReportInput input = an_input();
    add(input, "P1", "three", "a", 1, 0, {0.9F, 0.1F, 0.0F});
    add(input, "P1", "three", "a", 1, 0, {0.2F, 0.7F, 0.1F});
    add(input, "P1", "three", "a", 1, 0, {0.5F, 0.4F, 0.1F});
    add(input, "P1", "three", "a", 1, 0, {0.4F, 0.3F, 0.3F});
    add(input, "P1", "three", "a", 1, 0, {0.3F, 0.35F, 0.35F});
    const RiskCoveragePoint derived = summarize(input).figures[0].certain;
    EXPECT_DOUBLE_EQ(derived.coverage, 0.8);
    EXPECT_FLOAT_EQ(static_cast<float>(derived.threshold), 0.4F);
    EXPECT_DOUBLE_EQ(derived.risk, 0.25);
    EXPECT_FALSE(summarize(input).is_threshold_given);

    input.uncertain_below = 0.45;
    const RiskCoveragePoint given = summarize(input).figures[0].certain;
    EXPECT_DOUBLE_EQ(given.coverage, 0.6);
    EXPECT_DOUBLE_EQ(given.risk, 1.0 / 3);
    EXPECT_TRUE(summarize(input).is_threshold_given);
}

TEST(Summary, WarnsOfWhatShouldNotBeBelieved) {
    ReportInput input = an_input();
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        add(input, "P1", "three", "a", seed, 0, {0.9F, 0.1F, 0.0F});
        input.predictions.predictions.back().clip = "same";
        add(input, "P1", "three", "a", seed, 1, {0.9F, 0.1F, 0.0F});
        input.predictions.predictions.back().clip = "other";
    }
    EXPECT_THAT(summarize(input).warnings, IsEmpty());

    ReportInput perfect = input;
    for (Prediction& prediction : perfect.predictions.predictions) {
        prediction.truth = 0;
    }
    EXPECT_THAT(summarize(perfect).warnings, ElementsAre(HasSubstr("leak until proven")));
    for (Prediction& prediction : perfect.predictions.predictions) {
        prediction.protocol = "PS";  // that it leaks is known
    }
    EXPECT_THAT(summarize(perfect).warnings, IsEmpty());

    ReportInput uneven = input;
    uneven.predictions.predictions.pop_back();
    EXPECT_THAT(summarize(uneven).warnings, ElementsAre(HasSubstr("not tested on the same clips")));
    uneven.predictions.predictions.pop_back();
    EXPECT_THAT(summarize(uneven).warnings, ElementsAre(HasSubstr("2 seeds")));

    ReportInput twice = input;
    twice.predictions.predictions[1].clip = "same";
    EXPECT_THAT(summarize(twice).warnings, Contains(HasSubstr("more than once")));
}

TEST(Summary, OfNothingIsEmpty) {
    EXPECT_THAT(summarize(an_input()).figures, IsEmpty());
    EXPECT_THAT(summarize(ReportInput{}).warnings, IsEmpty());
}

}  // namespace
}  // namespace emotiond::model
