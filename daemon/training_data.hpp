#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/progress_line.hpp"
#include "daemon/training_options.hpp"
#include "model/training/augmentation_bank.hpp"
#include "model/training/clip_features.hpp"

namespace emotiond::daemon {

/// What is trained and tested on, features computed.
struct TrainingData {
    std::vector<model::Corpus> corpora;
    std::set<std::string> test_only;                ///< names of corpora
    std::vector<model::ClipFeatures> clips;         ///< the recordings without speech last
    model::AugmentationBank training_noise{16000};  ///< and rooms
    model::AugmentationBank test_noise{16000};      ///< of other sources
    std::string licence;                            ///< of weights that learn from all of this
    std::vector<std::string> sources;               ///< "emodb (CC0-1.0)"
};

/// Reads the corpora and computes or fetches the features of all clips. Whatever is left out is
/// told, by name. Throws std::runtime_error.
TrainingData load_training_data(const TrainingOptions& options, const model::Recipe& recipe,
                                ProgressLine& line);

/// The clips of the corpora once more, degraded: features for tests only.
std::vector<model::ClipFeatures> load_degraded(const TrainingData& data,
                                               const TrainingOptions& options,
                                               const model::Recipe& recipe, const std::string& name,
                                               const model::Degrade& degrade, ProgressLine& line);

/// Is this recording without speech, told by where it comes from, for tests? One source in five is.
bool is_test_source(const std::string& speaker);

/// All audio files below the folders.
std::vector<std::filesystem::path> files_in(const std::vector<std::filesystem::path>& folders);

/// Those of the files whose source is for tests, or those whose source is not.
std::vector<std::filesystem::path> of_sources(const std::vector<std::filesystem::path>& files,
                                              bool for_tests);

}  // namespace emotiond::daemon
