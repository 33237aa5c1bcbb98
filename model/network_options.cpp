#include "model/network_options.hpp"

#include <algorithm>
#include <stdexcept>

namespace emotiond::model {
namespace {

using nlohmann::ordered_json;

/// Calls visit(name, member, least, most) for each size.
template <typename Options, typename Visit>
void for_each_size(Options& options, Visit&& visit) {
    visit("num_features", options.num_features, 1, 4096);
    visit("num_labels", options.num_labels, 1, 1024);
    visit("energy_column", options.energy_column, -1, 4095);
    visit("zeroth_column", options.zeroth_column, -1, 4095);
    visit("num_cepstra", options.num_cepstra, 0, 4096);
    visit("voicing_column", options.voicing_column, -1, 4095);
    visit("rows_per_step", options.rows_per_step, 1, 64);
    visit("channels", options.channels, 1, 4096);
    visit("layers", options.layers, 1, 16);
    visit("hidden", options.hidden, 1, 4096);
    visit("heads", options.heads, 1, 64);
    visit("functionals", options.functionals, 1, 4096);
    visit("dense", options.dense, 1, 4096);
}

/// Calls visit(name, member) for each number that need not be whole.
template <typename Options, typename Visit>
void for_each_real(Options& options, Visit&& visit) {
    visit("silence_below", options.silence_below);
    visit("voiced_above", options.voiced_above);
    visit("dropout", options.dropout);
    visit("functionals_dropout", options.functionals_dropout);
}

void require_kind(const std::string& kind) {
    if (std::ranges::find(network_kinds(), kind) != network_kinds().end()) {
        return;
    }
    std::string known;
    for (const std::string& one : network_kinds()) {
        known += (known.empty() ? "" : ", ") + one;
    }
    throw std::invalid_argument("network kind must be one of " + known + ", got '" + kind + "'");
}

}  // namespace

const std::vector<std::string>& network_kinds() {
    static const std::vector<std::string> kKinds{"lstm", "cnn", "cnn-lstm", "dnn", "crnn"};
    return kKinds;
}

NetworkOptions NetworkOptions::of_kind(const std::string& kind) {
    require_kind(kind);
    NetworkOptions options;
    options.kind = kind;
    if (kind == "crnn") {
        options.channels = 64;
        options.hidden = 64;
        options.dense = 128;
    } else if (kind == "cnn" || kind == "cnn-lstm") {
        options.channels = 64;
    } else if (kind == "dnn") {
        options.dense = 128;
    }
    return options;
}

ordered_json NetworkOptions::to_json() const {
    ordered_json json{{"kind", kind}};
    for_each_size(*this,
                  [&](const char* name, std::int64_t value, auto...) { json[name] = value; });
    for_each_real(*this, [&](const char* name, double value) { json[name] = value; });
    json["speech_output"] = speech_output;
    json["centre_window"] = centre_window;
    return json;
}

NetworkOptions NetworkOptions::from_json(const ordered_json& json) {
    const auto refuse = [](const std::string& why) {
        throw std::runtime_error("network options: " + why);
    };
    NetworkOptions options;
    try {
        options = of_kind(json.at("kind").get<std::string>());
        const ordered_json known = options.to_json();
        for (const auto& [name, value] : json.items()) {
            if (!known.contains(name)) {
                refuse("'" + name + "' is not known to this build");
            }
        }
        for_each_size(options, [&](const char* name, std::int64_t& value, std::int64_t least,
                                   std::int64_t most) {
            const bool required = value < least;  // the default says nothing
            value = required ? json.at(name).get<std::int64_t>() : json.value(name, value);
            if (value < least || value > most) {
                refuse(std::string(name) + " must be " + std::to_string(least) + " to " +
                       std::to_string(most) + ", got " + std::to_string(value));
            }
        });
        for_each_real(options,
                      [&](const char* name, double& value) { value = json.value(name, value); });
        options.speech_output = json.value("speech_output", options.speech_output);
        options.centre_window = json.value("centre_window", options.centre_window);
    } catch (const ordered_json::exception& error) {
        refuse(error.what());
    } catch (const std::invalid_argument& error) {
        refuse(error.what());
    }
    for (const auto& [name, column] : {std::pair{"energy_column", options.energy_column},
                                       std::pair{"zeroth_column", options.zeroth_column},
                                       std::pair{"voicing_column", options.voicing_column}}) {
        if (column >= options.num_features) {
            refuse(std::string(name) + " must be below num_features, got " +
                   std::to_string(column));
        }
    }
    if (options.num_cepstra > 0 &&
        (options.zeroth_column < 0 ||
         options.zeroth_column + options.num_cepstra > options.num_features)) {
        refuse("num_cepstra must be 0 without a zeroth_column, and end within num_features, got " +
               std::to_string(options.num_cepstra));
    }
    const auto is_share = [](double value) { return value >= 0.0 && value < 1.0; };
    if (!(options.silence_below > 0.0) || !is_share(options.dropout) ||
        !is_share(options.functionals_dropout)) {
        refuse("silence_below must be above 0 and every dropout 0 to below 1");
    }
    if (options.kind == "crnn" && 2 * options.hidden % options.heads != 0) {
        refuse("heads must divide 2 hidden, got " + std::to_string(options.heads) + " and " +
               std::to_string(options.hidden));
    }
    return options;
}

}  // namespace emotiond::model
