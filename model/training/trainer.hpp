#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "model/bundle.hpp"
#include "model/training/clip_features.hpp"
#include "model/training/metrics.hpp"

namespace emotiond::model {

/// How the network is trained. Written to the run folder; a run resumes only under equal recipes.
struct Recipe {
    std::uint64_t seed = 1;
    int epochs = 30;
    int batch = 64;
    double learning_rate = 3e-3;
    double weight_decay = 1e-4;
    double label_smoothing = 0.1;
    double mixup = 0.2;  ///< parameter of the Beta distribution; 0 = off
    double dropout = 0.3;
    double clip_gradient = 1.0;    ///< largest norm
    double average_decay = 0.995;  ///< of the moving average of the weights, per step
    int patience = 12;             ///< epochs without a better validation UA before it stops
    int min_crop_rows = 100;
    int max_crop_rows = 300;
    int rows_per_step = 8;
    bool centre_window = true;

    [[nodiscard]] nlohmann::ordered_json to_json() const;
};

/// Told after every epoch.
struct EpochReport {
    int epoch = 0;  ///< from 1
    int epochs = 0;
    double loss = 0.0;
    double validation_ua = 0.0;  ///< mean over corpora
    double best_ua = 0.0;
    double seconds = 0.0;
};

struct TrainerEnvironment {
    std::filesystem::path run_folder;  ///< created; holds recipe.json, log.csv and checkpoints
    std::string device = "auto";
    int threads = 2;
    std::stop_token stop;  ///< ends after the current epoch; the run can be resumed
    /// After each batch: epoch from 1, batches done and in the epoch, loss so far.
    std::function<void(int, std::size_t, std::size_t, double)> on_batch = [](auto...) {};
    std::function<void(const EpochReport&)> on_epoch = [](const EpochReport&) {};
};

/// Trains an LSTM on the clips of all speakers that are in neither set, stops early on the
/// validation speakers and fits the temperature on them. A run that was cut off, by a kill too,
/// goes on from its last epoch and ends with the same weights as if it had not been.
/// Returns a bundle without data, licence and metrics; its tensors are empty where `stop` ended it.
/// Throws std::runtime_error for an impossible split or a run folder of another recipe.
Bundle train(const std::vector<ClipFeatures>& clips, const dsp::FeatureSpec& spec,
             const std::set<std::string>& validation_speakers,
             const std::set<std::string>& test_speakers, const Recipe& recipe,
             const TrainerEnvironment& environment);

/// What a bundle answers to the clips of some speakers, per corpus. The answer to a clip is that of
/// classify_recording.
struct CorpusResult {
    std::string corpus;
    ConfusionMatrix all_labels;     ///< free choice among all labels, as the service has it
    ConfusionMatrix corpus_labels;  ///< choice among the labels that occur in the corpus
};
std::vector<CorpusResult> evaluate(const Bundle& bundle, const std::vector<ClipFeatures>& clips,
                                   const std::set<std::string>& speakers, int threads);

}  // namespace emotiond::model
