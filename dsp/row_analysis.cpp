#include "dsp/row_analysis.hpp"

#include <stdexcept>
#include <string>

namespace emotiond::dsp {

RowAnalysis::RowAnalysis(const FeatureSpec& spec, const VoiceDetector::Weights* weights)
    : frames(std::make_shared<FrameFeatures>(spec)) {
    if (weights == nullptr) {
        return;
    }
    if (weights->num_features != spec.num_features()) {
        throw std::invalid_argument("the voice detector takes rows of " +
                                    std::to_string(weights->num_features) + " features, not " +
                                    std::to_string(spec.num_features()));
    }
    voice.emplace(*weights);
}

}  // namespace emotiond::dsp
