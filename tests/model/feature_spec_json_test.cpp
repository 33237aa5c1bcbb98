#include "model/feature_spec_json.hpp"

#include <gtest/gtest.h>

namespace emotiond::model {
namespace {

TEST(FeatureSpecJson, EveryDefinitionComesBackAsItWas) {
    for (const dsp::FeatureSpec& spec : {dsp::FeatureSpec{}, dsp::FeatureSpec::librosa(),
                                         dsp::FeatureSpec::kaldi(), dsp::FeatureSpec::htk()}) {
        // Through text, as in a file.
        const auto json = nlohmann::ordered_json::parse(to_json(spec).dump());
        EXPECT_EQ(feature_spec_from_json(json), spec) << json.dump(2);
    }
}

TEST(FeatureSpecJson, ATypeThatDoesNotFitIsRefused) {
    auto json = to_json(dsp::FeatureSpec{});
    json["num_mels"] = 26.5;
    EXPECT_THROW(feature_spec_from_json(json), std::runtime_error);
    json = to_json(dsp::FeatureSpec{});
    json["remove_dc"] = 1;
    EXPECT_THROW(feature_spec_from_json(json), std::runtime_error);
}

}  // namespace
}  // namespace emotiond::model
