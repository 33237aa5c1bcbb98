#include "dsp/feature_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace emotiond::dsp {
namespace {

std::string message_of(const FeatureSpec& spec) {
    try {
        spec.validate();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "valid";
}

/// The message for the default specification with one member changed.
template <typename Value>
std::string message_with(Value FeatureSpec::*member, Value value) {
    FeatureSpec spec;
    spec.*member = value;
    return message_of(spec);
}

TEST(FeatureSpec, IsValidAsDefinedByTheThreeSystems) {
    EXPECT_EQ(message_of({}), "valid");
    EXPECT_EQ(message_of(FeatureSpec::librosa()), "valid");
    EXPECT_EQ(message_of(FeatureSpec::librosa(48000)), "valid");
    EXPECT_EQ(message_of(FeatureSpec::kaldi()), "valid");
    EXPECT_EQ(message_of(FeatureSpec::htk()), "valid");
}

TEST(FeatureSpec, NamesTheMemberWhatIsAllowedAndWhatWasGot) {
    EXPECT_EQ(message_with(&FeatureSpec::num_mels, 0),
              "feature specification: num_mels must be 1 to 512, got 0");
    EXPECT_EQ(message_with(&FeatureSpec::low_hz, -1.5F),
              "feature specification: low_hz must be 0 to below high_hz, got -1.5");
}

TEST(FeatureSpec, ChecksEveryMember) {
    using testing::HasSubstr;
    using Spec = FeatureSpec;
    EXPECT_THAT(message_with(&Spec::sample_rate_hz, 7999), HasSubstr("sample_rate_hz"));
    EXPECT_THAT(message_with(&Spec::sample_rate_hz, 192001), HasSubstr("sample_rate_hz"));
    EXPECT_THAT(message_with(&Spec::frame_samples, 1), HasSubstr("frame_samples"));
    EXPECT_THAT(message_with(&Spec::frame_samples, 65537), HasSubstr("frame_samples"));
    EXPECT_THAT(message_with(&Spec::hop_samples, 0), HasSubstr("hop_samples"));
    EXPECT_THAT(message_with(&Spec::hop_samples, 401), HasSubstr("hop_samples"));
    EXPECT_THAT(message_with(&Spec::fft_size, 398), HasSubstr("fft_size"));
    EXPECT_THAT(message_with(&Spec::fft_size, 401), HasSubstr("fft_size"));
    EXPECT_THAT(message_with(&Spec::fft_size, 65538), HasSubstr("fft_size"));
    EXPECT_THAT(message_with(&Spec::sample_scale, 0.0F), HasSubstr("sample_scale"));
    EXPECT_THAT(message_with(&Spec::sample_scale, NAN), HasSubstr("sample_scale"));
    EXPECT_THAT(message_with(&Spec::pre_emphasis, 1.01F), HasSubstr("pre_emphasis"));
    EXPECT_THAT(message_with(&Spec::pre_emphasis, NAN), HasSubstr("pre_emphasis"));
    EXPECT_THAT(message_with(&Spec::num_mels, 513), HasSubstr("num_mels"));
    EXPECT_THAT(message_with(&Spec::low_hz, 8000.0F), HasSubstr("low_hz"));
    EXPECT_THAT(message_with(&Spec::high_hz, 8001.0F), HasSubstr("high_hz"));
    EXPECT_THAT(message_with(&Spec::high_hz, NAN), HasSubstr("low_hz"));
    EXPECT_THAT(message_with(&Spec::frequency_warp, 0.49F), HasSubstr("frequency_warp"));
    EXPECT_THAT(message_with(&Spec::frequency_warp, 2.01F), HasSubstr("frequency_warp"));
    EXPECT_THAT(message_with(&Spec::frequency_warp, NAN), HasSubstr("frequency_warp"));
    EXPECT_THAT(message_with(&Spec::log_floor, 0.0F), HasSubstr("log_floor"));
    EXPECT_THAT(message_with(&Spec::num_coeffs, 0), HasSubstr("num_coeffs"));
    EXPECT_THAT(message_with(&Spec::num_coeffs, 27), HasSubstr("num_coeffs"));
    EXPECT_THAT(message_with(&Spec::lifter, -1), HasSubstr("lifter"));
    EXPECT_THAT(message_with(&Spec::delta_order, 3), HasSubstr("delta_order"));
    EXPECT_THAT(message_with(&Spec::delta_order, -1), HasSubstr("delta_order"));
    EXPECT_THAT(message_with(&Spec::delta_half_width, 0), HasSubstr("delta_half_width"));
    EXPECT_THAT(message_with(&Spec::delta_half_width, 17), HasSubstr("delta_half_width"));
}

TEST(FeatureSpec, ChecksWhatThePitchNeeds) {
    using testing::HasSubstr;
    const auto message = [](auto&& change) {
        FeatureSpec spec;
        spec.f0 = true;
        change(spec);
        return message_of(spec);
    };
    EXPECT_EQ(message([](FeatureSpec&) {}), "valid");
    EXPECT_THAT(message([](FeatureSpec& spec) { spec.f0_low_hz = 0.0F; }), HasSubstr("f0_low_hz"));
    EXPECT_THAT(message([](FeatureSpec& spec) { spec.f0_low_hz = NAN; }), HasSubstr("f0_low_hz"));
    EXPECT_THAT(message([](FeatureSpec& spec) { spec.f0_low_hz = 500.0F; }),
                HasSubstr("f0_low_hz must be above 0, below f0_high_hz, got 500"));
    EXPECT_THAT(message([](FeatureSpec& spec) { spec.f0_high_hz = 8001.0F; }),
                HasSubstr("f0_high_hz must be at most half the sample rate"));
    EXPECT_THAT(message([](FeatureSpec& spec) { spec.f0_frame_samples = 1023; }),
                HasSubstr("f0_frame_samples must be even"));
    EXPECT_THAT(message([](FeatureSpec& spec) { spec.f0_frame_samples = 398; }),
                HasSubstr("f0_frame_samples must be even"));
    EXPECT_THAT(message([](FeatureSpec& spec) { spec.f0_frame_samples = 65538; }),
                HasSubstr("f0_frame_samples must be even"));
    EXPECT_THAT(message([](FeatureSpec& spec) { spec.f0_frame_samples = 490; }),
                HasSubstr("f0_frame_samples must be at least two periods of f0_low_hz, got 490"));
    EXPECT_EQ(message([](FeatureSpec& spec) { spec.f0_frame_samples = 494; }), "valid");
    EXPECT_EQ(message_with(&FeatureSpec::f0_low_hz, 0.0F), "valid");  // nobody asks for it
}

TEST(FeatureSpec, ChecksThatContrastHasItsBands) {
    using testing::HasSubstr;
    FeatureSpec spec;
    spec.spectral_contrast = true;
    EXPECT_EQ(message_of(spec), "valid");
    spec.sample_rate_hz = 12800;
    spec.high_hz = 4000.0F;
    EXPECT_THAT(message_of(spec), HasSubstr("sample_rate_hz must be above 12800 for"));
    spec.sample_rate_hz = 16000;
    spec.frame_samples = 78;
    spec.hop_samples = 78;
    spec.fft_size = 78;
    EXPECT_THAT(message_of(spec), HasSubstr("fft_size must be at least sample_rate_hz/200"));
    spec.fft_size = 80;
    EXPECT_EQ(message_of(spec), "valid");
    spec.spectral_contrast = false;
    spec.fft_size = 78;
    EXPECT_EQ(message_of(spec), "valid");
}

TEST(FeatureSpec, NamesTheFeaturesOfARow) {
    using testing::ElementsAre;
    FeatureSpec spec;
    spec.num_coeffs = 3;
    EXPECT_THAT(spec.feature_names(), ElementsAre("mfcc0", "mfcc1", "mfcc2"));
    spec.zeroth_coeff = ZerothCoeff::Last;
    EXPECT_THAT(spec.feature_names(), ElementsAre("mfcc1", "mfcc2", "mfcc0"));
    spec.zeroth_coeff = ZerothCoeff::LogEnergyInstead;
    EXPECT_THAT(spec.feature_names(), ElementsAre("log_energy", "mfcc1", "mfcc2"));
    spec.zeroth_coeff = ZerothCoeff::First;
    spec.num_coeffs = 1;
    spec.append_log_energy = true;
    spec.f0 = true;
    spec.zero_crossing_rate = true;
    spec.rms = true;
    spec.spectral_flux = true;
    EXPECT_THAT(spec.feature_names(), ElementsAre("mfcc0", "log_energy", "f0_semitones", "voicing",
                                                  "zcr", "rms", "flux"));
    EXPECT_EQ(spec.num_features(), 7U);
    spec = FeatureSpec{};
    spec.chroma = true;
    spec.spectral_contrast = true;
    spec.tonnetz = true;
    const std::vector<std::string> names = spec.feature_names();
    ASSERT_EQ(names.size(), spec.num_features());
    ASSERT_EQ(names.size(), 13U + 12U + 7U + 6U);
    EXPECT_EQ(names[13], "chroma_c");
    EXPECT_EQ(names[24], "chroma_b");
    EXPECT_EQ(names[25], "contrast_0");
    EXPECT_EQ(names[32], "tonnetz_fifth_x");
    EXPECT_EQ(names[37], "tonnetz_major_y");
    spec = FeatureSpec{};
    spec.num_coeffs = 1;
    spec.rms = true;
    spec.delta_order = 2;
    EXPECT_THAT(spec.feature_names(),
                ElementsAre("mfcc0", "rms", "d_mfcc0", "d_rms", "dd_mfcc0", "dd_rms"));
}

TEST(FeatureSpec, SaysWhichSamplesAndRowsAreNeededBesides) {
    FeatureSpec spec;
    EXPECT_EQ(spec.lookahead_samples(), 0U);
    EXPECT_EQ(spec.lookbehind_samples(), 0U);
    EXPECT_EQ(spec.lookbehind_rows(), 0U);
    spec.f0 = true;
    EXPECT_EQ(spec.lookbehind_samples(), 312U);
    EXPECT_EQ(spec.lookahead_samples(), 312U);
    spec.frame_samples = 401;
    EXPECT_EQ(spec.lookbehind_samples(), 311U);
    EXPECT_EQ(spec.lookahead_samples(), 312U);
    spec.delta_order = 2;
    EXPECT_EQ(spec.lookbehind_rows(), 4U);
    spec.spectral_flux = true;
    EXPECT_EQ(spec.lookbehind_rows(), 5U);
    EXPECT_EQ(spec.lookahead_rows(), 4U);
}

TEST(FeatureSpec, CountsFeatures) {
    FeatureSpec spec;
    EXPECT_EQ(spec.num_features(), 13U);
    spec.append_log_energy = true;
    EXPECT_EQ(spec.num_static(), 14U);
    spec.delta_order = 2;
    EXPECT_EQ(spec.num_features(), 42U);
}

TEST(FeatureSpec, LooksAheadOncePerDerivativeOfADerivative) {
    FeatureSpec spec;
    spec.delta_half_width = 3;
    spec.delta_kind = DeltaKind::Regression;
    EXPECT_EQ(spec.lookahead_rows(), 0U);
    spec.delta_order = 2;
    EXPECT_EQ(spec.lookahead_rows(), 6U);
    spec.delta_kind = DeltaKind::SavitzkyGolay;
    EXPECT_EQ(spec.lookahead_rows(), 3U);
}

}  // namespace
}  // namespace emotiond::dsp
