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

std::vector<Fold> ravdess_folds(const Corpus& corpus, const std::string& protocol) {
    static const std::map<std::string, std::vector<std::vector<int>>> kActors{
        {"P1",
         {{1, 11, 20, 21},
          {4, 10, 12, 14},
          {8, 9, 19, 23},
          {3, 5, 7, 24},
          {2, 15, 16, 18},
          {6, 13, 17, 22}}},
        {"P2",
         {{2, 5, 14, 15, 16},
          {3, 6, 7, 13, 18},
          {10, 11, 12, 19, 20},
          {8, 17, 21, 23, 24},
          {1, 4, 9, 22}}}};
    std::vector<Fold> folds;
    for (const auto& actors : kActors.at(protocol)) {
        Fold fold{corpus.name, protocol, {}};
        for (const int number : actors) {
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

void add_cross_corpus_rounds(std::span<const Corpus> corpora,
                             const std::set<std::string>& test_only, std::vector<Round>& rounds) {
    const auto trained_on = std::ranges::count_if(
        corpora, [&](const Corpus& corpus) { return !test_only.contains(corpus.name); });
    if (trained_on < 2) {
        throw std::runtime_error("P3 trains on all corpora but one, so it needs two or more; got " +
                                 std::to_string(trained_on));
    }
    for (const Corpus& left_out : corpora) {
        if (test_only.contains(left_out.name)) {
            continue;
        }
        Round round{"p3-" + left_out.name, {}, test_only, false};
        round.not_trained_on.insert(left_out.name);
        for (const Corpus& corpus : corpora) {
            if (round.not_trained_on.contains(corpus.name)) {
                round.folds.push_back({corpus.name, "P3", speakers_of(corpus)});
            }
        }
        rounds.push_back(std::move(round));
    }
}

}  // namespace

std::vector<Round> rounds_of(std::span<const Corpus> corpora,
                             std::span<const std::string> protocols,
                             const std::set<std::string>& test_only) {
    std::vector<Round> by_fold;
    std::vector<Round> rounds;
    std::string fold_protocols;
    for (const std::string& protocol : protocols) {
        if (protocol == "P3") {
            add_cross_corpus_rounds(corpora, test_only, rounds);
        } else if (protocol == "PS") {
            rounds.push_back({"ps", {}, test_only, true});
            for (const Corpus& corpus : corpora) {
                if (!test_only.contains(corpus.name)) {
                    rounds.back().folds.push_back({corpus.name, protocol, {}});
                }
            }
        } else if (protocol != "P1" && protocol != "P2") {
            throw std::runtime_error("protocol must be P1, P2, P3 or PS, got '" + protocol + "'");
        } else {
            fold_protocols += protocol == "P1" ? "p1" : "p2";
        }
    }
    for (const Corpus& corpus : corpora) {
        if (test_only.contains(corpus.name)) {
            continue;
        }
        std::vector<Fold> folds;
        for (const std::string& protocol : protocols) {
            std::vector<Fold> more;
            if (is_ravdess(corpus) && (protocol == "P1" || protocol == "P2")) {
                more = ravdess_folds(corpus, protocol);
            } else if (protocol == "P2") {
                more = leave_one_speaker_out(corpus);
            }
            folds.insert(folds.end(), more.begin(), more.end());
        }
        by_fold.resize(std::max(by_fold.size(), folds.size()));
        for (std::size_t i = 0; i < folds.size(); ++i) {
            by_fold[i].folds.push_back(folds[i]);
        }
    }
    for (std::size_t i = 0; i < by_fold.size(); ++i) {
        by_fold[i].name = fold_protocols + "-" + std::to_string(i + 1);
        by_fold[i].not_trained_on = test_only;
    }
    rounds.insert(rounds.begin(), by_fold.begin(), by_fold.end());
    if (rounds.empty()) {
        throw std::runtime_error(
            "these corpora have no fold of the protocols asked for; P1 is of "
            "RAVDESS, with all its 24 speakers");
    }
    return rounds;
}

std::vector<Role> roles_in(const Round& round, std::span<const Clip> clips,
                           const std::set<std::string>& validation_speakers, std::uint64_t seed) {
    std::vector<Role> roles(clips.size(), Role::Train);
    std::map<std::string, const Fold*> fold_of;
    for (const Fold& fold : round.folds) {
        fold_of[fold.corpus] = &fold;
    }
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    for (std::size_t i = 0; i < clips.size(); ++i) {
        const Clip& clip = clips[i];
        const auto fold = fold_of.find(clip.corpus);
        if (round.by_clip) {
            const double drawn = uniform(random);
            roles[i] = drawn < 0.25 ? Role::Test : drawn < 0.32 ? Role::Validation : Role::Train;
            if (fold == fold_of.end()) {
                roles[i] = Role::Unused;
            }
        } else if (fold != fold_of.end() && fold->second->test_speakers.contains(clip.speaker)) {
            roles[i] = Role::Test;
        } else if (round.not_trained_on.contains(clip.corpus)) {
            roles[i] = Role::Unused;
        } else if (validation_speakers.contains(clip.speaker)) {
            roles[i] = Role::Validation;
        }
    }
    return roles;
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
        if (free.empty()) {
            throw std::runtime_error("corpus " + corpus.name +
                                     ": too few speakers to train and test on different ones: 0 "
                                     "left to train on");
        }
        if (free.size() == 1) {
            continue;
        }
        std::ranges::shuffle(free, random);
        const std::size_t count = std::max<std::size_t>(1, free.size() / 10);
        chosen.insert(free.begin(), free.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return chosen;
}

}  // namespace emotiond::model
