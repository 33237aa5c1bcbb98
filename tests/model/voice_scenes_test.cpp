#include "model/training/voice_scenes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

constexpr int kRateHz = 16000;

SceneMaterial material() {
    return {kRateHz, {{test::clip("12a02Wc.flac")}, {test::clip("13a02Ta.flac")}}, {}, {}, {}};
}

TEST(SpeechHops, AreThoseOfTheLoudPart) {
    std::vector<float> samples = test::coloured_noise(2 * kRateHz, 0.0F, 1);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        samples[i] *= i >= 8000 && i < 24000 ? 0.1F : 1e-4F;
    }
    const std::vector<bool> speech = speech_hops(samples, kRateHz, 160);
    ASSERT_EQ(speech.size(), 200U);
    for (std::size_t i = 0; i < speech.size(); ++i) {
        const bool is_near_an_edge = (i >= 47 && i < 50) || (i >= 150 && i < 153);
        EXPECT_TRUE(is_near_an_edge || speech[i] == (i >= 50 && i < 150)) << i;
    }
}

TEST(SpeechHops, ClosesShortGapsAlone) {
    std::vector<float> samples = test::coloured_noise(3 * kRateHz, 0.0F, 1);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const bool is_short_gap = i >= 16000 && i < 17600;
        const bool is_long_gap = i >= 30000 && i < 38000;
        samples[i] *= is_short_gap || is_long_gap ? 1e-5F : 0.1F;
    }
    const std::vector<bool> speech = speech_hops(samples, kRateHz, 160);
    EXPECT_TRUE(speech[105]);
    EXPECT_FALSE(speech[210]);
}

TEST(SpeechHops, CountsInMilliseconds) {
    std::vector<float> samples = test::coloured_noise(3 * kRateHz, 0.0F, 1);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const bool is_short_gap = i >= 16000 && i < 18000;  // 125 ms
        const bool is_long_gap = i >= 30000 && i < 33600;   // 225 ms
        samples[i] *= is_short_gap || is_long_gap ? 1e-5F : 0.1F;
    }
    for (const int hop : {40, 80, 160, 320}) {
        const std::vector<bool> speech = speech_hops(samples, kRateHz, hop);
        EXPECT_TRUE(speech[17000U / static_cast<unsigned>(hop)]) << hop;
        EXPECT_FALSE(speech[31800U / static_cast<unsigned>(hop)]) << hop;
        // Smoothed over 50 ms it begins 25 ms later, and ends as much sooner.
        const auto gap = std::ranges::count(speech, false) * hop;
        EXPECT_NEAR(static_cast<double>(gap), 3600 - 800, 320) << hop;
    }
}

TEST(SpeechHops, HasNoneOfNothing) {
    EXPECT_TRUE(speech_hops({}, kRateHz, 160).empty());
    EXPECT_TRUE(speech_hops(std::vector<float>(100), kRateHz, 160).empty());
    EXPECT_EQ(speech_hops(std::vector<float>(1600), kRateHz, 160), std::vector<bool>(10, false));
}

TEST(VoiceScenes, AreTheSameForTheSameRandom) {
    const SceneMaterial from = material();
    const dsp::FeatureSpec spec;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        Random one(seed);
        Random other(seed);
        const VoiceScene scene = draw_scene(from, spec, 5.0, one);
        const VoiceScene again = draw_scene(from, spec, 5.0, other);
        EXPECT_EQ(scene.samples, again.samples);
        EXPECT_EQ(scene.speech, again.speech);
        EXPECT_EQ(scene.samples.size(), 5U * kRateHz);
        EXPECT_EQ(scene.speech.size(), 500U);
        const Random third(seed + 100);
        Random copy = third;
        EXPECT_NE(draw_scene(from, spec, 5.0, copy).samples, scene.samples);
    }
}

TEST(VoiceScenes, HaveSpeechAndNone) {
    const SceneMaterial from = material();
    std::size_t with_speech = 0;
    double share = 0.0;
    constexpr int kScenes = 40;
    for (int i = 0; i < kScenes; ++i) {
        Random random(static_cast<std::uint64_t>(i));
        const VoiceScene scene = draw_scene(from, dsp::FeatureSpec{}, 5.0, random);
        const auto rows = std::ranges::count(scene.speech, true);
        with_speech += rows > 0 ? 1U : 0U;
        share += static_cast<double>(rows) / static_cast<double>(scene.speech.size()) / kScenes;
        for (const float sample : scene.samples) {
            ASSERT_TRUE(std::abs(sample) <= 1.0F);
        }
    }
    EXPECT_GT(with_speech, 20U);
    EXPECT_LT(with_speech, 40U);
    EXPECT_GT(share, 0.2);
    EXPECT_LT(share, 0.7);
}

