#include "model/training/augment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <set>
#include <stdexcept>

#include "dsp/power_spectrum.hpp"
#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::IsEmpty;

constexpr int kRateHz = 16000;

std::vector<float> sine(float hz, float amplitude, std::size_t size, int rate_hz = kRateHz) {
    std::vector<float> samples(size);
    for (std::size_t i = 0; i < size; ++i) {
        samples[i] = amplitude *
                     static_cast<float>(std::sin(2.0 * std::numbers::pi * static_cast<double>(hz) *
                                                 static_cast<double>(i) / rate_hz));
    }
    return samples;
}

std::vector<float> white_noise(std::size_t size, unsigned seed) {
    return test::coloured_noise(size, 0.0F, seed);
}

std::vector<float> difference(std::span<const float> left, std::span<const float> right) {
    std::vector<float> out(left.size());
    std::ranges::transform(left, right, out.begin(), std::minus<>());
    return out;
}

/// Mean power from low_hz to high_hz, in dB of any reference.
double band_db(std::span<const float> samples, double low_hz, double high_hz) {
    constexpr std::size_t kSize = 2048;
    dsp::PowerSpectrum spectrum(kSize);
    std::vector<float> bins(kSize / 2 + 1);
    double power = 0.0;
    for (std::size_t at = 0; at + kSize <= samples.size(); at += kSize / 2) {
        for (std::size_t i = 0; i < kSize; ++i) {
            const double turn = 2.0 * std::numbers::pi * static_cast<double>(i) / kSize;
            spectrum.input()[i] = samples[at + i] * static_cast<float>(0.42 - 0.5 * std::cos(turn) +
                                                                       0.08 * std::cos(2.0 * turn));
        }
        spectrum.compute(bins);
        for (std::size_t bin = 0; bin <= kSize / 2; ++bin) {
            const double hz = static_cast<double>(bin) * kRateHz / kSize;
            if (hz >= low_hz && hz < high_hz) {
                power += static_cast<double>(bins[bin]);
            }
        }
    }
    return 10.0 * std::log10(power / (high_hz - low_hz) + 1e-30);
}

double db(float ratio) {
    return 20.0 * std::log10(static_cast<double>(ratio));
}

TEST(Augment, NoiseStandsAtTheRatioThatIsAskedFor) {
    const std::vector<float> voice = test::coloured_noise(20000, 0.8F, 1);
    Random random(1);
    for (const std::size_t noise_size : {50000U, 20000U, 7000U, 1U}) {
        const std::vector<float> noise = white_noise(noise_size, 2);
        for (const float snr_db : {-5.0F, 0.0F, 17.0F, 30.0F}) {
            const std::vector<float> mixed = add_noise(voice, noise, snr_db, random);
            ASSERT_EQ(mixed.size(), voice.size());
            const std::vector<float> added = difference(mixed, voice);
            EXPECT_NEAR(db(rms(voice) / rms(added)), static_cast<double>(snr_db), 0.02)
                << noise_size;
        }
    }
}

TEST(Augment, NoiseComesFromARandomPlaceAndIsRepeatedWhereItIsShort) {
    const std::vector<float> voice = white_noise(4000, 1);
    const std::vector<float> noise = white_noise(1500, 2);
    std::set<float> beginnings;
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        Random random(seed);
        const std::vector<float> added = difference(add_noise(voice, noise, 0.0F, random), voice);
        beginnings.insert(added[0]);
        for (std::size_t i = 0; i + noise.size() < added.size(); ++i) {
            ASSERT_NEAR(added[i], added[i + noise.size()], 1e-6);
        }
        Random same(seed);
        EXPECT_EQ(difference(add_noise(voice, noise, 0.0F, same), voice), added);
    }
    EXPECT_GT(beginnings.size(), 6U);
}

TEST(Augment, SilentNoiseAddsNothingAndSilenceGetsNone) {
    const std::vector<float> voice = white_noise(1000, 1);
    const std::vector<float> silence(1000, 0.0F);
    Random random(1);
    EXPECT_EQ(add_noise(voice, silence, 10.0F, random), voice);
    EXPECT_EQ(add_noise(voice, {}, 10.0F, random), voice);
    EXPECT_EQ(add_noise(silence, voice, 10.0F, random), silence);
}

TEST(Augment, ColouredNoiseIsOfManyColours) {
    std::vector<double> tilts;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Random random(seed);
        const std::vector<float> noise = coloured_noise(32000, random);
        tilts.push_back(band_db(noise, 100, 1000) - band_db(noise, 6000, 7900));
        Random same(seed);
        EXPECT_EQ(coloured_noise(32000, same), noise);
    }
    EXPECT_LT(std::ranges::min(tilts), 6.0);
    EXPECT_GT(std::ranges::max(tilts), 18.0);
}

