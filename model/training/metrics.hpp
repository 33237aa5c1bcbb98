#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace emotiond::model {

/// counts[truth][answer], and what is read off it.
class ConfusionMatrix {
 public:
    explicit ConfusionMatrix(std::size_t num_labels);

    void add(std::size_t truth, std::size_t answer);
    void add(const ConfusionMatrix& other);

    [[nodiscard]] std::size_t num_labels() const { return num_labels_; }
    [[nodiscard]] std::size_t count(std::size_t truth, std::size_t answer) const;
    [[nodiscard]] std::size_t total() const;
    /// Clips of this label: the sum of its row.
    [[nodiscard]] std::size_t truths(std::size_t label) const;
    /// Of the clips of this label, the share that was heard as it; 0 where there are none.
    [[nodiscard]] double recall(std::size_t label) const;
    /// Of the clips heard as this label, the share that is of it; 0 where there are none.
    [[nodiscard]] double precision(std::size_t label) const;
    /// Harmonic mean of precision and recall; 0 where both are.
    [[nodiscard]] double f1(std::size_t label) const;
    /// UA, balanced accuracy: the mean recall of the labels that occur.
    [[nodiscard]] double unweighted_accuracy() const;
    /// WA, accuracy.
    [[nodiscard]] double weighted_accuracy() const;
    /// Mean F1 of the labels that occur.
    [[nodiscard]] double macro_f1() const;

    /// UA, WA, macro F1, and per label that occurs precision, recall, F1 and its row of counts.
    [[nodiscard]] nlohmann::ordered_json to_json(const std::vector<std::string>& labels) const;

 private:
    template <typename Figure>
    [[nodiscard]] double mean_over_labels(Figure&& figure) const;

    std::size_t num_labels_;
    std::vector<std::size_t> counts_;
};

/// The scores of one clip and what it is.
struct ScoredClip {
    std::span<const float> scores;  ///< [num_labels], they sum to 1
    std::size_t truth = 0;
};

/// Negative log-likelihood: the mean of -ln(score of the truth), in nats. A score below 1e-12
/// counts as 1e-12. 0 for no clips.
double negative_log_likelihood(std::span<const ScoredClip> clips);

/// Brier score of several classes, 0 to 2: the mean of sum_k (score_k - [k is the truth])^2.
/// 0 for no clips.
/// Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
double brier_score(std::span<const ScoredClip> clips);

/// One answer: the score of the label that was chosen, and whether it was right.
struct Answer {
    double confidence = 0.0;
    bool right = false;
};

/// The label of the largest score is the answer; of equal ones the first.
Answer answer_to(const ScoredClip& clip);

/// The answers whose confidence lies in (low, high]; confidence 0 belongs to the first bin.
struct ReliabilityBin {
    double low = 0.0;
    double high = 0.0;
    std::size_t count = 0;
    double confidence = 0.0;  ///< mean; 0 in an empty bin
    double accuracy = 0.0;    ///< share of right answers; 0 in an empty bin
};

/// Bins of equal width over 0 to 1, all of them, also the empty ones.
/// Source: Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks", eq. 2.
std::vector<ReliabilityBin> reliability_bins(std::span<const Answer> answers,
                                             std::size_t num_bins = 15);

/// ECE: the mean over answers of |accuracy - confidence| of their bin. 0 for no answers.
/// Source: Guo et al. 2017, eq. 3.
double expected_calibration_error(std::span<const ReliabilityBin> bins);

/// What happens where only answers of at least `threshold` are given.
struct RiskCoveragePoint {
    double threshold = 0.0;
    double coverage = 0.0;  ///< share of clips that are answered
    double risk = 0.0;      ///< share of wrong answers among them
};

/// One point for each confidence that occurs, coverage rising to 1: answers of equal confidence
/// cannot be told apart, so they come together.
/// Source: El-Yaniv & Wiener 2010, "On the foundations of noise-free selective classification".
std::vector<RiskCoveragePoint> risk_coverage_curve(std::span<const Answer> answers);

/// AURC: the mean over clips of the risk at the coverage that just includes the clip; less is
/// better. 0 for an empty curve.
/// Source: Geifman, Uziel & El-Yaniv 2019, "Bias-reduced uncertainty estimation for deep neural
/// classifiers", section 2.
double area_under_risk_coverage(std::span<const RiskCoveragePoint> curve);

/// The point of the largest coverage whose risk is at most `risk`; nothing where none is so low.
/// This is the empirical risk: on other clips it may be higher.
std::optional<RiskCoveragePoint> point_at_risk(std::span<const RiskCoveragePoint> curve,
                                               double risk);

/// The point of the least coverage that is at least `coverage`; nothing where none is.
std::optional<RiskCoveragePoint> point_at_coverage(std::span<const RiskCoveragePoint> curve,
                                                   double coverage);

/// Coverage and risk where answers below `threshold` are withheld; coverage and risk 0 where all
/// are.
RiskCoveragePoint point_at_threshold(std::span<const Answer> answers, double threshold);

/// The probability that a positive scores higher than a negative, equal scores counting one half.
/// Nothing where either is missing.
/// Source: Mann & Whitney 1947; Hanley & McNeil 1982, "The meaning and use of the area under a
/// receiver operating characteristic (ROC) curve".
std::optional<double> auroc(std::span<const double> positives, std::span<const double> negatives);

struct MeanDeviation {
    double mean = 0.0;
    double deviation = 0.0;  ///< of the sample (n - 1); 0 for fewer than two values
    std::size_t count = 0;
};
MeanDeviation mean_deviation(std::span<const double> values);

struct Interval {
    double low = 0.0;
    double high = 0.0;
};

struct BootstrapOptions {
    std::size_t draws = 1000;
    double confidence = 0.95;
    std::uint64_t seed = 1;
};

/// Percentile interval of a statistic when whole groups are drawn with replacement, as many as
/// there are: clips of one speaker resemble each other, so the speakers are what was sampled.
/// groups: that of each sample. statistic: of the samples with these indices; those of a group that
/// was drawn twice are there twice. Percentiles are interpolated linearly.
/// The same arguments give the same interval on every machine. Nothing for fewer than two groups.
/// Source: Efron & Tibshirani 1993, "An introduction to the bootstrap", chapter 13; over groups:
/// Davison & Hinkley 1997, "Bootstrap methods and their application", section 3.8.
std::optional<Interval> bootstrap_interval(
    std::span<const std::string> groups,
    const std::function<double(std::span<const std::size_t>)>& statistic,
    const BootstrapOptions& options = {});

}  // namespace emotiond::model
