#include "dsp/power_spectrum.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "tests/dsp/signals.hpp"

namespace emotiond::dsp {
namespace {

class PowerSpectrumOf : public testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Sizes, PowerSpectrumOf, testing::Values(2, 6, 400, 512, 2048),
                         testing::PrintToStringParamName());

TEST_P(PowerSpectrumOf, IsThatOfTheDiscreteFourierTransform) {
    const std::size_t size = GetParam();
    const std::vector<float> samples = test::make_noise(size, 3);
    PowerSpectrum spectrum(size);
    ASSERT_EQ(spectrum.input().size(), size);
    std::ranges::copy(samples, spectrum.input().begin());
    std::vector<float> power(size / 2 + 1);
    spectrum.compute(power);

    double scale = 0.0;
    for (const float sample : samples) {
        scale += std::abs(sample);
    }
    for (std::size_t k = 0; k <= size / 2; ++k) {
        std::complex<double> expected;
        for (std::size_t n = 0; n < size; ++n) {
            const double turns = static_cast<double>(k * n % size) / static_cast<double>(size);
            expected +=
                static_cast<double>(samples[n]) * std::polar(1.0, -2.0 * std::numbers::pi * turns);
        }
        EXPECT_NEAR(std::sqrt(power[k]), std::abs(expected), 1.5e-6 * scale) << "bin " << k;
    }
}

TEST_P(PowerSpectrumOf, StartsWithZerosAndKeepsItsInput) {
    PowerSpectrum spectrum(GetParam());
    EXPECT_THAT(spectrum.input(), testing::Each(0.0F));
    std::ranges::copy(test::make_noise(GetParam(), 4), spectrum.input().begin());
    std::vector<float> power(GetParam() / 2 + 1);
    spectrum.compute(power);
    EXPECT_THAT(spectrum.input(), testing::ElementsAreArray(test::make_noise(GetParam(), 4)));
}

}  // namespace
}  // namespace emotiond::dsp
