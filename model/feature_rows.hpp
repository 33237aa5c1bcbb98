#pragma once

#include <ostream>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "model/audio_file.hpp"

namespace emotiond::model {

/// The rows of a whole recording, [num_rows][num_features]: those that a live stream of the same
/// samples has, of which each window is a run.
/// Throws std::invalid_argument where the specification is not valid.
std::vector<float> feature_rows(const Recording& recording, const dsp::FeatureSpec& spec);

/// A line with the features' names, then a line a row, with all digits that a float32 has.
void write_rows_as_csv(std::ostream& out, const dsp::FeatureSpec& spec,
                       const std::vector<float>& rows);

/// NumPy's format 1.0, float32: numpy.load() gives an array of [num_rows, num_features].
/// Source: numpy.lib.format.
void write_rows_as_npy(std::ostream& out, const dsp::FeatureSpec& spec,
                       const std::vector<float>& rows);

}  // namespace emotiond::model
