#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "dsp/window_stream.hpp"
#include "model/audio_file.hpp"
#include "model/classifier.hpp"
#include "model/judgement.hpp"

namespace emotiond::model {

/// Below this share of rows with speech a window is silence and is not classified.
inline constexpr float kDefaultMinVoiced = 0.15F;

/// What one window of a recording expresses.
struct TimelineEntry {
    std::chrono::milliseconds start{};
    std::chrono::milliseconds end{};
    float level_dbfs = 0.0F;
    float voiced = 0.0F;
    std::size_t num_rows = 0;
    Scores scores;        ///< empty: silence
    float speech = 1.0F;  ///< probability that this is speech
};

struct Timeline {
    std::vector<TimelineEntry> entries;
    Scores verdict;  ///< mean of the scores, weighted by voiced rows; empty: no speech in it
};

/// The mean of `entries` that becomes Timeline::verdict: of those that are speech, and of these the
/// longest. The windows that a stream begins with, before it has filled one, hear too little to be
/// held against those that hear all. Empty where none is speech.
Scores overall_scores(std::span<const TimelineEntry> entries);

/// Index of the largest score.
std::size_t best_label(const Scores& scores);

/// A whole recording, through the same windows that a live stream has.
Timeline classify_recording(Classifier& classifier, const Recording& recording,
                            const dsp::WindowOptions& options,
                            float min_voiced = kDefaultMinVoiced);

}  // namespace emotiond::model
