#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "dsp/window_stream.hpp"
#include "model/training/corpus.hpp"

namespace emotiond::model {

/// Rows of one recording: [num_rows][num_features].
struct Rows {
    std::vector<float> values;
    std::size_t num_rows = 0;
};

/// A window of the recording as a live stream would cut it, for evaluation.
struct ClipWindow {
    std::size_t first_row = 0;
    std::size_t num_rows = 0;
    float voiced = 0.0F;
};

/// One labelled recording as the trainer sees it.
struct ClipFeatures {
    Clip clip;
    Rows rows;
    std::vector<ClipWindow> windows;  ///< of `rows`, silence left out; never empty
    std::vector<Rows> variants;       ///< augmented: slower, faster, noisy
};

struct LoadedClips {
    std::vector<ClipFeatures> clips;
    std::vector<std::string> problems;  ///< one line for each clip that had to be left out
};

/// Reads every clip and computes its rows and variants. The same clips and seed give the same rows.
/// on_progress(done, all) is called now and then, from the calling thread.
LoadedClips load_clips(const std::vector<Clip>& clips, const dsp::FeatureSpec& spec,
                       const dsp::WindowOptions& window, std::uint64_t seed,
                       const std::function<void(std::size_t, std::size_t)>& on_progress);

}  // namespace emotiond::model
