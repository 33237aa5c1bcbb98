#include "model/training/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <stdexcept>

namespace emotiond::model {
namespace {

std::size_t uniform(std::mt19937_64& random, std::size_t least, std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(least, most)(random);
}

bool chance(std::mt19937_64& random, double probability) {
    return std::uniform_real_distribution<double>(0.0, 1.0)(random) < probability;
}

}  // namespace

std::map<std::string, LabelSet> labels_by_corpus(const std::vector<ClipFeatures>& clips,
                                                 std::size_t num_labels) {
    std::map<std::string, LabelSet> labels;
    for (const ClipFeatures& features : clips) {
        if (features.is_speech) {
            auto& known = labels[features.clip.corpus];
            known.resize(num_labels);
            known.at(features.clip.label) = true;
        }
    }
    return labels;
}

Sampler::Sampler(std::vector<const ClipFeatures*> clips,
                 std::map<std::string, LabelSet> corpus_labels, const Recipe& recipe)
    : corpus_labels_(std::move(corpus_labels)),
      recipe_(recipe),
      num_features_(recipe.features.num_features()),
      num_labels_(recipe.labels.size()) {
    std::map<std::pair<std::string, std::size_t>, double> per_label;
    std::map<std::string, double> per_corpus;
    std::map<std::string, std::set<std::size_t>> labels;
    const auto neutral = static_cast<std::size_t>(std::ranges::find(recipe.labels, "neutral") -
                                                  recipe.labels.begin());
    for (const ClipFeatures* clip : clips) {
        if (!clip->is_speech) {
            other_.push_back(clip);
            continue;
        }
        speech_.push_back(clip);
        per_label[{clip->clip.corpus, clip->clip.label}] += 1.0;
        per_corpus[clip->clip.corpus] += 1.0;
        labels[clip->clip.corpus].insert(clip->clip.label);
        if (clip->clip.label == neutral) {
            neutral_of_[clip->clip.speaker].push_back(clip);
        }
    }
    if (speech_.empty()) {
        throw std::invalid_argument("there is no speech to train on");
    }
    std::vector<double> weights;
    for (const ClipFeatures* clip : speech_) {
        const std::string& corpus = clip->clip.corpus;
        weights.push_back(std::sqrt(per_corpus[corpus]) /
                          static_cast<double>(labels[corpus].size()) /
                          per_label[{corpus, clip->clip.label}]);
    }
    draw_ = std::discrete_distribution<std::size_t>(weights.begin(), weights.end());
}

std::size_t Sampler::batches_per_epoch() const {
    return std::max<std::size_t>(1, speech_.size() / static_cast<std::size_t>(recipe_.batch));
}

const ClipFeatures& Sampler::draw_clip(Random& random, bool speech) {
    return speech ? *speech_[draw_(random)] : *other_[uniform(random, 0, other_.size() - 1)];
}

/// Copies a random stretch of a random version of the clip; returns its rows.
std::size_t Sampler::crop_rows(const ClipFeatures& clip, std::size_t most, float* out,
                               Random& random) {
    const std::size_t version = uniform(random, 0, clip.variants.size());
    const Rows& rows = version == 0 ? clip.rows : clip.variants[version - 1];
    const std::size_t audible = rows.end - rows.begin;
    const std::size_t taken = std::min(audible, most);
    const std::size_t start = rows.begin + uniform(random, 0, audible - taken);
    std::copy_n(rows.values.data() + start * num_features_, taken * num_features_, out);
    return taken;
}

void Sampler::choose_blank(Crops& crops, std::size_t crop, Random& random) const {
    const auto num_rows = static_cast<std::size_t>(crops.num_rows[crop]);
    const std::size_t length = uniform(random, 0, static_cast<std::size_t>(recipe_.time_mask_rows));
    if (length < num_rows / 3) {
        crops.blank_rows[crop] = static_cast<std::int64_t>(length);
        crops.blank_from[crop] = static_cast<std::int64_t>(uniform(random, 0, num_rows - length));
    }
}

void Sampler::fill_target(const ClipFeatures& clip, float* target, float* allowed) const {
    if (!clip.is_speech) {
        return;
    }
    const LabelSet& known = corpus_labels_.at(clip.clip.corpus);
    const auto num_known = static_cast<double>(std::ranges::count(known, true));
    for (std::size_t label = 0; label < num_labels_; ++label) {
        if (known[label]) {
            allowed[label] = 1.0F;
            target[label] = static_cast<float>(recipe_.label_smoothing / num_known);
        }
    }
    target[clip.clip.label] += static_cast<float>(1.0 - recipe_.label_smoothing);
}

/// Gives each crop of speech another of its batch, and the targets of both; the network mixes what
/// it makes of the rows.
void Sampler::mix_up(Crops& crops, Random& random) const {
    std::gamma_distribution<double> gamma(recipe_.mixup);
    const double a = gamma(random);
    const double b = gamma(random);
    crops.share = a + b > 0.0 ? std::max(a, b) / (a + b) : 1.0;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < crops.speech.size(); ++i) {
        if (crops.speech[i] > 0.0F) {
            order.push_back(i);
        }
    }
    std::vector<std::size_t> partners = order;
    std::ranges::shuffle(partners, random);
    const std::vector<float> targets = crops.targets;
    const std::vector<float> allowed = crops.allowed;
    const auto share = static_cast<float>(crops.share);
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::size_t at = order[i] * num_labels_;
        const std::size_t other = partners[i] * num_labels_;
        crops.partner[order[i]] = static_cast<std::int64_t>(partners[i]);
        for (std::size_t label = 0; label < num_labels_; ++label) {
            crops.targets[at + label] =
                share * targets[at + label] + (1.0F - share) * targets[other + label];
            crops.allowed[at + label] = std::max(allowed[at + label], allowed[other + label]);
        }
    }
}

