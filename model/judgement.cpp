#include "model/judgement.hpp"

#include "model/labels.hpp"
#include "model/timeline.hpp"

namespace emotiond::model {

Judgement judge(const Scores& scores, float speech, const Bundle& bundle) {
    if (speech < kLeastSpeech) {
        return {std::string(kNoSpeechLabel), 1.0F - speech, true, {}};
    }
    const std::size_t best = best_label(scores);
    return {bundle.labels[best], scores[best], scores[best] < bundle.uncertain_below,
            derived_affect(bundle.labels, scores)};
}

Judgement judge(const Smoother::Steady& steady, const Bundle& bundle) {
    return {bundle.labels[steady.label], steady.scores[steady.label], steady.uncertain,
            derived_affect(bundle.labels, steady.scores)};
}

}  // namespace emotiond::model
