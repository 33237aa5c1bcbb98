#include "model/training/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

namespace emotiond::model {
namespace {

double share(std::size_t part, std::size_t all) {
    return all == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(all);
}

/// sorted: ascending, not empty. quantile: 0 to 1.
double percentile(const std::vector<double>& sorted, double quantile) {
    const double position = quantile * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] +
           (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(std::size_t num_labels)
    : num_labels_(num_labels), counts_(num_labels * num_labels) {}

void ConfusionMatrix::add(std::size_t truth, std::size_t answer) {
    ++counts_[truth * num_labels_ + answer];
}

void ConfusionMatrix::add(const ConfusionMatrix& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        counts_[i] += other.counts_[i];
    }
}

std::size_t ConfusionMatrix::count(std::size_t truth, std::size_t answer) const {
    return counts_[truth * num_labels_ + answer];
}

std::size_t ConfusionMatrix::total() const {
    return std::accumulate(counts_.begin(), counts_.end(), std::size_t{0});
}

std::size_t ConfusionMatrix::truths(std::size_t label) const {
    std::size_t sum = 0;
    for (std::size_t answer = 0; answer < num_labels_; ++answer) {
        sum += count(label, answer);
    }
    return sum;
}

double ConfusionMatrix::recall(std::size_t label) const {
    return share(count(label, label), truths(label));
}

double ConfusionMatrix::precision(std::size_t label) const {
    std::size_t answers = 0;
    for (std::size_t truth = 0; truth < num_labels_; ++truth) {
        answers += count(truth, label);
    }
    return share(count(label, label), answers);
}

double ConfusionMatrix::f1(std::size_t label) const {
    const double sum = precision(label) + recall(label);
    return sum == 0.0 ? 0.0 : 2.0 * precision(label) * recall(label) / sum;
}

template <typename Figure>
double ConfusionMatrix::mean_over_labels(Figure&& figure) const {
    double sum = 0.0;
    std::size_t occurring = 0;
    for (std::size_t label = 0; label < num_labels_; ++label) {
        if (truths(label) > 0) {
            sum += figure(label);
            ++occurring;
        }
    }
    return occurring == 0 ? 0.0 : sum / static_cast<double>(occurring);
}

double ConfusionMatrix::unweighted_accuracy() const {
    return mean_over_labels([this](std::size_t label) { return recall(label); });
}

double ConfusionMatrix::macro_f1() const {
    return mean_over_labels([this](std::size_t label) { return f1(label); });
}

double ConfusionMatrix::weighted_accuracy() const {
    std::size_t right = 0;
    for (std::size_t label = 0; label < num_labels_; ++label) {
        right += count(label, label);
    }
    return share(right, total());
}

nlohmann::ordered_json ConfusionMatrix::to_json(const std::vector<std::string>& labels) const {
    const auto rounded = [](double value) { return std::round(value * 1e4) / 1e4; };
    nlohmann::ordered_json json{{"clips", total()},
                                {"ua", rounded(unweighted_accuracy())},
                                {"wa", rounded(weighted_accuracy())},
                                {"macro_f1", rounded(macro_f1())}};
    for (std::size_t label = 0; label < num_labels_; ++label) {
        if (truths(label) == 0) {
            continue;
        }
        nlohmann::ordered_json row;
        for (std::size_t answer = 0; answer < num_labels_; ++answer) {
            row[labels[answer]] = count(label, answer);
        }
        json["labels"][labels[label]] = {{"precision", rounded(precision(label))},
                                         {"recall", rounded(recall(label))},
                                         {"f1", rounded(f1(label))},
                                         {"answers", row}};
    }
    return json;
}

double negative_log_likelihood(std::span<const ScoredClip> clips) {
    double sum = 0.0;
    for (const ScoredClip& clip : clips) {
        sum -= std::log(std::max(static_cast<double>(clip.scores[clip.truth]), 1e-12));
    }
    return clips.empty() ? 0.0 : sum / static_cast<double>(clips.size());
}

double brier_score(std::span<const ScoredClip> clips) {
    double sum = 0.0;
    for (const ScoredClip& clip : clips) {
        for (std::size_t label = 0; label < clip.scores.size(); ++label) {
            const double error =
                static_cast<double>(clip.scores[label]) - (label == clip.truth ? 1.0 : 0.0);
            sum += error * error;
        }
    }
    return clips.empty() ? 0.0 : sum / static_cast<double>(clips.size());
}

Answer answer_to(const ScoredClip& clip) {
    const auto best = std::ranges::max_element(clip.scores);
    return {static_cast<double>(*best),
            static_cast<std::size_t>(best - clip.scores.begin()) == clip.truth};
}

std::vector<ReliabilityBin> reliability_bins(std::span<const Answer> answers,
                                             std::size_t num_bins) {
    std::vector<ReliabilityBin> bins(num_bins);
    for (std::size_t i = 0; i < num_bins; ++i) {
        bins[i].low = share(i, num_bins);
        bins[i].high = share(i + 1, num_bins);
    }
    for (const Answer& answer : answers) {
        const double place = std::ceil(answer.confidence * static_cast<double>(num_bins)) - 1.0;
        ReliabilityBin& bin = bins[static_cast<std::size_t>(
            std::clamp(place, 0.0, static_cast<double>(num_bins - 1)))];
        ++bin.count;
        bin.confidence += answer.confidence;
        bin.accuracy += answer.right ? 1.0 : 0.0;
    }
    for (ReliabilityBin& bin : bins) {
        if (bin.count > 0) {
            bin.confidence /= static_cast<double>(bin.count);
            bin.accuracy /= static_cast<double>(bin.count);
        }
    }
    return bins;
}

double expected_calibration_error(std::span<const ReliabilityBin> bins) {
    double sum = 0.0;
    std::size_t answers = 0;
    for (const ReliabilityBin& bin : bins) {
        sum += static_cast<double>(bin.count) * std::abs(bin.accuracy - bin.confidence);
        answers += bin.count;
    }
    return answers == 0 ? 0.0 : sum / static_cast<double>(answers);
}

std::vector<RiskCoveragePoint> risk_coverage_curve(std::span<const Answer> answers) {
    std::vector<Answer> sorted(answers.begin(), answers.end());
    std::ranges::sort(sorted, std::ranges::greater{}, &Answer::confidence);
    std::vector<RiskCoveragePoint> curve;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        wrong += sorted[i].right ? 0 : 1;
        if (i + 1 == sorted.size() || sorted[i + 1].confidence < sorted[i].confidence) {
            curve.push_back(
                {sorted[i].confidence, share(i + 1, sorted.size()), share(wrong, i + 1)});
        }
    }
    return curve;
}

double area_under_risk_coverage(std::span<const RiskCoveragePoint> curve) {
    double area = 0.0;
    double covered = 0.0;
    for (const RiskCoveragePoint& point : curve) {
        area += (point.coverage - covered) * point.risk;
        covered = point.coverage;
    }
    return area;
}

std::optional<RiskCoveragePoint> point_at_risk(std::span<const RiskCoveragePoint> curve,
                                               double risk) {
    const auto found = std::find_if(curve.rbegin(), curve.rend(),
                                    [=](const auto& point) { return point.risk <= risk; });
    return found == curve.rend() ? std::nullopt : std::optional(*found);
}

std::optional<RiskCoveragePoint> point_at_coverage(std::span<const RiskCoveragePoint> curve,
                                                   double coverage) {
    const auto found = std::ranges::lower_bound(curve, coverage, {}, &RiskCoveragePoint::coverage);
    return found == curve.end() ? std::nullopt : std::optional(*found);
}

RiskCoveragePoint point_at_threshold(std::span<const Answer> answers, double threshold) {
    std::size_t given = 0;
    std::size_t wrong = 0;
    for (const Answer& answer : answers) {
        if (answer.confidence >= threshold) {
            ++given;
            wrong += answer.right ? 0 : 1;
        }
    }
    return {threshold, share(given, answers.size()), share(wrong, given)};
}

std::optional<double> auroc(std::span<const double> positives, std::span<const double> negatives) {
    if (positives.empty() || negatives.empty()) {
        return std::nullopt;
    }
    std::vector<double> sorted(negatives.begin(), negatives.end());
    std::ranges::sort(sorted);
    double won = 0.0;
    for (const double positive : positives) {
        const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), positive);
        won +=
            static_cast<double>(first - sorted.begin()) + 0.5 * static_cast<double>(last - first);
    }
    return won / (static_cast<double>(positives.size()) * static_cast<double>(negatives.size()));
}

