#include "daemon/training_data.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "model/training/audio_folder.hpp"
#include "model/training/corpus.hpp"
#include "model/training/speaker_split.hpp"

namespace emotiond::daemon {
namespace {

using Files = std::vector<std::filesystem::path>;

/// Recordings cut from one source differ in the last part of their names only.
std::string source_of(const std::filesystem::path& file) {
    const std::string name = file.stem().string();
    const std::size_t end = name.rfind('-');
    return end == std::string::npos ? name : name.substr(0, end);
}

model::AugmentationBank bank_of(const Files& noise, const Files& rooms, bool for_tests,
                                int rate_hz) {
    return {rate_hz, of_sources(noise, for_tests), of_sources(rooms, for_tests)};
}

void read_corpora(const TrainingOptions& options, const model::Recipe& recipe, TrainingData& data,
                  ProgressLine& line) {
    const auto read = [&](const std::filesystem::path& folder) {
        const model::Corpus& corpus = data.corpora.emplace_back(model::read_corpus(folder));
        line.keep(corpus.name + ": " + std::to_string(corpus.clips.size()) + " clips by " +
                  corpus.layout);
        for (const std::string& skipped : corpus.skipped) {
            line.keep(corpus.name + ": skipped, " + skipped);
        }
        for (const std::string& note : corpus.notes) {
            line.keep(corpus.name + ": " + note);
        }
    };
    std::set<std::string> licences;
    for (const auto& folder : options.data) {
        read(folder);
        const model::Corpus& corpus = data.corpora.back();
        data.sources.push_back(corpus.name + " (" + corpus.licence + ")");
        licences.insert(corpus.licence);
    }
    for (const auto& folder : options.test_data) {
        read(folder);
        data.test_only.insert(data.corpora.back().name);
    }
    // What is in the public domain asks nothing of the weights.
    if (licences.size() > 1) {
        licences.erase("CC0-1.0");
    }
    for (const std::string& licence : licences) {
        data.licence += (data.licence.empty() ? "" : " and ") + licence;
    }
    for (const std::string& told : model::assign_labels(data.corpora, recipe.labels)) {
        line.keep(told);
    }
    model::require_distinct_speakers(data.corpora);
}

model::LoadOptions load_options(const TrainingOptions& options, ProgressLine& line) {
    model::LoadOptions load;
    load.cache = options.cache;
    load.threads = options.threads;
    load.on_progress = [&line](std::size_t done, std::size_t all) {
        line.draw("features " + bar(done, all) + format(" %zu/%zu clips", done, all));
    };
    return load;
}

std::vector<model::ClipFeatures> told(model::LoadedClips loaded, const std::string& what,
                                      ProgressLine& line) {
    for (const std::string& problem : loaded.problems) {
        line.keep("left out: " + problem);
    }
    line.keep(what + format(" of %zu clips%s, %zu left out", loaded.clips.size(),
                            loaded.from_cache ? " (from the cache)" : "", loaded.problems.size()));
    return std::move(loaded.clips);
}

std::vector<model::Clip> all_clips(const std::vector<model::Corpus>& corpora) {
    std::vector<model::Clip> clips;
    for (const model::Corpus& corpus : corpora) {
        clips.insert(clips.end(), corpus.clips.begin(), corpus.clips.end());
    }
    return clips;
}

}  // namespace

bool is_test_source(const std::string& source) {
    std::uint32_t hash = 2166136261U;  // FNV-1a: the same on every machine
    for (const char c : source) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    }
    return (hash >> 8) % 5 == 0;
}

std::vector<std::filesystem::path> files_in(const std::vector<std::filesystem::path>& folders) {
    Files files;
    for (const auto& folder : folders) {
        const Files found = model::audio_files_in(folder);
        files.insert(files.end(), found.begin(), found.end());
    }
    return files;
}

std::vector<std::filesystem::path> of_sources(const std::vector<std::filesystem::path>& files,
                                              bool for_tests) {
    Files some;
    std::ranges::copy_if(files, std::back_inserter(some), [&](const auto& file) {
        return is_test_source(source_of(file)) == for_tests;
    });
    return some;
}

TrainingData load_training_data(const TrainingOptions& options, const model::Recipe& recipe,
                                ProgressLine& line) {
    TrainingData data;
    read_corpora(options, recipe, data, line);
    const Files noise = files_in(options.noise);
    const Files rooms = files_in(options.rooms);
    data.training_noise = bank_of(noise, rooms, false, recipe.features.sample_rate_hz);
    data.test_noise = bank_of(noise, rooms, true, recipe.features.sample_rate_hz);

    std::vector<model::Clip> clips = all_clips(data.corpora);
    for (const auto& file : noise) {
        model::Clip& clip = clips.emplace_back();
        clip.path = file;
        clip.corpus = model::kNoSpeech;
        clip.speaker = source_of(file);
    }
    model::LoadOptions load = load_options(options, line);
    load.seed = recipe.seed;
    load.variants = recipe.variants;
    load.bank = &data.training_noise;
    data.clips = told(model::load_clips(clips, recipe.features, load), "features", line);
    return data;
}

std::vector<model::ClipFeatures> load_degraded(const TrainingData& data,
                                               const TrainingOptions& options,
                                               const model::Recipe& recipe, const std::string& name,
                                               const model::Degrade& degrade, ProgressLine& line) {
    model::LoadOptions load = load_options(options, line);
    load.degrade = degrade;
    load.degrade_name = name + " " + data.test_noise.description();
    return told(model::load_clips(all_clips(data.corpora), recipe.features, load), name, line);
}

}  // namespace emotiond::daemon
