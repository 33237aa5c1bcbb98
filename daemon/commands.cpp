#include "daemon/commands.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "daemon/bundle_path.hpp"
#include "daemon/event_printer.hpp"
#include "daemon/portaudio_capture.hpp"
#include "daemon/printable.hpp"
#include "daemon/service.hpp"
#include "model/judgement.hpp"
#include "model/smoother.hpp"
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

/// Of a verdict, which is made of windows with speech alone.
constexpr float kIsSpeech = 1.0F;

ordered_json scores_json(std::span<const float> scores, const std::vector<std::string>& labels) {
    ordered_json json = ordered_json::object();
    for (std::size_t i = 0; i < scores.size(); ++i) {
        json[labels[i]] = rounded(scores[i]);
    }
    return json;
}

/// What is told of scores. With the field names of the wire's `emotion`, so that both can be read
/// by the same code.
void add_judgement(ordered_json& json, std::span<const float> scores,
                   const model::Judgement& judgement, const model::Bundle& bundle) {
    json["label"] = judgement.label;
    json["confidence"] = rounded(judgement.confidence);
    json["scores"] = scores_json(scores, bundle.labels);
    json["uncertain"] = judgement.uncertain;
    if (judgement.affect) {
        json["affect"] = {{"valence", rounded(judgement.affect->valence)},
                          {"arousal", rounded(judgement.affect->arousal)},
                          {"derived", true}};
    }
}

ordered_json entry_json(const model::TimelineEntry& entry, const model::Classifier& classifier,
                        model::Smoother& smoother) {
    ordered_json json{{"start_ms", entry.start.count()},
                      {"end_ms", entry.end.count()},
                      {"state", entry.scores.empty() ? "silent" : "live"}};
    if (!entry.scores.empty()) {
        if (entry.speech < model::kLeastSpeech) {
            add_judgement(json, entry.scores,
                          model::judge(entry.scores, entry.speech, classifier.bundle()),
                          classifier.bundle());
        } else {
            const model::Smoother::Steady steady = smoother.step(entry.scores, entry.end);
            add_judgement(json, steady.scores, model::judge(steady, classifier.bundle()),
                          classifier.bundle());
        }
        if (classifier.tells_speech()) {
            json["speech"] = rounded(entry.speech);
        }
    }
    json["voiced"] = rounded(entry.voiced);
    json["level_dbfs"] = std::round(static_cast<double>(entry.level_dbfs) * 10) / 10;
    return json;
}

ordered_json timeline_json(const std::string& file, const model::Timeline& timeline,
                           const model::Classifier& classifier, model::Smoother smoother) {
    const model::Bundle& bundle = classifier.bundle();
    ordered_json json{{"file", file}, {"model", bundle.id}, {"timeline", ordered_json::array()}};
    for (const model::TimelineEntry& entry : timeline.entries) {
        json["timeline"].push_back(entry_json(entry, classifier, smoother));
    }
    json["verdict"] = nullptr;
    if (!timeline.verdict.empty()) {
        add_judgement(json["verdict"], timeline.verdict,
                      model::judge(timeline.verdict, kIsSpeech, bundle), bundle);
    }
    return json;
}

void print_timeline(const std::string& file, const model::Timeline& timeline,
                    const model::Classifier& classifier, model::Smoother smoother) {
    std::printf("%s\n", file.c_str());
    for (const model::TimelineEntry& entry : timeline.entries) {
        ordered_json message = entry_json(entry, classifier, smoother);
        message["stream"] = "";
        message["type"] = entry.scores.empty() ? "stream" : "emotion";
        std::printf("%s\n", to_line(message, colours_on_stdout()).c_str());
    }
    if (timeline.verdict.empty()) {
        std::printf("  no speech in it\n");
    } else {
        const auto over_all = model::judge(timeline.verdict, kIsSpeech, classifier.bundle());
        std::printf("  expressed over all: %s%s %.2f\n", over_all.label.c_str(),
                    over_all.uncertain ? "?" : "", static_cast<double>(over_all.confidence));
    }
}

/// What names the device whatever its number: as --source takes it.
std::vector<std::string> sources_of(const InputDevice& device) {
    std::vector<std::string> sources;
    if (!device.card_id.empty()) {
        sources.push_back("alsa:" + device.card_id);
    }
    if (!device.usb_path.empty()) {
        sources.push_back("usb:" + device.usb_path);
    }
    return sources;
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
                            {"default", device.is_default},
                            {"sources", sources_of(device)}});
        }
        std::printf("%s\n", to_text(list, 2).c_str());
        return 0;
    }
    if (devices.empty()) {
        std::printf("no input devices\n");
        return 0;
    }
    std::printf("  %-48s %-10s %8s %9s  %s\n", "name", "host API", "channels", "rate Hz",
                "stable names");
    for (const InputDevice& device : devices) {
        std::string sources;
        for (const std::string& source : sources_of(device)) {
            sources += (sources.empty() ? "" : " ") + source;
        }
        std::printf("%c %-48s %-10s %8d %9.0f  %s\n", device.is_default ? '*' : ' ',
                    device.name.c_str(), device.host_api.c_str(), device.channels, device.rate_hz,
                    sources.c_str());
    }
    std::printf("* is what --source mic takes; --source mic:<name or part of it> takes another\n");
    return 0;
}

int classify_command(const Config& config, const std::vector<std::string>& files, bool as_json) {
    model::Classifier classifier(load_bundle(config), config.classifier_options());
    const model::Smoother smoother(config.smoother_options(), classifier.bundle().labels.size(),
                                   classifier.bundle().uncertain_below);
    bool failed = false;
    for (const std::string& file : files) {
        try {
            const model::Timeline timeline = model::classify_recording(
                classifier, model::read_recording(file), config.window_options(),
                static_cast<float>(config.analysis.min_voiced));
            if (as_json) {
                std::printf("%s\n",
                            to_text(timeline_json(file, timeline, classifier, smoother)).c_str());
            } else {
                print_timeline(file, timeline, classifier, smoother);
            }
            std::fflush(stdout);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "emotiond: %s\n", error.what());
            failed = true;
        }
    }
    return failed ? 1 : 0;
}

int replay_command(const Config& config, bool as_json) {
    Service service(config, as_json ? PrintFormat::Json : PrintFormat::Text,
                    [&config] { return config; });
    const int exit_code = service.run();
    for (const AlertEngine::Count& count : service.alerts().counts()) {
        std::fprintf(stderr, "%s: %zu raised\n", count.rule.c_str(), count.raised);
    }
    return exit_code;
}

int check_config_command(const Config& config) {
    const model::Bundle bundle = load_bundle(config);
    require_known_labels(config.alerts, bundle.labels);
    std::printf("%s\n# the bundle that this loads: %s, %s\n# %s\n", config.to_toml().c_str(),
                printable(bundle.id).c_str(), bundle_path(config).c_str(),
                origin_text(bundle).c_str());
    return 0;
}

}  // namespace emotiond::daemon