MeanDeviation mean_deviation(std::span<const double> values) {
    MeanDeviation result;
    result.count = values.size();
    if (values.empty()) {
        return result;
    }
    const auto count = static_cast<double>(values.size());
    result.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
    if (values.size() > 1) {
        double sum = 0.0;
        for (const double value : values) {
            sum += (value - result.mean) * (value - result.mean);
        }
        result.deviation = std::sqrt(sum / (count - 1.0));
    }
    return result;
}

std::optional<Interval> bootstrap_interval(
    std::span<const std::string> groups,
    const std::function<double(std::span<const std::size_t>)>& statistic,
    const BootstrapOptions& options) {
    std::map<std::string, std::vector<std::size_t>> by_name;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        by_name[groups[i]].push_back(i);
    }
    if (by_name.size() < 2 || options.draws == 0) {
        return std::nullopt;
    }
    std::vector<const std::vector<std::size_t>*> members;
    members.reserve(by_name.size());
    for (const auto& [name, indices] : by_name) {
        members.push_back(&indices);
    }
    std::mt19937_64 random(options.seed);
    std::vector<double> values;
    std::vector<std::size_t> drawn;
    for (std::size_t draw = 0; draw < options.draws; ++draw) {
        drawn.clear();
        for (std::size_t i = 0; i < members.size(); ++i) {
            // std::uniform_int_distribution differs between standard libraries; a remainder of 64
            // bits is even enough.
            const std::vector<std::size_t>& group = *members[random() % members.size()];
            drawn.insert(drawn.end(), group.begin(), group.end());
        }
        values.push_back(statistic(drawn));
    }
    std::ranges::sort(values);
    const double tail = (1.0 - options.confidence) / 2.0;
    return Interval{percentile(values, tail), percentile(values, 1.0 - tail)};
}

}  // namespace emotiond::model
