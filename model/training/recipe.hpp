#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "model/network_options.hpp"

namespace emotiond::model {

/// All that decides what a training run ends with, beside its data. Written to the run folder; a
/// run resumes only under an equal recipe.
struct Recipe {
    std::uint64_t seed = 1;
    std::vector<std::string> labels;  ///< one per output, in this order
    dsp::FeatureSpec features;
    NetworkOptions network;  ///< its inputs and outputs follow from the above: fit_network()

    int epochs = 60;
    int batch = 16;
    double learning_rate = 1.5e-3;  ///< after a linear warm-up of two epochs; then a cosine to 0
    double weight_decay = 3e-3;     ///< AdamW's
    double label_smoothing = 0.1;
    double clip_gradient = 1.0;    ///< largest norm
    double average_decay = 0.998;  ///< of the moving average of the weights, per step
    int patience = 0;  ///< stop so many epochs after the best validation UA and keep that epoch;
                       ///< 0: train all epochs and keep the last
    bool bfloat16 = false;  ///< mixed precision: twice as fast where the processor has it

    // Augmentation.
    int variants = 2;         ///< augmented versions of each clip, beside itself and two speeds
    int min_crop_rows = 100;  ///< crops of this to max_crop_rows are drawn from the clips
    int max_crop_rows = 300;
    double mixup = 0.2;  ///< parameter of the Beta distribution; 0: off
    double copy_paste =
        0.0;  ///< share of crops that a neutral one of the same speaker is joined to
    int time_mask_rows = 30;  ///< SpecAugment: at most so many rows are blanked; 0: off

    double speech_weight = 0.3;   ///< of the loss of the speech output, where there is one
    double teacher_weight = 0.7;  ///< of the teachers' answers in the targets, where there are any
    double teacher_temperature = 2.0;

    bool operator==(const Recipe&) const = default;

    /// The usual recipe of a kind of network, features included (docs/training.md).
    /// Throws std::invalid_argument for an unknown kind.
    static Recipe of_kind(const std::string& kind);

    [[nodiscard]] nlohmann::ordered_json to_json() const;
    /// Reads what to_json() wrote; members that are missing keep those of the recipe of its
    /// network's kind. Throws std::runtime_error that names what is wrong.
    static Recipe from_json(const nlohmann::ordered_json& json);
    /// From a JSON file; the message names it.
    static Recipe read(const std::filesystem::path& path);
    /// Sets what of the network follows from features and labels. Call it after a change of these.
    void fit_network();
    /// Throws std::runtime_error that names the member, what is allowed and what was got.
    void validate() const;
};

}  // namespace emotiond::model
