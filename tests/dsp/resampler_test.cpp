#include "dsp/resampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/dsp/signals.hpp"

namespace emotiond::dsp {
namespace {

using test::cut;
using test::make_noise;
using test::make_sine;

constexpr int kModelRateHz = 16000;

std::vector<float> resample(Resampler& resampler, const std::vector<float>& input,
                            std::size_t max_part, unsigned seed = 1) {
    std::vector<float> output;
    const auto append = [&](std::span<const float> samples) {
        output.insert(output.end(), samples.begin(), samples.end());
    };
    cut(input, max_part, seed, [&](std::span<const float> part) { resampler.push(part, append); });
    resampler.finish(append);
    return output;
}

class ResamplerFrom : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Rates, ResamplerFrom,
                         testing::Values(8000, 11025, 22050, 44100, 48000, 96000, 192000),
                         testing::PrintToStringParamName());

TEST_P(ResamplerFrom, KeepsFrequencyAmplitudeAndPhase) {
    const int rate_hz = GetParam();
    const auto num_input = static_cast<std::size_t>(rate_hz);  // one second
    for (const double hz : {220.0, 3000.0}) {
        SCOPED_TRACE(hz);
        Resampler resampler(rate_hz, kModelRateHz);
        const auto output = resample(resampler, make_sine(hz, rate_hz, 0.5, num_input), num_input);
        const auto expected = make_sine(hz, kModelRateHz, 0.5, kModelRateHz);
        ASSERT_EQ(output.size(), expected.size());
        float largest_error = 0.0F;
        for (std::size_t i = 1000; i + 1000 < output.size(); ++i) {
            largest_error = std::max(largest_error, std::abs(output[i] - expected[i]));
        }
        EXPECT_LT(largest_error, 1e-5F);
    }
}

TEST_P(ResamplerFrom, DoesNotDependOnTheCuts) {
    const std::vector<float> input = make_noise(30000, 7);
    Resampler resampler(GetParam(), kModelRateHz);
    const std::vector<float> whole = resample(resampler, input, input.size());
    for (const std::size_t max_part : {1U, 37U, 480U, 10000U}) {
        SCOPED_TRACE(max_part);
        resampler.reset();
        EXPECT_EQ(resample(resampler, input, max_part, 3), whole);
    }
}

TEST(Resampler, StopsWhatTheLowerRateCannotCarry) {
    Resampler resampler(48000, kModelRateHz);
    const auto output = resample(resampler, make_sine(9000.0, 48000, 0.5, 48000), 480);
    float loudest = 0.0F;
    for (std::size_t i = 1000; i + 1000 < output.size(); ++i) {
        loudest = std::max(loudest, std::abs(output[i]));
    }
    EXPECT_LT(loudest, 1e-5F);
}

TEST(Resampler, PassesEqualRatesThroughUntouched) {
    const std::vector<float> input = make_noise(1000, 5);
    Resampler resampler(kModelRateHz, kModelRateHz);
    std::size_t calls = 0;
    resampler.push(input, [&](std::span<const float> samples) {
        EXPECT_EQ(samples.data(), input.data());
        EXPECT_EQ(samples.size(), input.size());
        ++calls;
    });
    resampler.finish([&](std::span<const float>) { ++calls; });
    EXPECT_EQ(calls, 1U);
}

TEST(Resampler, RefusesRatesOutsideItsRange) {
    const auto message = [](int input_rate_hz, int output_rate_hz) -> std::string {
        try {
            const Resampler resampler(input_rate_hz, output_rate_hz);
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "accepted";
    };
    using testing::HasSubstr;
    EXPECT_THAT(message(7999, 16000), HasSubstr("input rate must be 8000 to 192000 Hz, got 7999"));
    EXPECT_THAT(message(192001, 16000), HasSubstr("input rate"));
    EXPECT_THAT(message(-1, 16000), HasSubstr("input rate"));
    EXPECT_THAT(message(16000, 0), HasSubstr("output rate must be 8000 to 192000 Hz, got 0"));
    EXPECT_EQ(message(8000, 192000), "accepted");
}

}  // namespace
}  // namespace emotiond::dsp
