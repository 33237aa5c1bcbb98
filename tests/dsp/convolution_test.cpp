#include "dsp/convolution.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/dsp/signals.hpp"

namespace emotiond::dsp {
namespace {

/// By the definition, in double precision.
std::vector<double> direct(const std::vector<float>& samples, const std::vector<float>& response) {
    std::vector<double> out(samples.size() + response.size() - 1);
    for (std::size_t n = 0; n < samples.size(); ++n) {
        for (std::size_t k = 0; k < response.size(); ++k) {
            out[n + k] += static_cast<double>(samples[n]) * static_cast<double>(response[k]);
        }
    }
    return out;
}

class ConvolutionOf : public testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};

// Below, at and above the block of 1024, and with lengths that are no powers of two.
INSTANTIATE_TEST_SUITE_P(Sizes, ConvolutionOf,
                         testing::Values(std::pair(1, 1), std::pair(5, 3), std::pair(3, 700),
                                         std::pair(5000, 1), std::pair(5000, 255),
                                         std::pair(1024, 512), std::pair(1025, 513),
                                         std::pair(9000, 3001)));

TEST_P(ConvolutionOf, IsWhatTheDefinitionSays) {
    const auto [num_samples, length] = GetParam();
    const std::vector<float> samples = test::make_noise(num_samples, 1);
    const std::vector<float> response = test::make_noise(length, 2);
    const std::vector<float> out = Convolution(response).convolve(samples);
    const std::vector<double> expected = direct(samples, response);
    ASSERT_EQ(out.size(), expected.size());
    double scale = 0.0;
    for (const double value : expected) {
        scale = std::max(scale, std::abs(value));
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        ASSERT_NEAR(out[i], expected[i], 3e-6 * scale + 1e-9) << "sample " << i;
    }
}

TEST(Convolution, GivesTheSameToAllThreadsAndAfterAMove) {
    const std::vector<float> samples = test::make_noise(20000, 3);
    Convolution first(test::make_noise(2000, 4));
    const std::vector<float> expected = first.convolve(samples);
    const Convolution convolution(std::move(first));
    std::vector<std::vector<float>> found(4);
    {
        std::vector<std::jthread> threads;
        for (std::vector<float>& out : found) {
            threads.emplace_back([&] { out = convolution.convolve(samples); });
        }
    }
    for (const std::vector<float>& out : found) {
        EXPECT_EQ(out, expected);
    }
}

TEST(Convolution, OfNothingIsNothingAndWithNothingIsRefused) {
    EXPECT_THAT(Convolution(std::vector{1.0F, 2.0F}).convolve({}), testing::IsEmpty());
    EXPECT_THROW(Convolution(std::vector<float>()), std::invalid_argument);
}

}  // namespace
}  // namespace emotiond::dsp
