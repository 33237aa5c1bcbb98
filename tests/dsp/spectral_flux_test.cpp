#include "dsp/spectral_flux.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace emotiond::dsp {
namespace {

FeatureSpec spec_of(int num_mels, LogScale log_scale = LogScale::Natural) {
    FeatureSpec spec;
    spec.num_mels = num_mels;
    spec.log_scale = log_scale;
    return spec;
}

TEST(SpectralFlux, IsTheMeanOfTheRises) {
    SpectralFlux flux(spec_of(11));
    std::vector<float> mels(11, 3.0F);
    EXPECT_EQ(flux.compute(mels), 0.0F);  // nothing was before
    mels[0] += 2.0F;
    mels[5] -= 7.0F;
    mels[10] += 1.0F;
    EXPECT_FLOAT_EQ(flux.compute(mels), 3.0F / 11.0F);
    EXPECT_EQ(flux.compute(mels), 0.0F);
}

TEST(SpectralFlux, IsInTheUnitOfTheLogarithm) {
    SpectralFlux flux(spec_of(1, LogScale::Decibel));
    flux.compute(std::vector<float>{0.0F});
    EXPECT_FLOAT_EQ(flux.compute(std::vector<float>{std::log(100.0F)}), 20.0F);
}

TEST(SpectralFlux, ForgetsTheFrameBeforeAReset) {
    SpectralFlux flux(spec_of(1));
    flux.compute(std::vector<float>{0.0F});
    flux.reset();
    EXPECT_EQ(flux.compute(std::vector<float>{1.0F}), 0.0F);
    EXPECT_EQ(flux.compute(std::vector<float>{2.0F}), 1.0F);
}

}  // namespace
}  // namespace emotiond::dsp
