#include "model/training/metrics.hpp"

#include <cmath>
#include <numeric>

namespace emotiond::model {

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
    const std::size_t all = truths(label);
    return all == 0 ? 0.0 : static_cast<double>(count(label, label)) / static_cast<double>(all);
}

double ConfusionMatrix::precision(std::size_t label) const {
    std::size_t answers = 0;
    for (std::size_t truth = 0; truth < num_labels_; ++truth) {
        answers += count(truth, label);
    }
    return answers == 0 ? 0.0
                        : static_cast<double>(count(label, label)) / static_cast<double>(answers);
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
    const std::size_t all = total();
    return all == 0 ? 0.0 : static_cast<double>(right) / static_cast<double>(all);
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

}  // namespace emotiond::model
