#include "model/bundle_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Bundle read(const std::string& text) {
    const auto path = test::scratch_folder() / "spec.json";
    test::write_bytes(path, text);
    return read_bundle_spec(path);
}

std::string complaint(const std::string& text) {
    try {
        read(text);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(BundleSpec, ReadsWhatAUserSays) {
    const Bundle bundle = read(R"({"name": "mine", "labels": ["yes", "no"],
        "features": {"num_coeffs": 20, "num_mels": 40}, "temperature": 1.25,
        "uncertain_below": 0.5, "licence": "MIT", "training_data": ["calls of 2026"],
        "metrics": {"ua": 0.6}})");
    EXPECT_EQ(bundle.name, "mine");
    EXPECT_THAT(bundle.labels, ElementsAre("yes", "no"));
    EXPECT_EQ(bundle.features.num_coeffs, 20);
    EXPECT_EQ(bundle.features.num_mels, 40);
    EXPECT_EQ(bundle.features.frame_samples, dsp::FeatureSpec{}.frame_samples);
    EXPECT_EQ(bundle.temperature, 1.25F);
    EXPECT_EQ(bundle.uncertain_below, 0.5F);
    EXPECT_EQ(bundle.licence, "MIT");
    EXPECT_THAT(bundle.training_data, ElementsAre("calls of 2026"));
    EXPECT_EQ(bundle.metrics.at("ua"), 0.6);
}

TEST(BundleSpec, EverythingMayBeMissing) {
    const Bundle bundle = read("{}");
    EXPECT_EQ(bundle.features, dsp::FeatureSpec{});
    EXPECT_EQ(bundle.temperature, 1.0F);
    EXPECT_EQ(bundle.uncertain_below, 0.0F);
}

TEST(BundleSpec, WhatIsWrongIsNamedWithTheFile) {
    EXPECT_THAT(complaint(R"({"lables": []})"),
                AllOf(HasSubstr("spec.json: "), HasSubstr("'lables' is not known")));
    EXPECT_THAT(complaint(R"({"labels": "angry"})"), HasSubstr("labels has the wrong type"));
    EXPECT_THAT(complaint(R"({"features": {"num_mel": 3}})"),
                HasSubstr("features have no 'num_mel'"));
    EXPECT_THAT(complaint(R"({"features": {"num_mels": 0}})"), HasSubstr("num_mels must be"));
    EXPECT_THAT(complaint(R"({"features": []})"), HasSubstr("features must be an object"));
    EXPECT_THAT(complaint("[]"), HasSubstr("must be an object"));
    EXPECT_THAT(complaint("{,}"), HasSubstr("line 1"));
    EXPECT_THROW(read_bundle_spec("/nonexistent.json"), std::runtime_error);
}

}  // namespace
}  // namespace emotiond::model
