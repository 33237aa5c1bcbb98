#include "daemon/bundle_commands.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <vector>

#include "daemon/bundle_path.hpp"
#include "daemon/printable.hpp"
#include "dsp/window_stream.hpp"
#include "model/bundle.hpp"
#include "model/bundle_spec.hpp"
#include "model/classifier.hpp"
#include "model/feature_rows.hpp"
#include "model/feature_spec_json.hpp"
#include "model/training/recipe.hpp"

namespace emotiond::daemon {
namespace {

using nlohmann::ordered_json;

std::string read_bytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (!in || bytes.empty()) {
        throw std::runtime_error("cannot read a TorchScript module from " + path.string());
    }
    return bytes;
}

/// The name goes into `id`, which events carry and logs show.
void require_plain_name(const std::string& name, const std::filesystem::path& spec) {
    const auto is_plain = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
    };
    if (name.empty() || !std::ranges::all_of(name, is_plain)) {
        throw std::runtime_error("specification " + spec.string() +
                                 ": name must be letters, digits, '-', '_' and '.', got '" +
                                 printable(name) + "'");
    }
}

std::size_t rows_of(std::chrono::milliseconds length, const dsp::FeatureSpec& spec) {
    const double seconds = std::chrono::duration<double>(length).count();
    return static_cast<std::size_t>(
        std::max(1.0, seconds * spec.sample_rate_hz / spec.hop_samples));
}

/// What a module must stand: windows of every length, alone and side by side.
class Trial {
 public:
    explicit Trial(model::Classifier& classifier) : classifier_(classifier) {
        const dsp::FeatureSpec& spec = classifier.bundle().features;
        const std::size_t whole = rows_of(dsp::WindowOptions{}.length, spec);
        std::mt19937 random(1);
        std::normal_distribution<float> normal;
        for (const std::size_t num_rows : {whole, std::max<std::size_t>(1, whole / 3),
                                           std::max<std::size_t>(1, whole / 30), whole}) {
            std::vector<float>& rows = rows_.emplace_back(num_rows * spec.num_features());
            std::ranges::generate(rows, [&] { return normal(random); });
        }
        for (const std::vector<float>& rows : rows_) {
            inputs_.push_back({rows, rows.size() / spec.num_features()});
        }
    }

    /// By how much a score changes with what else is in its batch.
    float largest_difference() {
        const auto together = classifier_.classify(inputs_);
        float largest = 0.0F;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            const model::Scores alone = classifier_.classify({&inputs_[i], 1}).front().scores;
            for (std::size_t label = 0; label < alone.size(); ++label) {
                largest = std::max(largest, std::abs(alone[label] - together[i].scores[label]));
            }
        }
        return largest;
    }

    /// Median, of one window of the usual length.
    double milliseconds_per_window() {
        std::vector<double> taken;
        for (int i = 0; i < 21; ++i) {
            const auto begin = std::chrono::steady_clock::now();
            classifier_.classify({inputs_.data(), 1});
            taken.push_back(
                std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
                    .count());
        }
        std::ranges::nth_element(taken, taken.begin() + 10);
        return taken[10];
    }

 private:
    model::Classifier& classifier_;
    std::vector<std::vector<float>> rows_;
    std::vector<model::ClassifierInput> inputs_;
};

int pack(const BundleOptions& options) {
    model::Bundle bundle = model::read_bundle_spec(options.spec);
    require_plain_name(bundle.name, options.spec);
    try {
        bundle.validate();
    } catch (const std::runtime_error& error) {
        throw std::runtime_error("specification " + options.spec.string() + ": " + error.what());
    }
    bundle.network = {{"kind", "torchscript"}};
    bundle.torchscript = read_bytes(options.torchscript);
    // Who packs a module runs it here, and is the one to know where it comes from.
    const model::Classifier::Options trusted{"cpu", 1, true};
    model::Classifier classifier(bundle, trusted);
    Trial trial(classifier);
    const float difference = trial.largest_difference();
    const double milliseconds = trial.milliseconds_per_window();

    bundle.save(options.out);
    model::Bundle::load(options.out);
    std::printf("wrote %s: %s\n", options.out.c_str(), bundle.id.c_str());
    std::printf("%zu features a row in, %zu labels%s out\n", bundle.features.num_features(),
                bundle.labels.size(), classifier.tells_speech() ? " and speech" : "");
    std::printf("a window of 3 s takes %.2f ms on one core\n", milliseconds);
    std::printf("it holds code: who serves it must set model.trust_code = true\n");
    constexpr float kNoticeable = 1e-3F;
    if (difference > kNoticeable) {
        std::fprintf(stderr,
                     "emotiond: warning: scores change by up to %.3f with what else is in the "
                     "batch: rows behind num_rows are padding, and the module does not pass over "
                     "them\n",
                     static_cast<double>(difference));
    }
    return 0;
}

/// "mfcc1 to mfcc13" in the place of thirteen names.
std::string short_list(const std::vector<std::string>& names) {
    const auto stem = [](const std::string& name) {
        return name.substr(0, name.find_last_not_of("0123456789") + 1);
    };
    std::string text;
    for (std::size_t i = 0; i < names.size();) {
        std::size_t last = i;
        while (last + 1 < names.size() && names[last + 1] != stem(names[last + 1]) &&
               stem(names[last + 1]) == stem(names[i])) {
            ++last;
        }
        text += (text.empty() ? "" : ", ") + names[i] + (last > i ? " to " + names[last] : "");
        i = last + 1;
    }
    return text;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) {
        text += (text.empty() ? "" : ", ") + part;
    }
    return text;
}

