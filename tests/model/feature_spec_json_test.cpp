#include "model/feature_spec_json.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <stdexcept>

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

TEST(FeatureSpecJson, EveryMemberComesBackAsItWas) {
    dsp::FeatureSpec spec;
    spec.frequency_warp = 1.1F;
    spec.f0 = true;
    spec.f0_frame_samples = 1200;
    spec.f0_low_hz = 50.0F;
    spec.f0_high_hz = 400.0F;
    spec.f0_difference = dsp::F0Difference::Zeros;
    spec.zero_crossing_rate = true;
    spec.rms = true;
    spec.spectral_flux = true;
    spec.chroma = true;
    spec.spectral_contrast = true;
    spec.tonnetz = true;
    const auto json = nlohmann::ordered_json::parse(to_json(spec).dump());
    EXPECT_EQ(feature_spec_from_json(json), spec) << json.dump(2);
}

TEST(FeatureSpecJson, WhatTheFirstBundlesDidNotKnowHasItsDefault) {
    auto json = to_json(dsp::FeatureSpec::htk());
    constexpr std::size_t kNumFirst = 25;
    ASSERT_TRUE(json.contains("delta_kind"));
    while (json.size() > kNumFirst) {
        json.erase(std::prev(json.end()));
    }
    EXPECT_EQ(feature_spec_from_json(json), dsp::FeatureSpec::htk());
    json.erase("delta_kind");
    EXPECT_THROW(feature_spec_from_json(json), std::runtime_error);
}

TEST(FeatureSpecJson, AMemberThatNobodyKnowsIsRefused) {
    auto json = to_json(dsp::FeatureSpec{});
    json["f0_colour"] = 1;
    EXPECT_THROW(feature_spec_from_json(json), std::runtime_error);
}

TEST(FeatureSpecJson, ATypeThatDoesNotFitIsRefused) {
    auto json = to_json(dsp::FeatureSpec{});
    json["num_mels"] = 26.5;
    EXPECT_THROW(feature_spec_from_json(json), std::runtime_error);
    json = to_json(dsp::FeatureSpec{});
    json["remove_dc"] = 1;
    EXPECT_THROW(feature_spec_from_json(json), std::runtime_error);
    json = to_json(dsp::FeatureSpec{});
    json["f0"] = 1;
    EXPECT_THROW(feature_spec_from_json(json), std::runtime_error);
    json = to_json(dsp::FeatureSpec{});
    json["f0_difference"] = "both";
    EXPECT_THROW(feature_spec_from_json(json), std::runtime_error);
}

}  // namespace
}  // namespace emotiond::model
