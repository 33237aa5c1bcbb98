#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/training/recipe.hpp"

namespace emotiond::daemon {

/// What `emotiond train` and `emotiond evaluate` share.
struct TrainingOptions {
    std::vector<std::filesystem::path> data;       ///< folders of labelled recordings
    std::vector<std::filesystem::path> test_data;  ///< such folders, never trained on
    std::vector<std::filesystem::path> noise;      ///< folders of recordings without speech
    std::vector<std::filesystem::path> rooms;      ///< folders of room impulse responses
    std::filesystem::path out;                     ///< run folder
    std::filesystem::path cache;                   ///< of features; empty: none
    std::string device = "auto";
    int threads = 2;
    std::string command_line;  ///< for the report

    // The recipe: that of a kind of network or of a file, and what is changed in it.
    std::string network = "crnn";
    std::filesystem::path recipe;
    std::vector<std::string> labels;
    std::optional<std::uint64_t> seed;
    std::optional<int> epochs;
    std::optional<int> batch;
    std::optional<int> variants;
    std::optional<int> patience;
    std::optional<double> learning_rate;
    bool bfloat16 = false;

    /// Throws std::runtime_error that names what is wrong with it.
    [[nodiscard]] model::Recipe make_recipe() const;
};

struct TrainOptions : TrainingOptions {
    std::filesystem::path bundle;   ///< where the bundle goes; empty: <out>/model.safetensors
    std::string name;               ///< of the bundle; empty: that of the network
    std::filesystem::path figures;  ///< results.json of `evaluate`, to be told in the bundle
    std::vector<std::string> test_speakers;
    std::vector<std::filesystem::path> teachers;  ///< bundles to learn from
};

struct EvaluateOptions : TrainingOptions {
    std::vector<std::string> protocols{"P1", "P2"};  ///< P1, P2, P3, P5, PS
    std::vector<std::uint64_t> seeds{1};
    std::vector<std::string> rounds;  ///< names; empty: all
    std::filesystem::path teachers;   ///< run folder of another evaluation; empty: none
};

/// Where features are kept when nothing else is said: $XDG_CACHE_HOME or ~/.cache.
std::filesystem::path default_feature_cache();

}  // namespace emotiond::daemon
