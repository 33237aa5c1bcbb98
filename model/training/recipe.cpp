#include "model/training/recipe.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <type_traits>

#include "model/feature_spec_json.hpp"
#include "model/labels.hpp"

namespace emotiond::model {
namespace {

using nlohmann::ordered_json;

/// Calls visit(name, member, least, most) for each number.
template <typename Options, typename Visit>
void for_each_number(Options& recipe, Visit&& visit) {
    visit("epochs", recipe.epochs, 1, 100000);
    visit("batch", recipe.batch, 2, 65536);
    visit("learning_rate", recipe.learning_rate, 1e-7, 1.0);
    visit("weight_decay", recipe.weight_decay, 0.0, 1.0);
    visit("label_smoothing", recipe.label_smoothing, 0.0, 0.9);
    visit("clip_gradient", recipe.clip_gradient, 1e-3, 1e6);
    visit("average_decay", recipe.average_decay, 0.0, 0.999999);
    visit("patience", recipe.patience, 0, 100000);
    visit("variants", recipe.variants, 0, 100);
    visit("min_crop_rows", recipe.min_crop_rows, 10, 100000);
    visit("max_crop_rows", recipe.max_crop_rows, 10, 100000);
    visit("mixup", recipe.mixup, 0.0, 10.0);
    visit("copy_paste", recipe.copy_paste, 0.0, 1.0);
    visit("time_mask_rows", recipe.time_mask_rows, 0, 100000);
    visit("speech_weight", recipe.speech_weight, 0.0, 100.0);
    visit("teacher_weight", recipe.teacher_weight, 0.0, 1.0);
    visit("teacher_temperature", recipe.teacher_temperature, 0.1, 100.0);
}

/// 25 ms every 10 ms, as all our recipes but the statistics' have it.
dsp::FeatureSpec speech_features(int num_coeffs, int num_mels) {
    dsp::FeatureSpec spec;
    spec.remove_dc = true;
    spec.pre_emphasis = 0.97F;
    spec.window = dsp::WindowShape::Hamming;
    spec.num_mels = num_mels;
    spec.num_coeffs = num_coeffs;
    spec.low_hz = 20.0F;
    spec.append_log_energy = true;  // by which the silence around the voice is known
    return spec;
}

}  // namespace

Recipe Recipe::of_kind(const std::string& kind) {
    Recipe recipe;
    recipe.labels.assign(kEmotions.begin(), kEmotions.end());
    recipe.network = NetworkOptions::of_kind(kind);
    if (kind == "crnn") {
        recipe.features = speech_features(20, 64);
        recipe.features.zero_crossing_rate = true;
        recipe.features.f0 = true;
        recipe.features.spectral_flux = true;
        recipe.features.spectral_contrast = true;
        recipe.network.dropout = 0.2;
    } else if (kind == "dnn") {
        // Pitch classes need a long frame.
        recipe.features = speech_features(20, 40);
        recipe.features.frame_samples = 1024;
        recipe.features.hop_samples = 320;
        recipe.features.fft_size = 1024;
        recipe.features.pre_emphasis = 0.0F;
        recipe.features.chroma = true;
        recipe.features.spectral_contrast = true;
        recipe.features.tonnetz = true;
        recipe.features.zero_crossing_rate = true;
        recipe.features.rms = true;
        recipe.min_crop_rows = 50;
        recipe.max_crop_rows = 150;
        recipe.time_mask_rows = 0;
        recipe.mixup = 0.3;
        recipe.batch = 64;
        recipe.learning_rate = 1e-3;
        recipe.weight_decay = 1e-2;
        recipe.epochs = 50;
    } else {
        recipe.features = speech_features(13, 26);
    }
    recipe.fit_network();
    return recipe;
}

void Recipe::fit_network() {
    const std::vector<std::string> names = features.feature_names();
    const auto column = [&names](const char* name) {
        const auto found = std::ranges::find(names, name);
        return found == names.end() ? -1 : found - names.begin();
    };
    network.num_features = static_cast<std::int64_t>(names.size());
    network.num_labels = static_cast<std::int64_t>(labels.size());
    network.energy_column = column("log_energy");
    network.zeroth_column = column("mfcc0");
    const bool invertible = network.zeroth_column == 0 && features.lifter == 0 &&
                            features.dct_scale == dsp::DctScale::Orthonormal;
    network.num_cepstra = invertible ? features.num_coeffs : 0;
    network.voicing_column = column("voicing");
}

ordered_json Recipe::to_json() const {
    ordered_json json{{"seed", seed},
                      {"labels", labels},
                      {"features", model::to_json(features)},
                      {"network", network.to_json()}};
    for_each_number(*this, [&](const char* name, auto value, auto...) { json[name] = value; });
    json["bfloat16"] = bfloat16;
    return json;
}

Recipe Recipe::from_json(const ordered_json& json) {
    try {
        // Only the kind decides the defaults; sizes that follow from the features may be missing.
        const auto& network = json.at("network");
        Recipe recipe = of_kind(network.at("kind").get<std::string>());
        const ordered_json known = recipe.to_json();
        for (const auto& [name, value] : json.items()) {
            if (!known.contains(name)) {
                throw std::runtime_error("'" + name + "' is not known to this build");
            }
        }
        ordered_json features = known.at("features");
        features.update(json.value("features", ordered_json::object()));
        recipe.features = feature_spec_from_json(features);
        recipe.labels = json.value("labels", recipe.labels);
        recipe.fit_network();
        ordered_json options = recipe.network.to_json();
        options.update(network);
        recipe.network = NetworkOptions::from_json(options);
        recipe.fit_network();
        recipe.seed = json.value("seed", recipe.seed);
        recipe.bfloat16 = json.value("bfloat16", recipe.bfloat16);
        for_each_number(recipe, [&]<typename Number>(const char* name, Number& value, auto...) {
            if (std::is_integral_v<Number> && json.contains(name) &&
                !json[name].is_number_integer()) {
                throw std::runtime_error(std::string(name) + " must be a whole number, got " +
                                         json[name].dump());
            }
            value = json.value(name, value);
        });
        recipe.validate();
        return recipe;
    } catch (const std::exception& error) {
        throw std::runtime_error(std::string("recipe: ") + error.what());
    }
}

Recipe Recipe::read(const std::filesystem::path& path) {
    std::ifstream in(path);
    if (!in) {
        throw std::runtime_error("cannot open recipe " + path.string());
    }
    try {
        return from_json(ordered_json::parse(in));
    } catch (const std::exception& error) {
        throw std::runtime_error(path.string() + ": " + error.what());
    }
}

void Recipe::validate() const {
    const auto refuse = [](const auto&... parts) {
        std::ostringstream message;
        (message << ... << parts);
        throw std::runtime_error(message.str());
    };
    for_each_number(*this, [&](const char* name, auto value, auto least, auto most) {
        if (!(value >= static_cast<decltype(value)>(least) &&
              value <= static_cast<decltype(value)>(most))) {
            refuse("recipe: ", name, " must be ", least, " to ", most, ", got ", value);
        }
    });
    if (min_crop_rows > max_crop_rows) {
        refuse("recipe: min_crop_rows must be at most max_crop_rows, got ", min_crop_rows, " and ",
               max_crop_rows);
    }
    if (labels.size() < 2) {
        refuse("recipe: labels must be at least two, got ", labels.size());
    }
    features.validate();
}

}  // namespace emotiond::model
