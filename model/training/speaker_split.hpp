#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "model/training/corpus.hpp"

namespace emotiond::model {

/// What a clip is used for in a run.
enum class Role : std::uint8_t { Unused, Train, Validation, Test };

/// Speakers of one corpus that a round tests on, and the protocol this follows.
struct Fold {
    std::string corpus;
    std::string protocol;  ///< "P1"
    std::set<std::string> test_speakers;
};

/// One training run.
struct Round {
    std::string name;  ///< "p1-2", a folder's name
    std::vector<Fold> folds;
    std::set<std::string> not_trained_on;  ///< corpora
    bool by_clip = false;                  ///< PS: a clip in four is tested, whoever speaks
};

/// The rounds of some of the protocols P1, P2, P3 and PS of docs/evaluation.md.
///
/// P1, of RAVDESS (a corpus whose speakers are ravdess_01 to ravdess_24, whatever its folder is
/// called): the six folds of EmoBox. P2: five other folds of RAVDESS, of any other corpus leave one
/// speaker out. Round r of P1 and P2 holds out the r-th fold of every corpus at once, so that one
/// training run serves all of them. P3: each corpus in turn is not trained on but tested. PS: one
/// round over clips, which leaks the speaker.
/// test_only: corpora that are never trained on; P3 tests on them too, P1 and P2 leave them out.
/// Throws std::runtime_error for an unknown protocol, for P3 without a second corpus to train on,
/// and where the protocols have no fold in these corpora at all.
std::vector<Round> rounds_of(std::span<const Corpus> corpora,
                             std::span<const std::string> protocols,
                             const std::set<std::string>& test_only = {});

/// What each clip is used for in a round; the seed decides where the round does not.
std::vector<Role> roles_in(const Round& round, std::span<const Clip> clips,
                           const std::set<std::string>& validation_speakers, std::uint64_t seed);

/// Throws std::runtime_error where two corpora have the same name, and where they have a speaker of
/// the same name: holding one out would leave the other in.
void require_distinct_speakers(std::span<const Corpus> corpora);

/// Throws std::runtime_error for a speaker who is in no corpus: a typo would hold nobody out.
void require_known_speakers(std::span<const Corpus> corpora, const std::set<std::string>& speakers);

/// About one speaker in ten of each corpus (at least one), chosen by the seed among those not in
/// `taken`: for early stopping and calibration. None of a corpus that has only one left.
/// Throws std::runtime_error where a corpus would have no speaker left to train on.
std::set<std::string> choose_validation_speakers(std::span<const Corpus> corpora,
                                                 const std::set<std::string>& taken,
                                                 std::uint64_t seed);

}  // namespace emotiond::model
