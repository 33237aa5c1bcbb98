#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace emotiond::model {

/// How pleasant (valence) and how excited (arousal) a state is, both -1 to 1.
struct Affect {
    float valence = 0.0F;
    float arousal = 0.0F;
};

struct EmotionAffect {
    std::string_view emotion;
    Affect affect;
};

/// Mean ratings of pleasure and arousal of the words. `calm` is rated as "relaxed", which is the
/// nearest word of the table; `neutral` is the origin by definition.
/// Source: Russell & Mehrabian 1977, "Evidence for a three-factor theory of emotions", Journal of
/// Research in Personality 11, table 4: happy (its row 31), surprised (52), disgusted (75),
/// angry (82), fearful (101), sad (151), bored, relaxed. Held against other people's copies of the
/// table, all but relaxed, for which none was found.
inline constexpr std::array<EmotionAffect, 9> kEmotionAffects{{{"neutral", {0.0F, 0.0F}},
                                                               {"calm", {0.68F, -0.46F}},
                                                               {"happy", {0.81F, 0.51F}},
                                                               {"sad", {-0.63F, -0.27F}},
                                                               {"angry", {-0.51F, 0.59F}},
                                                               {"fearful", {-0.64F, 0.60F}},
                                                               {"disgust", {-0.60F, 0.35F}},
                                                               {"surprised", {0.40F, 0.67F}},
                                                               {"bored", {-0.65F, -0.62F}}}};

/// The expectation of the emotions' affect under the scores: derived from the label, and no
/// measurement of its own.
/// labels, scores: [num_labels]; the scores sum to 1. Nothing where a label is not in the table, or
/// the sizes differ.
inline std::optional<Affect> derived_affect(std::span<const std::string> labels,
                                            std::span<const float> scores) {
    if (labels.empty() || labels.size() != scores.size()) {
        return std::nullopt;
    }
    Affect sum;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const auto known = std::ranges::find(kEmotionAffects, labels[i], &EmotionAffect::emotion);
        if (known == kEmotionAffects.end()) {
            return std::nullopt;
        }
        sum.valence += scores[i] * known->affect.valence;
        sum.arousal += scores[i] * known->affect.arousal;
    }
    return sum;
}

}  // namespace emotiond::model
