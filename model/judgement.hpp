#pragma once

#include <optional>
#include <string>

#include "model/affect.hpp"
#include "model/bundle.hpp"
#include "model/classifier.hpp"
#include "model/smoother.hpp"

namespace emotiond::model {

/// Below this probability of speech a window has none, whatever its scores say.
inline constexpr float kLeastSpeech = 0.5F;

/// What people and programs are told of scores, in every place alike.
struct Judgement {
    std::string label;             ///< that of the highest score, of a Smoother, or kNoSpeechLabel
    float confidence = 0.0F;       ///< probability of the label
    bool uncertain = false;        ///< confidence below Bundle::uncertain_below, or no speech
    std::optional<Affect> affect;  ///< none: a label has no coordinates, or there is no speech
};

/// scores: [num_labels], as Bundle::labels.  speech: probability, 1 where the model does not tell.
Judgement judge(const Scores& scores, float speech, const Bundle& bundle);

/// The same of speech whose scores a Smoother has steadied.
Judgement judge(const Smoother::Steady& steady, const Bundle& bundle);

}  // namespace emotiond::model
