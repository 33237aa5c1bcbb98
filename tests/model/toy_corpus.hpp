#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/training/clip_features.hpp"
#include "model/training/recipe.hpp"
#include "tests/model/scratch.hpp"

/// Recordings that a small network can learn within seconds.
namespace emotiond::test {

inline constexpr std::size_t kNeutral = 0;
inline constexpr std::size_t kAngry = 1;

/// Noise that comes and goes: "neutral" has slow syllables, "angry" fast ones.
inline std::vector<float> toy_voice(std::size_t label, std::size_t size, unsigned seed) {
    std::vector<float> samples = coloured_noise(size, 0.5F, seed);
    const std::size_t syllable = label == kAngry ? 1600 : 6400;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        samples[i] *= (i / syllable) % 2 == 0 ? 1.0F : 0.01F;
    }
    return samples;
}

/// Writes six takes of each emotion by each of the speakers, 1.5 s long.
inline std::vector<model::Clip> toy_clips(const std::filesystem::path& folder,
                                          const std::vector<std::string>& speakers) {
    std::vector<model::Clip> clips;
    unsigned seed = 0;
    for (const std::string& speaker : speakers) {
        for (int take = 0; take < 6; ++take) {
            for (const std::size_t label : {kNeutral, kAngry}) {
                const auto path = folder / (std::to_string(++seed) + ".wav");
                write_wav(path, toy_voice(label, 24000, seed));
                clips.push_back({path, "corpus", speaker, label});
            }
        }
    }
    return clips;
}

/// Small, and nothing drawn at random but the crops.
inline model::Recipe toy_recipe(const std::string& kind) {
    model::Recipe recipe = model::Recipe::of_kind(kind);
    recipe.labels = {"neutral", "angry"};
    recipe.features = {};
    recipe.features.num_coeffs = 8;
    recipe.features.num_mels = 20;
    recipe.features.append_log_energy = true;
    recipe.network.channels = 8;
    recipe.network.layers = 1;
    recipe.network.hidden = 16;
    recipe.network.dense = 16;
    recipe.fit_network();
    recipe.epochs = 8;
    recipe.batch = 8;
    recipe.min_crop_rows = 100;
    recipe.max_crop_rows = 140;
    recipe.variants = 0;
    recipe.mixup = 0.0;
    recipe.time_mask_rows = 0;
    return recipe;
}

}  // namespace emotiond::test
