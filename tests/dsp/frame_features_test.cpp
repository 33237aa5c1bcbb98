#include "dsp/frame_features.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "tests/dsp/signals.hpp"

namespace emotiond::dsp {
namespace {

using Features = std::map<std::string, float>;

Features features_of(FrameFeatures& frame, SpectralFlux& flux, const std::vector<float>& samples) {
    const FeatureSpec& spec = frame.spec();
    std::vector<float> row(spec.num_static());
    frame.compute(samples, flux, row);
    Features features;
    const std::vector<std::string> names = spec.feature_names();
    for (std::size_t i = 0; i < row.size(); ++i) {
        features[names[i]] = row[i];
    }
    EXPECT_EQ(features.size(), row.size()) << "a name is there twice";
    return features;
}

Features features_of(const FeatureSpec& spec, const std::vector<float>& samples) {
    FrameFeatures frame(spec);
    SpectralFlux flux(spec);
    return features_of(frame, flux, samples);
}

FeatureSpec only(bool FeatureSpec::*feature) {
    FeatureSpec spec;
    spec.*feature = true;
    return spec;
}

TEST(FrameFeatures, StandAtTheirNames) {
    const FeatureSpec spec = test::with_all_features(FeatureSpec{});
    const auto samples = test::make_voice(110.0, 10, 16000, 1024);
    const Features all = features_of(spec, samples);
    EXPECT_NEAR(all.at("f0_semitones"), 24.0F, 0.02F);  // two octaves above 27.5 Hz
    EXPECT_GT(all.at("voicing"), 0.9F);
    const std::vector<float> frame(samples.begin() + 312, samples.begin() + 712);
    double energy = 0.0;
    for (const float sample : frame) {
        energy += static_cast<double>(sample) * sample;
    }
    EXPECT_NEAR(all.at("rms"), std::sqrt(energy / 400.0), 1e-6);
    EXPECT_EQ(all.at("flux"), 0.0F);

    // None depends on which others are asked for.
    EXPECT_EQ(features_of(only(&FeatureSpec::f0), samples).at("f0_semitones"),
              all.at("f0_semitones"));
    EXPECT_EQ(features_of(only(&FeatureSpec::zero_crossing_rate), frame).at("zcr"), all.at("zcr"));
    EXPECT_EQ(features_of(only(&FeatureSpec::rms), frame).at("rms"), all.at("rms"));
    EXPECT_EQ(features_of(FeatureSpec{}, frame).at("mfcc3"), all.at("mfcc3"));
}

TEST(FrameFeatures, CountChangesOfTheSignWithinTheFrame) {
    const FeatureSpec spec = only(&FeatureSpec::zero_crossing_rate);
    std::vector<float> samples(400, 0.5F);
    EXPECT_EQ(features_of(spec, samples).at("zcr"), 0.0F);
    samples[0] = -0.5F;
    EXPECT_EQ(features_of(spec, samples).at("zcr"), 1.0F / 400.0F);
    samples[399] = -0.5F;
    EXPECT_EQ(features_of(spec, samples).at("zcr"), 2.0F / 400.0F);
    samples[200] = -0.5F;
    EXPECT_EQ(features_of(spec, samples).at("zcr"), 4.0F / 400.0F);
    samples[200] = -1e-11F;  // as good as 0, which is not negative
    EXPECT_EQ(features_of(spec, samples).at("zcr"), 2.0F / 400.0F);
    samples[200] = -2e-10F;
    EXPECT_EQ(features_of(spec, samples).at("zcr"), 4.0F / 400.0F);
}

TEST(FrameFeatures, TakeZeroCrossingsAndRmsFromTheSamplesAsTheyAre) {
    FeatureSpec spec = only(&FeatureSpec::rms);
    spec.zero_crossing_rate = true;
    const std::vector<float> samples = test::make_noise(400, 7);
    const Features plain = features_of(spec, samples);
    spec.remove_dc = true;
    spec.pre_emphasis = 0.97F;
    spec.sample_scale = 32768.0F;
    const Features treated = features_of(spec, samples);
    EXPECT_EQ(treated.at("rms"), plain.at("rms"));
    EXPECT_EQ(treated.at("zcr"), plain.at("zcr"));
    EXPECT_NE(treated.at("mfcc0"), plain.at("mfcc0"));
}

TEST(FrameFeatures, TakeTheLeastEnergyForWhatIsNoNumber) {
    std::vector<float> samples = test::make_noise(400, 9);
    samples[200] = std::numeric_limits<float>::quiet_NaN();
    const Features features = features_of(only(&FeatureSpec::append_log_energy), samples);
    EXPECT_EQ(features.at("log_energy"), std::log(std::numeric_limits<float>::epsilon()));
    for (const auto& [name, value] : features) {
        EXPECT_TRUE(std::isfinite(value)) << name;
    }
}

TEST(FrameFeatures, RememberFramesByChannel) {
    FrameFeatures frame(only(&FeatureSpec::spectral_flux));
    SpectralFlux one(frame.spec());
    SpectralFlux other(frame.spec());
    std::vector<float> samples = test::make_noise(400, 8);
    EXPECT_EQ(features_of(frame, one, samples).at("flux"), 0.0F);
    for (float& sample : samples) {
        sample *= 2.0F;
    }
    EXPECT_EQ(features_of(frame, other, samples).at("flux"), 0.0F);
    EXPECT_NEAR(features_of(frame, one, samples).at("flux"), std::log(4.0F), 1e-4F);
}

}  // namespace
}  // namespace emotiond::dsp
