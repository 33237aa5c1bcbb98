#pragma once

#include <memory>
#include <optional>

#include "dsp/feature_spec.hpp"
#include "dsp/frame_features.hpp"
#include "dsp/voice_detector.hpp"

namespace emotiond::dsp {

/// What rows are computed with and voice is heard with: tables, and room to work in. Of many
/// channels each keeps only what it has heard, and what they share stays in the cache.
struct RowAnalysis {
    /// weights: of a detector that was trained on such rows; null: none.
    /// Throws std::invalid_argument for a specification or a detector that is not valid.
    explicit RowAnalysis(const FeatureSpec& spec, const VoiceDetector::Weights* weights = nullptr);

    std::shared_ptr<FrameFeatures> frames;  ///< whose users one thread at a time may run
    std::optional<VoiceDetector> voice;     ///< that has heard nothing, to be copied
};

}  // namespace emotiond::dsp
