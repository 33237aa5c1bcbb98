#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "dsp/voice_detector.hpp"

namespace emotiond::model {

/// One parameter of a network.
struct Tensor {
    std::vector<std::int64_t> shape;
    std::vector<float> values;  ///< row-major; their number is the product of the shape
};

/// Tells speech from other sounds, row by row, before anything is classified.
struct VoiceModel {                       // NOLINT(bugprone-exception-escape): of JSON's own move
    dsp::VoiceDetector::Weights weights;  ///< for rows of Bundle::features
    std::vector<std::string> training_data;
    nlohmann::ordered_json metrics;  ///< measured figures, and who was held out
};

/// All that a classifier is, in one file: what it hears, what it says, its weights, where it comes
/// from. The file is in the safetensors format: a JSON header, then the tensors as little-endian
/// float32, with a SHA-256 over everything else. It holds no code but where a TorchScript module
/// was put in (kind "torchscript"), which is run only for who says that it is trusted.
struct Bundle {  // NOLINT(bugprone-exception-escape): of JSON's own move
    /// Versions of the manifest below: 3 has a voice detector, 2 has none. A file of another
    /// version is refused.
    static constexpr int kFormatVersion = 3;
    static constexpr int kFormatVersionWithoutVoice = 2;

    std::string name;                 ///< what people call it, for example "lstm"
    std::vector<std::string> labels;  ///< one per output of the network
    dsp::FeatureSpec features;
    nlohmann::ordered_json network;  ///< kind and sizes; read by the network itself
    float temperature = 1.0F;        ///< logits are divided by it before the softmax
    /// Answers whose highest score is below are marked uncertain; 0: none is.
    float uncertain_below = 0.0F;
    std::vector<std::string> training_data;
    std::string licence;             ///< of the weights
    nlohmann::ordered_json metrics;  ///< measured figures, with protocol and command
    std::map<std::string, Tensor> tensors;
    std::optional<VoiceModel> voice;
    std::string torchscript;  ///< bytes of a TorchScript module; empty: a network of ours

    /// Name and the head of the digest of the content: "lstm-1f9c03aa". Set by load() and save().
    std::string id;

    /// Null where there is no detector.
    [[nodiscard]] const dsp::VoiceDetector::Weights* voice_weights() const {
        return voice ? &voice->weights : nullptr;
    }

    /// Values of all tensors of the network; of batch normalisation's running statistics too.
    [[nodiscard]] std::size_t num_parameters() const;

    /// Throws std::runtime_error that says what is out of order: labels, temperature,
    /// uncertain_below, voice detector.
    void validate() const;

    /// Throws std::runtime_error that names the file and what is wrong with it: not a bundle,
    /// truncated, damaged, of another format version, with features this build cannot compute.
    static Bundle load(const std::filesystem::path& path);

    /// Written beside and renamed, so that a reader never sees half a file. Throws
    /// std::runtime_error.
    void save(const std::filesystem::path& path);
};

}  // namespace emotiond::model
