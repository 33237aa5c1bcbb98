#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "dsp/window_stream.hpp"
#include "model/training/trainer.hpp"

namespace emotiond::daemon {

/// What `emotiond train` and `emotiond evaluate` share.
struct TrainingOptions {
    std::vector<std::filesystem::path> data;  ///< folders that read_corpus knows
    std::filesystem::path out;                ///< run folder
    model::Recipe recipe;
    int num_coeffs = 20;
    int num_mels = 40;
    std::string device = "auto";
    int threads = 2;
};

struct TrainOptions : TrainingOptions {
    std::filesystem::path bundle;   ///< where the bundle goes; empty: <out>/model.safetensors
    std::filesystem::path figures;  ///< results.json of `evaluate`, to be told in the bundle
    std::vector<std::string> test_speakers;
};

struct EvaluateOptions : TrainingOptions {
    std::vector<int> rounds;  ///< from 1; empty: all
};

/// Trains one bundle; progress on stderr. Returns the exit code: 0, or 130 where Ctrl-C ended it
/// after a checkpoint. Throws std::runtime_error.
int train_command(const TrainOptions& options);

/// Measures the recipe by the speaker-independent rounds and writes <out>/results.json; the table
/// goes to stdout. Rounds that <out> holds already are not trained again. As train_command.
int evaluate_command(const EvaluateOptions& options);

}  // namespace emotiond::daemon
