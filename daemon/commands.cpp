#include "daemon/commands.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "daemon/bundle_path.hpp"
#include "daemon/event_printer.hpp"
#include "daemon/portaudio_capture.hpp"
#include "model/timeline.hpp"

namespace emotiond::daemon {
namespace {

using nlohmann::ordered_json;

double rounded(float value) {
    return std::round(static_cast<double>(value) * 1e4) / 1e4;
}

/// Names of files and devices need not be UTF-8.
std::string to_text(const ordered_json& json, int indent = -1) {
    return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json scores_json(const model::Scores& scores, const std::vector<std::string>& labels) {
    ordered_json json = ordered_json::object();
    for (std::size_t i = 0; i < scores.size(); ++i) {
        json[labels[i]] = rounded(scores[i]);
    }
    return json;
}

/// With the field names of the wire's `emotion`, so that both can be read by the same code.
ordered_json entry_json(const model::TimelineEntry& entry, const std::vector<std::string>& labels) {
    ordered_json json{{"start_ms", entry.start.count()},
                      {"end_ms", entry.end.count()},
                      {"state", entry.scores.empty() ? "silent" : "live"}};
    if (!entry.scores.empty()) {
        const std::size_t best = model::best_label(entry.scores);
        json["label"] = labels[best];
        json["confidence"] = rounded(entry.scores[best]);
        json["scores"] = scores_json(entry.scores, labels);
    }
    json["voiced"] = rounded(entry.voiced);
    json["level_dbfs"] = std::round(static_cast<double>(entry.level_dbfs) * 10) / 10;
    return json;
}

ordered_json timeline_json(const std::string& file, const model::Timeline& timeline,
                           const model::Bundle& bundle) {
    ordered_json json{{"file", file}, {"model", bundle.id}, {"timeline", ordered_json::array()}};
    for (const model::TimelineEntry& entry : timeline.entries) {
        json["timeline"].push_back(entry_json(entry, bundle.labels));
    }
    if (timeline.verdict.empty()) {
        json["verdict"] = nullptr;
    } else {
        const std::size_t best = model::best_label(timeline.verdict);
        json["verdict"] = {{"label", bundle.labels[best]},
                           {"confidence", rounded(timeline.verdict[best])},
                           {"scores", scores_json(timeline.verdict, bundle.labels)}};
    }
    return json;
}

void print_timeline(const std::string& file, const model::Timeline& timeline,
                    const model::Bundle& bundle) {
    std::printf("%s\n", file.c_str());
    for (const model::TimelineEntry& entry : timeline.entries) {
        ordered_json message = entry_json(entry, bundle.labels);
        message["stream"] = "";
        message["type"] = entry.scores.empty() ? "stream" : "emotion";
        std::printf("%s\n", to_line(message, colours_on_stdout()).c_str());
    }
    if (timeline.verdict.empty()) {
        std::printf("  no voice in it\n");
    } else {
        const std::size_t best = model::best_label(timeline.verdict);
        std::printf("  expressed over all: %s %.2f\n", bundle.labels[best].c_str(),
                    static_cast<double>(timeline.verdict[best]));
    }
}

}  // namespace

int devices_command(bool as_json) {
    const PortAudio portaudio;
    const std::vector<InputDevice> devices = portaudio.inputs();
    if (as_json) {
        ordered_json list = ordered_json::array();
        for (const InputDevice& device : devices) {
            list.push_back({{"name", device.name},
                            {"host_api", device.host_api},
                            {"channels", device.channels},
                            {"rate_hz", device.rate_hz},
                            {"default", device.is_default}});
        }
        std::printf("%s\n", to_text(list, 2).c_str());
        return 0;
    }
    if (devices.empty()) {
        std::printf("no input devices\n");
        return 0;
    }
    std::printf("  %-48s %-10s %8s %9s\n", "name", "host API", "channels", "rate Hz");
    for (const InputDevice& device : devices) {
        std::printf("%c %-48s %-10s %8d %9.0f\n", device.is_default ? '*' : ' ',
                    device.name.c_str(), device.host_api.c_str(), device.channels, device.rate_hz);
    }
    std::printf("* is what --source mic takes; --source mic:<name or part of it> takes another\n");
    return 0;
}

int classify_command(const Config& config, const std::vector<std::string>& files, bool as_json) {
    model::Classifier classifier(model::Bundle::load(bundle_path(config)),
                                 {config.model.device, static_cast<int>(config.model.threads)});
    bool failed = false;
    for (const std::string& file : files) {
        try {
            const model::Timeline timeline = model::classify_recording(
                classifier, model::read_recording(file), config.window_options(),
                static_cast<float>(config.analysis.min_voiced));
            if (as_json) {
                std::printf("%s\n",
                            to_text(timeline_json(file, timeline, classifier.bundle())).c_str());
            } else {
                print_timeline(file, timeline, classifier.bundle());
            }
            std::fflush(stdout);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "emotiond: %s\n", error.what());
            failed = true;
        }
    }
    return failed ? 1 : 0;
}

int check_config_command(const Config& config) {
    const auto path = bundle_path(config);
    const model::Bundle bundle = model::Bundle::load(path);
    std::printf("%s\n# the bundle that this loads: %s, %s, licence %s\n", config.to_toml().c_str(),
                bundle.id.c_str(), path.c_str(), bundle.licence.c_str());
    return 0;
}

}  // namespace emotiond::daemon
