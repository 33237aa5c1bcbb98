#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace emotiond::model {

/// counts[truth][answer], and what is read off it.
class ConfusionMatrix {
 public:
    explicit ConfusionMatrix(std::size_t num_labels);

    void add(std::size_t truth, std::size_t answer);
    void add(const ConfusionMatrix& other);

    [[nodiscard]] std::size_t count(std::size_t truth, std::size_t answer) const;
    [[nodiscard]] std::size_t total() const;
    /// UA, balanced accuracy: the mean recall of the labels that occur.
    [[nodiscard]] double unweighted_accuracy() const;
    /// WA, accuracy.
    [[nodiscard]] double weighted_accuracy() const;
    /// Mean F1 of the labels that occur.
    [[nodiscard]] double macro_f1() const;

    /// UA, WA, macro F1, and per label that occurs precision, recall, F1 and its row of counts.
    [[nodiscard]] nlohmann::ordered_json to_json(const std::vector<std::string>& labels) const;

 private:
    [[nodiscard]] std::size_t truths(std::size_t label) const;
    [[nodiscard]] double recall(std::size_t label) const;
    [[nodiscard]] double precision(std::size_t label) const;
    [[nodiscard]] double f1(std::size_t label) const;
    template <typename Figure>
    [[nodiscard]] double mean_over_labels(Figure&& figure) const;

    std::size_t num_labels_;
    std::vector<std::size_t> counts_;
};

}  // namespace emotiond::model
