#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "model/bundle.hpp"
#include "model/training/clip_features.hpp"
#include "model/training/recipe.hpp"
#include "model/training/speaker_split.hpp"

namespace emotiond::model {

/// Told after every epoch.
struct EpochReport {
    int epoch = 0;  ///< from 1
    int epochs = 0;
    double loss = 0.0;
    double validation_ua = 0.0;  ///< mean over corpora; 0 where there are no validation clips
    double best_ua = 0.0;
    double seconds = 0.0;
};

struct TrainerEnvironment {
    std::filesystem::path run_folder;  ///< created; recipe.json, log.csv, log.jsonl, last.pt
    std::string device = "auto";
    int threads = 2;
    std::stop_token stop;  ///< ends after the current epoch; the run can be resumed
    /// Bundles whose mean answer the network learns beside the labels (distillation); their
    /// features and labels must be those of the recipe.
    std::vector<Bundle> teachers;
    /// After each batch: epoch from 1, batches done and in the epoch, loss so far.
    std::function<void(int, std::size_t, std::size_t, double)> on_batch = [](auto...) {};
    std::function<void(const EpochReport&)> on_epoch = [](const EpochReport&) {};
};

/// Trains a network on the clips whose role is Train, follows it on those of Validation and fits
/// the temperature on them. A run that was cut off, by a kill too, goes on from its last epoch and
/// ends with the same weights as if it had not been.
/// roles: one per clip. Returns a bundle without data, licence and metrics; its tensors are empty
/// where `stop` ended it.
/// Throws std::runtime_error for roles that leave nothing to train on, early stopping or
/// without validation clips, teachers that do not fit, a run folder of another run.
Bundle train(const std::vector<ClipFeatures>& clips, std::span<const Role> roles,
             const Recipe& recipe, const TrainerEnvironment& environment);

/// What a bundle answers to one clip: the verdict of classify_recording. A clip in which that hears
/// no speech at all is judged nonetheless, by all its windows.
struct ClipAnswer {
    std::vector<float> scores;        ///< [num_labels], calibrated
    std::vector<float> uncalibrated;  ///< [num_labels], at temperature 1
    float speech = 1.0F;              ///< probability; 1 where the network does not tell
};
/// clips: any, of the bundle's features. One answer each.
std::vector<ClipAnswer> answer_clips(const Bundle& bundle,
                                     std::span<const ClipFeatures* const> clips, int threads);

/// "2.6.0", of the libtorch that this was built with.
std::string libtorch_version();

}  // namespace emotiond::model