TEST(Augment, ARoomKeepsLevelLengthAndPlaceOfTheDirectSound) {
    const std::vector<float> voice = white_noise(30000, 1);
    Random random(2);
    std::vector<float> response = synthetic_impulse_response(kRateHz, 0.6F, 3.0F, random);
    response.insert(response.begin(), 357, 0.0F);  // the way from mouth to microphone
    const std::vector<float> heard = ImpulseResponse(response).reverberate(voice);
    ASSERT_EQ(heard.size(), voice.size());
    EXPECT_NEAR(db(rms(heard) / rms(voice)), 0.0, 0.01);
    const auto correlation = [&](std::ptrdiff_t lag) {
        double sum = 0.0;
        for (std::ptrdiff_t i = 500; i < 29500; ++i) {
            sum += static_cast<double>(voice[static_cast<std::size_t>(i)]) *
                   static_cast<double>(heard[static_cast<std::size_t>(i + lag)]);
        }
        return sum;
    };
    for (std::ptrdiff_t lag = -400; lag <= 400; ++lag) {
        if (lag != 0) {
            EXPECT_LT(std::abs(correlation(lag)), 0.5 * correlation(0)) << lag;
        }
    }
}

TEST(Augment, ARoomWithoutWallsChangesNothing) {
    const std::vector<float> voice = white_noise(5000, 1);
    const std::vector<float> heard =
        ImpulseResponse(std::vector{0.0F, 0.0F, -0.5F, 0.0F}).reverberate(voice);
    for (std::size_t i = 0; i < voice.size(); ++i) {
        ASSERT_NEAR(heard[i], -voice[i], 1e-5);
    }
    EXPECT_THROW(ImpulseResponse(std::vector<float>(5, 0.0F)), std::invalid_argument);
    EXPECT_THROW(ImpulseResponse(std::vector<float>()), std::invalid_argument);
}

TEST(Augment, ASyntheticRoomHasTheDecayAndTheDirectSoundThatAreAskedFor) {
    for (const float rt60_s : {0.2F, 0.5F, 1.0F}) {
        for (const float ratio_db : {-3.0F, 0.0F, 10.0F}) {
            Random random(7);
            const std::vector<float> response =
                synthetic_impulse_response(kRateHz, rt60_s, ratio_db, random);
            EXPECT_EQ(response[0], 1.0F);
            // Schroeder's backward integral of the tail, read between -5 and -25 dB.
            std::vector<double> left(response.size() + 1);
            for (std::size_t i = response.size(); i-- > 1;) {
                left[i] = left[i + 1] + std::pow(static_cast<double>(response[i]), 2.0);
            }
            EXPECT_NEAR(-10.0 * std::log10(left[1]), static_cast<double>(ratio_db), 0.01);
            const auto time_of = [&](double level_db) {
                const auto found = std::find_if(left.begin() + 1, left.end(), [&](double energy) {
                    return energy < left[1] * std::pow(10.0, level_db / 10.0);
                });
                return static_cast<double>(found - left.begin()) / kRateHz;
            };
            EXPECT_NEAR(3.0 * (time_of(-25.0) - time_of(-5.0)), static_cast<double>(rt60_s),
                        0.1 * static_cast<double>(rt60_s));
        }
    }
}

TEST(Augment, ALowPassLetsPassWhatIsBelowAndNothingAbove) {
    const std::vector<float> noise = white_noise(64000, 1);
    for (const float cutoff_hz : {2500.0F, 4000.0F, 6000.0F}) {
        const double cutoff = static_cast<double>(cutoff_hz);
        const std::vector<float> dark = low_pass(noise, kRateHz, cutoff_hz);
        ASSERT_EQ(dark.size(), noise.size());
        EXPECT_NEAR(band_db(dark, 50, 0.85 * cutoff), band_db(noise, 50, 0.85 * cutoff), 0.1);
        EXPECT_LT(band_db(dark, 1.12 * cutoff, 7900), band_db(noise, 1.12 * cutoff, 7900) - 65.0);
    }
    EXPECT_EQ(low_pass(noise, kRateHz, 8000.0F), noise);
    EXPECT_THROW(low_pass(noise, kRateHz, 0.0F), std::invalid_argument);
}

TEST(Augment, ALowPassDelaysNothing) {
    const std::vector<float> tone = sine(500.0F, 0.5F, 8000);
    const std::vector<float> passed = low_pass(tone, kRateHz, 3000.0F);
    for (std::size_t i = 1000; i < 7000; ++i) {
        ASSERT_NEAR(passed[i], tone[i], 1e-3);
    }
}

