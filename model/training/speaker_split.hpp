#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "model/training/corpus.hpp"

namespace emotiond::model {

/// Speakers of one corpus that a round tests on, and the protocol this follows.
struct Fold {
    std::string corpus;
    std::string protocol;  ///< "P1", "P2"
    std::set<std::string> test_speakers;
};

/// One training run: all that is not tested is trained on, of every corpus.
using Round = std::vector<Fold>;

/// The speaker-independent rounds of docs/evaluation.md. RAVDESS (a corpus whose speakers are
/// ravdess_01 to ravdess_24, whatever its folder is called): the six folds of EmoBox (P1), then
/// five more (P2). Every other corpus: leave one speaker out (P2). Round r holds out the r-th fold
/// of every corpus at once, so that one training run serves all of them.
std::vector<Round> cross_validation_rounds(std::span<const Corpus> corpora);

/// Throws std::runtime_error where two corpora have the same name, and where they have a speaker of
/// the same name: holding one out would leave the other in.
void require_distinct_speakers(std::span<const Corpus> corpora);

/// Throws std::runtime_error for a speaker who is in no corpus: a typo would hold nobody out.
void require_known_speakers(std::span<const Corpus> corpora, const std::set<std::string>& speakers);

/// About one speaker in ten of each corpus (at least one), chosen by the seed among those not in
/// `taken`: for early stopping and calibration.
/// Throws std::runtime_error where a corpus would have no speaker left to train on.
std::set<std::string> choose_validation_speakers(std::span<const Corpus> corpora,
                                                 const std::set<std::string>& taken,
                                                 std::uint64_t seed);

}  // namespace emotiond::model
