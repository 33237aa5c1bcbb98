#pragma once

#include "daemon/training_options.hpp"

namespace emotiond::daemon {

/// Trains one bundle; progress on stderr. Returns the exit code: 0, or 130 where Ctrl-C ended it
/// after a checkpoint. Throws std::runtime_error.
int train_command(const TrainOptions& options);

/// Measures the recipe by the protocols of docs/evaluation.md. Writes predictions.csv, results.json
/// and report.html to <out>; the tables go to stdout. Rounds that <out> holds already are not
/// trained again. As train_command.
int evaluate_command(const EvaluateOptions& options);

}  // namespace emotiond::daemon
