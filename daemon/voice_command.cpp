#include "daemon/voice_command.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

#include "daemon/progress_line.hpp"
#include "daemon/training_data.hpp"
#include "dsp/window_stream.hpp"
#include "model/bundle.hpp"
#include "model/training/corpus.hpp"
#include "model/training/metrics.hpp"
#include "model/training/speaker_split.hpp"
#include "model/training/voice_trainer.hpp"

namespace emotiond::daemon {
namespace {

using nlohmann::ordered_json;
using Speakers = std::map<std::string, std::vector<std::filesystem::path>>;

std::vector<std::vector<std::filesystem::path>> recordings_of(const Speakers& speakers,
                                                              const std::set<std::string>& held_out,
                                                              bool for_tests) {
    std::vector<std::vector<std::filesystem::path>> recordings;
    for (const auto& [speaker, files] : speakers) {
        if (held_out.contains(speaker) == for_tests) {
            recordings.push_back(files);
        }
    }
    return recordings;
}

std::set<std::string> held_out_speakers(const TrainVoiceOptions& options,
                                        const model::Bundle& bundle) {
    std::set<std::string> held_out(options.test_speakers.begin(), options.test_speakers.end());
    if (bundle.metrics.is_object() && bundle.metrics.contains("validation_speakers")) {
        for (const ordered_json& speaker : bundle.metrics["validation_speakers"]) {
            held_out.insert(speaker.get<std::string>());
        }
    }
    return held_out;
}

/// How well speech is told from the rest in scenes of held-out speakers, noises and rooms.
ordered_json measure(const model::VoiceRows& rows, const dsp::VoiceDetector::Weights& weights) {
    const std::vector<float> answers = model::detect_voice(rows, weights);
    std::vector<double> speech;
    std::vector<double> other;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        (rows.speech[i] != 0 ? speech : other).push_back(static_cast<double>(answers[i]));
    }
    const auto share_above = [](const std::vector<double>& some) {
        const double threshold = static_cast<double>(dsp::VoiceOptions{}.on);
        const auto count =
            std::ranges::count_if(some, [&](double one) { return one >= threshold; });
        return static_cast<double>(count) / std::max<double>(1.0, static_cast<double>(some.size()));
    };
    return {{"rows", answers.size()},
            {"auroc", model::auroc(speech, other).value_or(0.0)},
            {"missed", 1.0 - share_above(speech)},
            {"false_alarms", share_above(other)}};
}

}  // namespace

int train_voice_command(const TrainVoiceOptions& options) {
    const auto begin = std::chrono::steady_clock::now();
    model::Bundle bundle = model::Bundle::load(options.bundle);
    const std::string trained_with = bundle.id;
    const int rate_hz = bundle.features.sample_rate_hz;
    ProgressLine line;
    const auto on_progress = [&line](const char* what, std::size_t done, std::size_t all,
                                     double loss) {
        line.draw(what + (" " + bar(done, all)) + format(" %zu/%zu", done, all) +
                  (loss > 0.0 ? format(" loss %.3f", loss) : ""));
    };

    std::vector<model::Corpus> corpora;
    Speakers speakers;
    model::VoiceModel voice;
    for (const auto& folder : options.data) {
        const model::Corpus& corpus = corpora.emplace_back(model::read_corpus(folder));
        for (const model::Clip& clip : corpus.clips) {
            speakers[clip.speaker].push_back(clip.path);
        }
        voice.training_data.push_back(corpus.name + " (" + corpus.licence + ")");
    }
    model::require_distinct_speakers(corpora);
    model::require_known_speakers(corpora,
                                  {options.test_speakers.begin(), options.test_speakers.end()});
    for (const auto* folders : {&options.noise, &options.music, &options.rooms}) {
        for (const auto& folder : *folders) {
            voice.training_data.push_back(folder.filename().string());
        }
    }
    const auto noise = files_in(options.noise);
    const auto music = files_in(options.music);
    const auto rooms = files_in(options.rooms);
    const std::set<std::string> held_out = held_out_speakers(options, bundle);
    const auto material_of = [&](bool for_tests) {
        return model::SceneMaterial(rate_hz, recordings_of(speakers, held_out, for_tests),
                                    of_sources(noise, for_tests), of_sources(music, for_tests),
                                    of_sources(rooms, for_tests));
    };

    model::VoiceRecipe recipe;
    recipe.seed = options.seed;
    recipe.threads = options.threads;
    const model::SceneMaterial material = material_of(false);
    for (const std::string& problem : material.problems()) {
        line.keep("left out: " + problem);
    }
    line.keep(format("%zu speakers, %zu noises, %zu pieces of music, %zu rooms",
                     material.speakers().size(), material.noises().size(), material.music().size(),
                     material.rooms().size()));
    const auto drawn = [&](const model::SceneMaterial& from, std::size_t scenes,
                           std::uint64_t seed) {
        model::VoiceRows rows =
            model::draw_voice_rows(from, bundle.features, recipe, scenes, seed, on_progress);
        for (const std::string& problem : rows.problems) {
            line.keep("left out: " + problem);
        }
        return rows;
    };
    const model::VoiceRows rows = drawn(material, recipe.scenes, recipe.seed);
    // Before the training, which takes long: what is held out may be of no use.
    const auto is_ours = [&](const std::string& speaker) { return speakers.contains(speaker); };
    std::optional<model::VoiceRows> held_out_rows;
    if (std::ranges::any_of(held_out, is_ours)) {
        held_out_rows = drawn(material_of(true), recipe.scenes / 10, recipe.seed + 1);
    }
    voice.weights = model::train_voice(rows, recipe, on_progress);

    voice.metrics = {{"scenes", recipe.scenes},
                     {"scene_seconds", recipe.scene_seconds},
                     {"steps", recipe.steps},
                     {"seed", recipe.seed},
                     {"held_out_speakers", held_out}};
    if (held_out_rows) {
        const ordered_json figures = measure(*held_out_rows, voice.weights);
        line.keep(
            format("held-out speakers and noises, rows: AUROC %.4f, missed %.1f %%, false "
                   "alarms %.1f %%",
                   figures["auroc"].get<double>(), 100.0 * figures["missed"].get<double>(),
                   100.0 * figures["false_alarms"].get<double>()));
        voice.metrics["held_out"] = figures;
    }
    bundle.voice = std::move(voice);
    bundle.validate();
    bundle.save(options.out);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    std::printf("wrote %s: %s, %s with a voice detector; %.0f s\n", options.out.c_str(),
                bundle.id.c_str(), trained_with.c_str(), taken.count());
    return 0;
}

}  // namespace emotiond::daemon
