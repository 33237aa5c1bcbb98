#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace emotiond::model {

/// What one trained network said to one clip that was held out from it.
struct Prediction {
    std::string protocol;  ///< "P1"
    std::string fold;
    std::string corpus;
    std::string speaker;
    std::string clip;  ///< its path or name
    std::uint64_t seed = 0;
    std::size_t truth = 0;            ///< index into the labels
    std::vector<float> scores;        ///< [num_labels], calibrated probabilities
    std::vector<float> uncalibrated;  ///< [num_labels], before temperature scaling
};

/// All that a report needs to know of what was answered.
struct PredictionSet {
    std::vector<std::string> labels;
    std::map<std::string, std::vector<std::size_t>> corpus_labels;  ///< those a corpus has
    std::vector<Prediction> predictions;
};

/// Writes one row a clip: protocol, fold, corpus, speaker, clip, seed, the labels the corpus has
/// (separated by |), the truth, then for each label `score <label>` and `uncalibrated <label>`.
/// Scores are written so that reading gives the same bits.
/// Throws std::runtime_error where the file cannot be written, std::invalid_argument for a set that
/// could not be read again: other counts of scores than of labels, a truth that its corpus does not
/// have, a name with a line break.
void write_predictions(const PredictionSet& set, const std::filesystem::path& path);

/// Reads what write_predictions wrote.
/// Throws std::runtime_error with file and line for what cannot be used: missing columns, labels
/// that are not known, scores that are no probabilities.
PredictionSet read_predictions(const std::filesystem::path& path);

}  // namespace emotiond::model