TEST(VoiceScenes, NeedSomebodyWhoSpeaks) {
    EXPECT_THROW(SceneMaterial(kRateHz, {}, {}, {}, {}), std::runtime_error);
    EXPECT_THROW(SceneMaterial(kRateHz, {{}}, {}, {}, {}), std::runtime_error);
}

TEST(VoiceScenes, TellWhatCannotBeRead) {
    const auto folder = test::scratch_folder();
    test::write_bytes(folder / "bad.wav", "no audio");
    const std::vector<std::filesystem::path> bad{folder / "bad.wav"};
    EXPECT_THROW(SceneMaterial(kRateHz, {bad}, bad, {}, {}), std::runtime_error);
    const std::vector<std::filesystem::path> mixed{folder / "bad.wav", test::clip("14a02Nc.flac")};
    const SceneMaterial some(kRateHz, {mixed}, {}, mixed, {});
    EXPECT_EQ(some.music().size(), 1U);
    EXPECT_EQ(some.problems().size(), 1U);
}

TEST(VoiceScenes, LeaveOutSpeechThatCannotBeUsedAndTellIt) {
    const auto folder = test::scratch_folder();
    test::write_bytes(folder / "bad.wav", "no audio");
    test::write_wav(folder / "silent.wav", std::vector<float>(kRateHz));
    const SceneMaterial some(kRateHz,
                             {{folder / "bad.wav"},
                              {test::clip("12a02Wc.flac")},
                              {test::clip("13a02Ta.flac"), folder / "silent.wav"}},
                             {}, {}, {});
    std::set<std::string> problems;
    std::size_t with_speech = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Random random(seed);
        VoiceScene scene = draw_scene(some, dsp::FeatureSpec{}, 5.0, random);
        with_speech += std::ranges::count(scene.speech, true) > 0 ? 1U : 0U;
        problems.merge(scene.problems);
    }
    EXPECT_GT(with_speech, 10U);
    EXPECT_THAT(problems, testing::UnorderedElementsAre(testing::HasSubstr("bad.wav"),
                                                        testing::HasSubstr("silent.wav")));
}

TEST(VoiceScenes, GiveUpWhereNoSpeechCanBeUsed) {
    const auto folder = test::scratch_folder();
    test::write_bytes(folder / "bad.wav", "no audio");
    const SceneMaterial none(kRateHz, {{folder / "bad.wav"}}, {}, {}, {});
    const auto draw_some = [&] {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            Random random(seed);
            draw_scene(none, dsp::FeatureSpec{}, 5.0, random);
        }
    };
    try {
        draw_some();
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("20 recordings of speech in a row cannot be "
                                                     "used; the last: "));
        EXPECT_THAT(error.what(), testing::HasSubstr("bad.wav"));
    }
}

/// Share of the energy at a frequency, by Goertzel.
double share_at(const std::vector<float>& samples, double hz) {
    double re = 0.0;
    double im = 0.0;
    double energy = 0.0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double turn = 2.0 * 3.14159265358979 * hz * static_cast<double>(i) / kRateHz;
        re += static_cast<double>(samples[i]) * std::cos(turn);
        im += static_cast<double>(samples[i]) * std::sin(turn);
        energy += static_cast<double>(samples[i]) * samples[i];
    }
    return 2.0 * (re * re + im * im) / (energy * static_cast<double>(samples.size()));
}

TEST(VoiceScenes, HumIsMadeOfHarmonicsOfTheMains) {
    Random random(1);
    const std::vector<float> samples = hum(kRateHz / 4, kRateHz, random);
    double best = 0.0;
    for (const double mains : {50.0, 60.0}) {
        double share = 0.0;
        for (int harmonic = 1; harmonic <= 40; ++harmonic) {
            share += share_at(samples, mains * harmonic);
        }
        best = std::max(best, share);
    }
    EXPECT_GT(best, 0.9);
}

TEST(VoiceScenes, EverySyntheticSoundSounds) {
    for (const Sound sound : {hum, telephone_tones, keyboard, synthetic_music}) {
        for (std::uint64_t seed = 0; seed < 10; ++seed) {
            Random random(seed);
            const std::vector<float> samples = sound(3 * kRateHz, kRateHz, random);
            ASSERT_EQ(samples.size(), 3U * kRateHz);
            EXPECT_GT(rms(samples), 1e-3F);
            EXPECT_TRUE(std::ranges::all_of(samples, [](float s) { return std::isfinite(s); }));
            EXPECT_TRUE(sound(0, kRateHz, random).empty());
        }
    }
}

}  // namespace
}  // namespace emotiond::model