/// Of what `emotiond evaluate` writes, in its present form and its first one: a line a protocol.
std::vector<std::string> figures_of(const ordered_json& metrics) {
    using Pointer = ordered_json::json_pointer;
    const Pointer own("/speaker_independent");
    const Pointer results("/speaker_independent/results");
    const ordered_json list = metrics.contains(results) ? metrics.at(results)
                              : metrics.contains(own)   ? metrics.at(own)
                                                        : ordered_json();
    std::vector<std::string> lines;
    if (!list.is_array()) {
        return lines;
    }
    for (const ordered_json& entry : list) {
        const auto text_at = [&entry](const char* key) -> std::string {
            const Pointer place(key);
            return entry.contains(place) && entry.at(place).is_string()
                       ? entry.at(place).get<std::string>()
                       : "";
        };
        std::string name = text_at("/name");
        if (name.empty()) {
            name = text_at("/protocol") + " " + text_at("/corpus");
        }
        for (const char* key : {"/ua/mean", "/ua", "/all_labels/ua"}) {
            if (entry.contains(Pointer(key)) && entry.at(Pointer(key)).is_number()) {
                char text[32];
                std::snprintf(text, sizeof text, ": UA %.1f %%",
                              100.0 * entry.at(Pointer(key)).get<double>());
                lines.push_back(name + text);
                break;
            }
        }
    }
    return lines;
}

ordered_json description(const model::VoiceModel& voice) {
    return {{"kind", "gru"},
            {"units", voice.weights.num_units},
            {"training_data", voice.training_data},
            {"metrics", voice.metrics}};
}

ordered_json description(const model::Bundle& bundle) {
    return {{"name", bundle.name},
            {"id", bundle.id},
            {"labels", bundle.labels},
            {"licence", bundle.licence},
            {"training_data", bundle.training_data},
            {"network", bundle.network},
            {"parameters", bundle.num_parameters()},
            {"code_bytes", bundle.torchscript.size()},
            {"features", model::to_json(bundle.features)},
            {"feature_names", bundle.features.feature_names()},
            {"temperature", bundle.temperature},
            {"uncertain_below", bundle.uncertain_below},
            {"voice", bundle.voice ? description(*bundle.voice) : ordered_json()},
            {"metrics", bundle.metrics}};
}

void print_field(const char* name, const std::string& value) {
    std::printf("%-15s %s\n", name, printable(value).c_str());
}

int show(const BundleOptions& options) {
    const model::Bundle bundle = model::Bundle::load(options.show);
    if (options.as_json) {
        std::printf("%s\n", description(bundle)
                                .dump(2, ' ', false, ordered_json::error_handler_t::replace)
                                .c_str());
        return 0;
    }
    const dsp::FeatureSpec& features = bundle.features;
    const ordered_json kind =
        bundle.network.is_object() ? bundle.network.value("kind", ordered_json()) : ordered_json();
    const bool holds_code = !bundle.torchscript.empty();
    print_field("name", bundle.name);
    print_field("id", bundle.id);
    print_field("labels", joined(bundle.labels));
    print_field("licence", bundle.licence.empty() ? "not told" : bundle.licence);
    print_field("training data",
                bundle.training_data.empty() ? "not told" : joined(bundle.training_data));
    print_field(
        "network",
        (kind.is_string() ? kind.get<std::string>() : "?") +
            (holds_code ? "" : ", " + std::to_string(bundle.num_parameters()) + " parameters"));
    print_field("code", holds_code ? "a TorchScript module of " +
                                         std::to_string(bundle.torchscript.size()) +
                                         " bytes: run only with model.trust_code = true"
                                   : "none");
    char rate[96];
    std::snprintf(rate, sizeof rate,
                  "%zu a row, %.0f rows a second of %d Hz: ", features.num_features(),
                  static_cast<double>(features.sample_rate_hz) / features.hop_samples,
                  features.sample_rate_hz);
    print_field("features", rate + short_list(features.feature_names()));
    char number[32];
    std::snprintf(number, sizeof number, "%.2f", static_cast<double>(bundle.uncertain_below));
    print_field("uncertain below", number);
    print_field("voice", bundle.voice
                             ? "a detector of " + std::to_string(bundle.voice->weights.num_units) +
                                   " units, trained on " + joined(bundle.voice->training_data)
                             : "no detector: silence is told by level alone");
    const std::vector<std::string> figures = figures_of(bundle.metrics);
    print_field("figures", figures.empty() ? "none" : figures.front());
    for (std::size_t i = 1; i < figures.size(); ++i) {
        print_field("", figures[i]);
    }
    return 0;
}

}  // namespace

int bundle_command(const BundleOptions& options) {
    return options.show.empty() ? pack(options) : show(options);
}

int features_command(const FeaturesOptions& options) {
    const dsp::FeatureSpec spec = options.spec.empty()
                                      ? model::Recipe::of_kind(options.network).features
                                      : model::read_bundle_spec(options.spec).features;
    if (options.print_spec) {
        const ordered_json json{{"features", model::to_json(spec)}};
        std::printf("%s\n", json.dump(2).c_str());
        return 0;
    }
    const model::Recording recording = model::read_recording(options.file);
    const std::vector<float> rows = model::feature_rows(recording, spec);
    const bool as_npy =
        options.format.empty() ? options.out.extension() == ".npy" : options.format == "npy";
    std::ofstream file;
    if (!options.out.empty()) {
        file.open(options.out, std::ios::binary);
    }
    std::ostream& out = options.out.empty() ? std::cout : file;
    (as_npy ? model::write_rows_as_npy : model::write_rows_as_csv)(out, spec, rows);
    if (!out.flush()) {
        throw std::runtime_error("cannot write " +
                                 (options.out.empty() ? "to stdout" : options.out.string()));
    }
    return 0;
}

}  // namespace emotiond::daemon
