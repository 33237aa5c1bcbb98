#include "dsp/real_fft.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "tests/dsp/signals.hpp"

namespace emotiond::dsp {
namespace {

class RealFftOf : public testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Sizes, RealFftOf, testing::Values(2, 6, 400, 512, 2048),
                         testing::PrintToStringParamName());

TEST_P(RealFftOf, IsTheDiscreteFourierTransform) {
    const std::size_t size = GetParam();
    const std::vector<float> samples = test::make_noise(size, 3);
    RealFft fft(size);
    ASSERT_EQ(fft.input().size(), size);
    std::ranges::copy(samples, fft.input().begin());
    const std::span<const float> spectrum = fft.execute();
    ASSERT_EQ(spectrum.size(), 2 * (size / 2 + 1));

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
        EXPECT_NEAR(spectrum[2 * k], expected.real(), 1e-6 * scale) << "bin " << k;
        EXPECT_NEAR(spectrum[2 * k + 1], expected.imag(), 1e-6 * scale) << "bin " << k;
    }
}

TEST_P(RealFftOf, StartsWithZerosAndKeepsItsInput) {
    RealFft fft(GetParam());
    EXPECT_THAT(fft.input(), testing::Each(0.0F));
    std::ranges::copy(test::make_noise(GetParam(), 4), fft.input().begin());
    fft.execute();
    EXPECT_THAT(fft.input(), testing::ElementsAreArray(test::make_noise(GetParam(), 4)));
}

}  // namespace
}  // namespace emotiond::dsp