Crops Sampler::next(Random& random) {
    const auto batch = static_cast<std::size_t>(recipe_.batch);
    Crops crops;
    crops.max_rows = uniform(random, static_cast<std::size_t>(recipe_.min_crop_rows),
                             static_cast<std::size_t>(recipe_.max_crop_rows));
    crops.rows.assign(batch * crops.max_rows * num_features_, 0.0F);
    crops.num_rows.resize(batch);
    crops.targets.assign(batch * num_labels_, 0.0F);
    crops.allowed.assign(batch * num_labels_, 0.0F);
    crops.speech.resize(batch);
    crops.partner.resize(batch);
    std::iota(crops.partner.begin(), crops.partner.end(), 0);
    crops.blank_from.resize(batch);
    crops.blank_rows.resize(batch);
    const std::size_t without_speech =
        recipe_.network.speech_output && !other_.empty() ? std::max<std::size_t>(1, batch / 8) : 0;
    for (std::size_t i = 0; i < batch; ++i) {
        const ClipFeatures& clip = draw_clip(random, i >= without_speech);
        float* rows = crops.rows.data() + i * crops.max_rows * num_features_;
        std::size_t done = 0;
        const auto neutral = neutral_of_.find(clip.clip.speaker);
        if (clip.is_speech && neutral != neutral_of_.end() && chance(random, recipe_.copy_paste)) {
            // A neutral stretch and then the clip's own; a clip cut short keeps its label.
            const auto& from = neutral->second;
            done = crop_rows(*from[uniform(random, 0, from.size() - 1)], crops.max_rows / 3, rows,
                             random);
        }
        done += crop_rows(clip, crops.max_rows - done, rows + done * num_features_, random);
        crops.num_rows[i] = static_cast<std::int64_t>(done);
        choose_blank(crops, i, random);
        crops.speech[i] = clip.is_speech ? 1.0F : 0.0F;
        fill_target(clip, crops.targets.data() + i * num_labels_,
                    crops.allowed.data() + i * num_labels_);
    }
    if (recipe_.mixup > 0.0) {
        mix_up(crops, random);
    }
    return crops;
}

}  // namespace emotiond::model
