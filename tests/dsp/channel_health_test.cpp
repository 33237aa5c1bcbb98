#include "dsp/channel_health.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace emotiond::dsp {
namespace {

using State = ChannelHealth::State;

constexpr int kRateHz = 16000;

std::vector<float> tone(float amplitude, double seconds) {
    std::vector<float> samples(static_cast<std::size_t>(seconds * kRateHz));
    for (std::size_t i = 0; i < samples.size(); ++i) {
        samples[i] = std::clamp(amplitude * std::sin(0.1F * static_cast<float>(i)), -1.0F, 1.0F);
    }
    return samples;
}

std::vector<float> constant(float value, double seconds) {
    return std::vector<float>(static_cast<std::size_t>(seconds * kRateHz), value);
}

TEST(ChannelHealth, OneValueForTenSecondsIsDeadAndAnotherSampleIsLife) {
    ChannelHealth health({}, kRateHz);
    EXPECT_FALSE(health.push(constant(0.0F, 9.9)));
    EXPECT_EQ(health.push(constant(0.0F, 0.2)), State::Dead);
    EXPECT_FALSE(health.push(constant(0.0F, 60)));
    EXPECT_EQ(health.push(tone(0.01F, 0.1)), State::Well);
    // A constant that is not zero is as dead.
    EXPECT_EQ(health.push(constant(0.3F, 11)), State::Dead);
}

TEST(ChannelHealth, QuietNoiseIsNotDead) {
    ChannelHealth health({}, kRateHz);
    EXPECT_FALSE(health.push(tone(1e-4F, 60)));
}

TEST(ChannelHealth, ASecondAtFullScaleIsClippedUntilItHasBeenWellForLong) {
    ChannelHealth health({}, kRateHz);
    EXPECT_FALSE(health.push(tone(0.9F, 5)));
    EXPECT_EQ(health.push(tone(3.0F, 1)), State::Clipped);
    EXPECT_FALSE(health.push(tone(3.0F, 5)));
    EXPECT_FALSE(health.push(tone(0.5F, 9)));
    EXPECT_EQ(health.push(tone(0.5F, 2)), State::Well);
}

TEST(ChannelHealth, EqualSamplesHaveEqualDigestsHoweverTheyAreCut) {
    const std::vector<float> samples = tone(0.5F, 3.5);
    ChannelHealth whole({}, kRateHz);
    ChannelHealth pieces({}, kRateHz);
    whole.push(samples);
    for (std::size_t at = 0; at < samples.size(); at += 700) {
        pieces.push(
            std::span(samples).subspan(at, std::min<std::size_t>(700, samples.size() - at)));
    }
    EXPECT_EQ(whole.digest().second, 3U);
    EXPECT_EQ(whole.digest(), pieces.digest());
    ChannelHealth other({}, kRateHz);
    other.push(tone(0.4F, 3.5));
    EXPECT_NE(other.digest(), whole.digest());
}

TEST(ChannelHealth, AHoleEndsNeitherDeathNorClipping) {
    ChannelHealth health({}, kRateHz);
    EXPECT_FALSE(health.push(constant(0.0F, 6)));
    health.skip_to(10 * kRateHz);
    EXPECT_EQ(health.push(constant(0.0F, 6)), State::Dead);
    health.skip_to(20 * kRateHz);
    EXPECT_EQ(health.state(), State::Dead);
    EXPECT_FALSE(health.push(constant(0.0F, 60)));
    EXPECT_EQ(health.push(tone(3.0F, 0.5)), State::Well);
    health.skip_to(80 * kRateHz + kRateHz * 6 / 10);  // clipped in this second, before and after
    EXPECT_EQ(health.push(tone(3.0F, 0.5)), State::Clipped);
    health.skip_to(100 * kRateHz);
    EXPECT_FALSE(health.push(tone(3.0F, 5)));
    health.reset();
    EXPECT_EQ(health.state(), State::Well);
    EXPECT_EQ(health.push(tone(3.0F, 1)), State::Clipped);
}

TEST(ChannelHealth, ASecondWithAHoleHasNoDigestAndTheNextIsThatOfItsSamples) {
    const std::vector<float> samples = tone(0.5F, 4.5);
    ChannelHealth whole({}, kRateHz);
    ChannelHealth holed({}, kRateHz);
    whole.push(std::span(samples).first(2 * kRateHz));
    holed.push(std::span(samples).first(kRateHz + 100));
    holed.skip_to(kRateHz + 300);
    holed.push(std::span(samples).subspan(kRateHz + 300, kRateHz - 300));
    EXPECT_EQ(whole.digest().second, 2U);
    EXPECT_EQ(holed.digest().second, 1U);
    whole.push(std::span(samples).subspan(2 * kRateHz));
    holed.push(std::span(samples).subspan(2 * kRateHz));
    EXPECT_EQ(holed.digest().second, 4U);
    EXPECT_EQ(holed.digest(), whole.digest());

    ChannelHealth late({}, kRateHz);
    late.push(std::span(samples).first(100));
    late.reset();
    EXPECT_EQ(late.digest(), ChannelHealth::Digest{});
    late.skip_to(2 * kRateHz);
    late.push(std::span(samples).subspan(2 * kRateHz));
    EXPECT_EQ(late.digest(), whole.digest());
}

TEST(ChannelHealth, CountsItsSecondsFromWhereItWasRestarted) {
    const std::vector<float> samples = tone(0.5F, 3.5);
    ChannelHealth one({}, kRateHz);
    ChannelHealth other({}, kRateHz);
    one.push(std::span(samples).first(100));
    one.restart(12345);
    EXPECT_EQ(one.digest(), ChannelHealth::Digest{});
    other.restart(12346);
    one.push(samples);
    other.push(std::span(samples).first(kRateHz));
    other.skip_to(12346 + kRateHz + 10);
    other.push(std::span(samples).subspan(kRateHz + 10));
    EXPECT_EQ(one.digest().second, 3U);
    EXPECT_EQ(other.digest(), one.digest());
}

}  // namespace
}  // namespace emotiond::dsp