TEST(Augment, ATelephoneKeepsItsBandAndItsEightBits) {
    const std::vector<float> noise = white_noise(64000, 1);
    const std::vector<float> heard = telephone(noise, kRateHz);
    ASSERT_EQ(heard.size(), noise.size());
    EXPECT_NEAR(band_db(heard, 450, 3200), band_db(noise, 450, 3200), 0.3);
    EXPECT_LT(band_db(heard, 20, 200), band_db(noise, 20, 200) - 20.0);
    EXPECT_LT(band_db(heard, 4200, 7900), band_db(noise, 4200, 7900) - 40.0);

    const std::vector<float> tone = sine(937.0F, 0.3F, 16000);
    const std::vector<float> tone_heard = telephone(tone, kRateHz);
    const std::span<const float> middle(tone.data() + 2000, 12000);
    const std::vector<float> error = difference(std::span(tone_heard).subspan(2000, 12000), middle);
    const double snr_db = db(rms(middle) / rms(error));
    EXPECT_GT(snr_db, 30.0);  // in place, at its level
    EXPECT_LT(snr_db, 45.0);  // G.711 has no more
    for (const int rate_hz : {8000, 22050, 44100}) {
        EXPECT_EQ(telephone(sine(1000.0F, 0.3F, 12345, rate_hz), rate_hz).size(), 12345U);
    }
}

TEST(Augment, ATelephoneClipsWhatIsTooLoud) {
    for (const float sample : telephone(sine(1000.0F, 3.0F, 16000), kRateHz)) {
        ASSERT_LT(std::abs(sample), 1.4F);  // the resampler rings around what was clipped
    }
}

TEST(Augment, SpeedChangesLengthAndPitch) {
    for (const int rate_hz : {8000, 16000, 44100}) {
        const std::vector<float> tone = sine(400.0F, 0.5F, 20000, rate_hz);
        for (const float factor : {0.9F, 1.0F, 1.07F}) {
            const std::vector<float> changed = change_speed(tone, rate_hz, factor);
            EXPECT_NEAR(static_cast<double>(changed.size()), 20000.0 / static_cast<double>(factor),
                        3.0);
            const std::vector<float> expected =
                sine(400.0F * factor, 0.5F, changed.size(), rate_hz);
            for (std::size_t i = 2000; i < 10000; ++i) {
                ASSERT_NEAR(changed[i], expected[i], 0.02) << rate_hz << " x " << factor;
            }
        }
    }
    EXPECT_THROW(change_speed(sine(400.0F, 0.5F, 100), kRateHz, 0.4F), std::invalid_argument);
    EXPECT_THROW(change_speed(sine(400.0F, 0.5F, 100), kRateHz, 2.5F), std::invalid_argument);
}

TEST(Augment, AmplifyingCountsWhatItClips) {
    const Amplified louder =
        amplify(std::vector{0.1F, -0.2F, 0.6F, -0.7F, 0.5F}, 20.0F * std::log10(2.0F));
    EXPECT_EQ(louder.num_clipped, 2U);
    EXPECT_THAT(louder.samples, testing::Pointwise(testing::FloatNear(1e-5F),
                                                   std::vector{0.2F, -0.4F, 1.0F, -1.0F, 1.0F}));
    const std::vector<float> voice = test::coloured_noise(10000, 0.5F, 1);
    const Amplified quiet = set_level(voice, -40.0F);
    EXPECT_NEAR(db(rms(quiet.samples)), -40.0, 0.01);
    EXPECT_EQ(quiet.num_clipped, 0U);
    EXPECT_GT(set_level(voice, 0.0F).num_clipped, 100U);
    EXPECT_EQ(set_level(std::vector<float>(10, 0.0F), -20.0F).samples,
              std::vector<float>(10, 0.0F));
}

TEST(Augment, NothingStaysNothing) {
    Random random(1);
    EXPECT_THAT(add_noise({}, std::vector{0.5F}, 10.0F, random), IsEmpty());
    EXPECT_THAT(coloured_noise(0, random), IsEmpty());
    EXPECT_THAT(ImpulseResponse(std::vector{1.0F, 0.5F}).reverberate({}), IsEmpty());
    EXPECT_THAT(low_pass({}, kRateHz, 3000.0F), IsEmpty());
    EXPECT_THAT(telephone({}, kRateHz), IsEmpty());
    EXPECT_THAT(change_speed({}, kRateHz, 0.9F), IsEmpty());
    EXPECT_THAT(amplify({}, 3.0F).samples, IsEmpty());
    EXPECT_THAT(set_level({}, -20.0F).samples, IsEmpty());
    EXPECT_EQ(rms({}), 0.0F);
}

}  // namespace
}  // namespace emotiond::model
