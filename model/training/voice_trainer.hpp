#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "dsp/voice_detector.hpp"
#include "model/training/voice_scenes.hpp"

namespace emotiond::model {

struct VoiceRecipe {
    std::size_t units = 32;
    std::size_t scenes = 900;
    double scene_seconds = 20.0;
    std::size_t steps = 1500;
    std::size_t batch = 24;     ///< crops in a step
    double crop_seconds = 8.0;  ///< long enough to learn how loud the voice was before
    double learning_rate = 6e-3;
    std::uint64_t seed = 1;
    int threads = 2;
};

/// Feature rows of scenes, and which are speech.
struct VoiceRows {
    std::vector<float> values;         ///< [scenes][rows][num_features]
    std::vector<std::uint8_t> speech;  ///< [scenes][rows]
    std::size_t rows_per_scene = 0;
    std::size_t num_features = 0;
    double rows_per_second = 0.0;
    std::set<std::string> problems;  ///< a line for each recording of speech that was left out
};

/// Told now and then: what is done, how far, of how much, and the loss so far (0 while scenes are
/// drawn).
using VoiceProgress =
    std::function<void(const char* what, std::size_t done, std::size_t all, double loss)>;

/// Draws scenes and computes their rows. The same material, specification, number and seed give the
/// same rows, whatever the number of threads. Throws as draw_scene() does.
VoiceRows draw_voice_rows(const SceneMaterial& material, const dsp::FeatureSpec& spec,
                          const VoiceRecipe& recipe, std::size_t scenes, std::uint64_t seed,
                          const VoiceProgress& on_progress);

/// Trains a detector on crops of the rows. The same rows and recipe give the same weights on the
/// same machine.
dsp::VoiceDetector::Weights train_voice(const VoiceRows& rows, const VoiceRecipe& recipe,
                                        const VoiceProgress& on_progress);

/// The detector's probabilities for each scene, heard from its beginning: [scenes][rows].
std::vector<float> detect_voice(const VoiceRows& rows, const dsp::VoiceDetector::Weights& weights);

}  // namespace emotiond::model
