#include "model/training/speaker_split.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <stdexcept>

namespace emotiond::model {
namespace {

std::set<std::string> speakers_of(const Corpus& corpus) {
    std::set<std::string> speakers;
    for (const Clip& clip : corpus.clips) {
        speakers.insert(clip.speaker);
    }
    return speakers;
}

std::string ravdess_actor(int number) {
    return (number < 10 ? "ravdess_0" : "ravdess_") + std::to_string(number);
}

bool is_ravdess(const Corpus& corpus) {
    std::set<std::string> actors;
    for (int number = 1; number <= 24; ++number) {
        actors.insert(ravdess_actor(number));
    }
    return speakers_of(corpus) == actors;
}

std::vector<Fold> ravdess_folds(const Corpus& corpus) {
    struct Actors {
        const char* protocol;
        std::vector<int> numbers;
    };
    static const std::vector<Actors> kFolds{
        {"P1", {1, 11, 20, 21}},     {"P1", {4, 10, 12, 14}},   {"P1", {8, 9, 19, 23}},
        {"P1", {3, 5, 7, 24}},       {"P1", {2, 15, 16, 18}},   {"P1", {6, 13, 17, 22}},
        {"P2", {2, 5, 14, 15, 16}},  {"P2", {3, 6, 7, 13, 18}}, {"P2", {10, 11, 12, 19, 20}},
        {"P2", {8, 17, 21, 23, 24}}, {"P2", {1, 4, 9, 22}}};
    std::vector<Fold> folds;
    for (const Actors& actors : kFolds) {
        Fold fold{corpus.name, actors.protocol, {}};
        for (const int number : actors.numbers) {
            fold.test_speakers.insert(ravdess_actor(number));
        }
        folds.push_back(std::move(fold));
    }
    return folds;
}

std::vector<Fold> leave_one_speaker_out(const Corpus& corpus) {
    std::vector<Fold> folds;
    for (const std::string& speaker : speakers_of(corpus)) {
        folds.push_back({corpus.name, "P2", {speaker}});
    }
    return folds;
}

}  // namespace

std::vector<Round> cross_validation_rounds(std::span<const Corpus> corpora) {
    std::vector<Round> rounds;
    for (const Corpus& corpus : corpora) {
        const auto folds =
            is_ravdess(corpus) ? ravdess_folds(corpus) : leave_one_speaker_out(corpus);
        rounds.resize(std::max(rounds.size(), folds.size()));
        for (std::size_t i = 0; i < folds.size(); ++i) {
            rounds[i].push_back(folds[i]);
        }
    }
    return rounds;
}

void require_distinct_speakers(std::span<const Corpus> corpora) {
    std::map<std::string, std::string> corpus_of;
    std::set<std::string> names;
    for (const Corpus& corpus : corpora) {
        if (!names.insert(corpus.name).second) {
            throw std::runtime_error("two corpora are called '" + corpus.name +
                                     "', after their folders; names must be different");
        }
        for (const std::string& speaker : speakers_of(corpus)) {
            const auto [entry, is_new] = corpus_of.emplace(speaker, corpus.name);
            if (!is_new) {
                throw std::runtime_error("speaker '" + speaker + "' is in two corpora, " +
                                         entry->second + " and " + corpus.name +
                                         "; names must be different");
            }
        }
    }
}

void require_known_speakers(std::span<const Corpus> corpora,
                            const std::set<std::string>& speakers) {
    for (const std::string& speaker : speakers) {
        const bool known = std::ranges::any_of(
            corpora, [&](const Corpus& corpus) { return speakers_of(corpus).contains(speaker); });
        if (!known) {
            throw std::runtime_error("speaker '" + speaker + "' is in none of the corpora");
        }
    }
}

std::set<std::string> choose_validation_speakers(std::span<const Corpus> corpora,
                                                 const std::set<std::string>& taken,
                                                 std::uint64_t seed) {
    std::set<std::string> chosen;
    std::mt19937_64 random(seed);
    for (const Corpus& corpus : corpora) {
        std::vector<std::string> free;
        for (const std::string& speaker : speakers_of(corpus)) {
            if (!taken.contains(speaker)) {
                free.push_back(speaker);
            }
        }
        if (free.size() < 2) {
            throw std::runtime_error("corpus " + corpus.name +
                                     ": too few speakers to train, validate and test on different "
                                     "ones: " +
                                     std::to_string(free.size()) + " left");
        }
        std::ranges::shuffle(free, random);
        const std::size_t count = std::max<std::size_t>(1, free.size() / 10);
        chosen.insert(free.begin(), free.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return chosen;
}

}  // namespace emotiond::model
