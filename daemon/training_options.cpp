#include "daemon/training_options.hpp"

#include <cstdlib>

namespace emotiond::daemon {

model::Recipe TrainingOptions::make_recipe() const {
    model::Recipe made =
        recipe.empty() ? model::Recipe::of_kind(network) : model::Recipe::read(recipe);
    made.labels = labels.empty() ? made.labels : labels;
    made.seed = seed.value_or(made.seed);
    made.epochs = epochs.value_or(made.epochs);
    made.batch = batch.value_or(made.batch);
    made.variants = variants.value_or(made.variants);
    made.patience = patience.value_or(made.patience);
    made.learning_rate = learning_rate.value_or(made.learning_rate);
    made.bfloat16 |= bfloat16;
    made.network.speech_output = !noise.empty();
    made.fit_network();
    made.validate();
    return made;
}

std::filesystem::path default_feature_cache() {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    if (cache != nullptr && *cache != '\0') {
        return std::filesystem::path(cache) / "emotiond";
    }
    const char* home = std::getenv("HOME");
    return std::filesystem::path(home == nullptr ? "/tmp" : home) / ".cache" / "emotiond";
}

}  // namespace emotiond::daemon
