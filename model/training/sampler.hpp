#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "model/training/clip_features.hpp"
#include "model/training/recipe.hpp"

namespace emotiond::model {

/// Which labels occur in a corpus: [num_labels].
using LabelSet = std::vector<bool>;
/// Of every corpus that has speech among the clips.
std::map<std::string, LabelSet> labels_by_corpus(const std::vector<ClipFeatures>& clips,
                                                 std::size_t num_labels);

/// A batch to train on.
struct Crops {
    std::size_t max_rows = 0;
    std::vector<float> rows;             ///< [batch][max_rows][num_features], zeros behind the end
    std::vector<std::int64_t> num_rows;  ///< [batch]
    std::vector<float> targets;          ///< [batch][num_labels], each sums to 1; 0 for no speech
    std::vector<float> allowed;          ///< [batch][num_labels], 1 where the corpus has the label
    std::vector<float> speech;           ///< [batch], 1 or 0
    /// What the network is to do with the rows behind their normalisation: model::Mixing.
    double share = 1.0;                    ///< of each crop; the rest is its partner's
    std::vector<std::int64_t> partner;     ///< [batch]
    std::vector<std::int64_t> blank_from;  ///< [batch]
    std::vector<std::int64_t> blank_rows;  ///< [batch]
};

/// Draws crops so that every label of a corpus is heard equally often, and corpora by the root of
/// their size, and joins some to a neutral stretch (CopyPaste). SpecAugment's time mask and mixup
/// it draws for the network to do; the targets are mixed here. Where the recipe asks for a speech
/// output, one crop in eight is of a clip without speech, if there are any.
/// Not thread-safe.
/// Source: Pappagari et al. 2021 (CopyPaste), Park et al. 2019 (SpecAugment), Zhang et al. 2018
/// (mixup).
class Sampler {
 public:
    /// clips: speech to learn from and clips without speech; must stay alive.
    Sampler(std::vector<const ClipFeatures*> clips, std::map<std::string, LabelSet> corpus_labels,
            const Recipe& recipe);

    [[nodiscard]] std::size_t batches_per_epoch() const;
    /// The same state of `random` gives the same crops.
    Crops next(std::mt19937_64& random);

 private:
    using Random = std::mt19937_64;

    const ClipFeatures& draw_clip(Random& random, bool speech);
    std::size_t crop_rows(const ClipFeatures& clip, std::size_t most, float* out, Random& random);
    /// A stretch of the crop, shorter than a third of it.
    void choose_blank(Crops& crops, std::size_t crop, Random& random) const;
    void fill_target(const ClipFeatures& clip, float* target, float* allowed) const;
    void mix_up(Crops& crops, Random& random) const;

    std::vector<const ClipFeatures*> speech_;
    std::vector<const ClipFeatures*> other_;
    std::map<std::string, std::vector<const ClipFeatures*>> neutral_of_;  ///< by speaker
    std::map<std::string, LabelSet> corpus_labels_;
    const Recipe& recipe_;
    std::size_t num_features_;
    std::size_t num_labels_;
    std::discrete_distribution<std::size_t> draw_;
};

}  // namespace emotiond::model
