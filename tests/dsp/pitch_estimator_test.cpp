#include "dsp/pitch_estimator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/dsp/signals.hpp"

namespace emotiond::dsp {
namespace {

constexpr int kRateHz = 16000;

FeatureSpec spec_with(F0Difference difference) {
    FeatureSpec spec;
    spec.f0 = true;
    spec.f0_difference = difference;
    return spec;
}

PitchEstimator::Pitch pitch_of(const std::vector<float>& frame,
                               F0Difference difference = F0Difference::Overlap) {
    return PitchEstimator(spec_with(difference)).estimate(frame);
}

std::vector<float> voice(double hz) {
    return test::make_voice(hz, 10, kRateHz, 1024);
}

/// d' as the definition has it, in double.
std::vector<double> normalised_differences(const std::vector<float>& frame, bool overlap,
                                           std::size_t max_period) {
    std::vector<double> normalised(max_period + 1, 0.0);
    double sum = 0.0;
    for (std::size_t k = 1; k <= max_period; ++k) {
        double difference = 0.0;
        for (std::size_t n = 0; n < frame.size(); ++n) {
            const bool inside = n + k < frame.size();
            if (inside || !overlap) {
                const double shifted = inside ? frame[n + k] : 0.0F;
                difference += (frame[n] - shifted) * (frame[n] - shifted);
            }
        }
        difference /= static_cast<double>(overlap ? frame.size() - k : frame.size());
        sum += difference;
        normalised[k] = difference * static_cast<double>(k) / sum;
    }
    return normalised;
}

TEST(PitchEstimator, HearsTheFundamentalOfAVoice) {
    for (const double hz : {66.0, 80.0, 123.4, 200.0, 333.0, 490.0}) {
        const auto pitch = pitch_of(voice(hz));
        EXPECT_NEAR(pitch.hz, hz, 0.002 * hz);
        EXPECT_GT(pitch.voicing, 0.95F) << hz << " Hz";
    }
}

TEST(PitchEstimator, HearsAFundamentalThatIsNotThere) {
    std::vector<float> frame = voice(150.0);
    const auto fundamental = test::make_sine(150.0, kRateHz, 0.05, frame.size());
    std::ranges::transform(frame, fundamental, frame.begin(), std::minus<>());
    EXPECT_NEAR(pitch_of(frame).hz, 150.0, 0.5);
}

TEST(PitchEstimator, ExpectsNoVoiceInNoise) {
    std::vector<float> noise = test::make_noise(3000, 5);
    noise.erase(noise.begin(), noise.begin() + 1000);
    noise.resize(1024);
    const auto pitch = pitch_of(noise);
    EXPECT_LT(pitch.voicing, 0.05F);
    EXPECT_GE(pitch.hz, 64.0F);
    EXPECT_LE(pitch.hz, 500.0F);
}

TEST(PitchEstimator, IsAsUnsureOfALongPeriodAsZerosBehindTheFrameMakeIt) {
    EXPECT_GT(pitch_of(voice(80.0), F0Difference::Overlap).voicing, 0.95F);
    EXPECT_LT(pitch_of(voice(80.0), F0Difference::Zeros).voicing, 0.6F);
    EXPECT_NEAR(pitch_of(voice(80.0), F0Difference::Zeros).hz, 80.0, 0.5);
}

TEST(PitchEstimator, HearsNothingInSilence) {
    for (const F0Difference difference : {F0Difference::Overlap, F0Difference::Zeros}) {
        const auto pitch = pitch_of(std::vector<float>(1024, 0.0F), difference);
        EXPECT_EQ(pitch.voicing, 0.0F);
        EXPECT_EQ(pitch.hz, 500.0F);  // the first of equals
    }
}

TEST(PitchEstimator, DoesNotMindTheLevelOrAnOffset) {
    const auto expected = pitch_of(voice(150.0));
    for (const float gain : {1e-4F, 1.0F, 32768.0F}) {
        std::vector<float> frame = voice(150.0);
        for (float& sample : frame) {
            sample = gain * (sample + 0.5F);
        }
        EXPECT_NEAR(pitch_of(frame).hz, expected.hz, 1e-3F);
        EXPECT_EQ(pitch_of(frame).voicing, expected.voicing);
    }
}

TEST(PitchEstimator, IsAsSureAsItsDeepestTroughIsDeep) {
    // The share of beta(2, 18)'s thresholds above the trough, in steps of 0.01, summed from its
    // density 342 x (1 - x)^17.
    const auto expected_voicing = [](double trough) {
        const double steps = std::floor(trough * 100.0) / 100.0;
        double below = 0.0;
        constexpr double kStep = 1e-5;
        for (double x = kStep / 2.0; x < steps; x += kStep) {
            below += kStep * 342.0 * x * std::pow(1.0 - x, 17.0);
        }
        return 1.0 - below + 0.01 * below;
    };
    std::vector<float> noise = test::make_noise(2024, 6);
    noise.erase(noise.begin(), noise.begin() + 1000);
    for (const bool overlap : {true, false}) {
        float last = 1.0F;
        for (const float share : {0.0F, 0.1F, 0.2F, 0.3F, 0.5F, 1.0F}) {
            std::vector<float> frame = voice(250.0);
            for (std::size_t n = 0; n < frame.size(); ++n) {
                frame[n] += share * noise[n];
            }
            const std::vector<double> d = normalised_differences(frame, overlap, 247);
            double trough = 1.0;
            for (std::size_t k = 33; k < 247; ++k) {
                trough = d[k] < d[k - 1] && d[k] <= d[k + 1] ? std::min(trough, d[k]) : trough;
            }
            const auto pitch =
                pitch_of(frame, overlap ? F0Difference::Overlap : F0Difference::Zeros);
            EXPECT_NEAR(pitch.voicing, expected_voicing(trough), 1e-4) << share;
            EXPECT_LE(pitch.voicing, last);
            last = pitch.voicing;
        }
    }
}

TEST(PitchEstimator, WorksAtAnyRateAndSize) {
    for (const int rate_hz : {8000, 22050, 48000}) {
        for (const int frame_samples : {2048, 2050, 3000}) {
            FeatureSpec spec;
            spec.sample_rate_hz = rate_hz;
            spec.high_hz = 4000.0F;
            spec.f0 = true;
            spec.f0_frame_samples = frame_samples;
            spec.validate();
            const auto size = static_cast<std::size_t>(frame_samples);
            const auto pitch =
                PitchEstimator(spec).estimate(test::make_voice(140.0, 10, rate_hz, size));
            EXPECT_NEAR(pitch.hz, 140.0, 0.5) << rate_hz << ' ' << size;
        }
    }
}

}  // namespace
}  // namespace emotiond::dsp
