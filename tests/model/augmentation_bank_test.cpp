#include "model/training/augmentation_bank.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <stdexcept>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kRateHz = 16000;

using Files = std::vector<std::filesystem::path>;

std::string complaint(const Files& noise, const Files& impulse_responses) {
    try {
        const AugmentationBank bank(kRateHz, noise, impulse_responses);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

/// Recordings of one value each, by which to know them again: constant.wav of 0.1, 0.2 ...
Files write_constants(const std::filesystem::path& folder, const std::vector<std::string>& names) {
    std::filesystem::create_directories(folder);
    Files files;
    float value = 0.0F;
    for (const std::string& name : names) {
        value += 0.1F;
        files.push_back(folder / name);
        test::write_wav(files.back(), std::vector<float>(1000, value));
    }
    return files;
}

TEST(AugmentationBank, IsSyntheticWithoutFiles) {
    const AugmentationBank bank(kRateHz);
    const std::vector<float> voice = test::coloured_noise(16000, 0.5F, 1);
    Random random(1);
    const std::vector<float> noisy = bank.in_noise(voice, 6.0F, random);
    double noise_power = 0.0;
    for (std::size_t i = 0; i < voice.size(); ++i) {
        noise_power += std::pow(static_cast<double>(noisy[i] - voice[i]), 2.0);
    }
    const double noise_rms = std::sqrt(noise_power / static_cast<double>(voice.size()));
    EXPECT_NEAR(20.0 * std::log10(static_cast<double>(rms(voice)) / noise_rms), 6.0, 0.02);
    const std::vector<float> in_room = bank.in_room(voice, random);
    EXPECT_NE(in_room, voice);
    EXPECT_NEAR(rms(in_room), rms(voice), 1e-4);
    EXPECT_EQ(bank.num_noises(), 0U);
    EXPECT_EQ(bank.num_impulse_responses(), 0U);
}

TEST(AugmentationBank, UsesTheRecordingsItIsGivenAndNamesThoseItCannot) {
    const auto folder = test::scratch_folder();
    Files noise = write_constants(folder, {"a.wav", "b.wav"});
    noise.push_back(folder / "damaged.wav");
    test::write_bytes(noise.back(), "no audio");
    noise.push_back(folder / "silent.wav");
    test::write_wav(noise.back(), std::vector<float>(1000, 0.0F));
    std::vector<float> echo(2 * kRateHz, 0.0F);
    echo[100] = 0.9F;
    echo[300] = 0.45F;
    echo[100 + kRateHz + 10] = 0.9F;  // as loud, but later than a second: not kept
    test::write_wav(folder / "echo.wav", echo);

    const AugmentationBank bank(kRateHz, noise, Files{folder / "echo.wav"});
    EXPECT_EQ(bank.num_noises(), 2U);
    EXPECT_EQ(bank.num_impulse_responses(), 1U);
    EXPECT_THAT(bank.problems(),
                ElementsAre(HasSubstr("damaged.wav"),
                            AllOf(HasSubstr("silent.wav"), HasSubstr("all 1000 samples are 0"))));

    Random random(1);
    std::vector<float> click(20000, 0.0F);
    click[0] = 1.0F;
    const std::vector<float> heard = bank.in_room(click, random);
    EXPECT_NEAR(heard[200] / heard[0], 0.5, 1e-3);
    EXPECT_NEAR(heard[kRateHz + 10], 0.0, 1e-5);
    const std::vector<float> voice = test::coloured_noise(500, 0.5F, 1);
    const std::vector<float> noisy = bank.in_noise(voice, 0.0F, random);
    for (std::size_t i = 0; i < voice.size(); ++i) {  // constant noise
        ASSERT_NEAR(noisy[i] - voice[i], rms(voice), 1e-4);
    }
}

TEST(AugmentationBank, FilesOfWhichNoneCanBeUsedAreRefused) {
    const auto folder = test::scratch_folder();
    const Files damaged{folder / "a.wav"};
    test::write_bytes(damaged[0], "no audio");
    const Files good = write_constants(folder, {"b.wav"});
    EXPECT_EQ(complaint(good, good), "");
    EXPECT_THAT(
        complaint(damaged, {}),
        AllOf(HasSubstr("none of the recordings of noise can be used"), HasSubstr("a.wav")));
    EXPECT_THAT(
        complaint(good, damaged),
        AllOf(HasSubstr("none of the recordings of rooms can be used"), HasSubstr("a.wav")));
    EXPECT_THAT(complaint({"/nonexistent.wav"}, {}), HasSubstr("/nonexistent.wav"));
    EXPECT_EQ(complaint({damaged[0], good[0]}, {}), "");
}

TEST(AugmentationBank, IsDescribedByTheNamesAndSizesOfItsFiles) {
    const auto folder = test::scratch_folder();
    const Files files = write_constants(folder, {"a.wav", "b.wav"});
    const Files first{files[0]};
    const Files second{files[1]};
    const std::string before = AugmentationBank(kRateHz, first, {}).description();
    EXPECT_EQ(AugmentationBank(kRateHz, first, {}).description(), before);
    EXPECT_NE(AugmentationBank(kRateHz).description(), before);
    EXPECT_NE(AugmentationBank(kRateHz, second, {}).description(), before);
    EXPECT_NE(AugmentationBank(kRateHz, files, {}).description(), before);
    EXPECT_NE(AugmentationBank(kRateHz, {}, first).description(), before);
    EXPECT_NE(AugmentationBank(kRateHz, first, second).description(),
              AugmentationBank(kRateHz, files, {}).description());
    test::write_wav(files[0], std::vector<float>(999, 0.1F));
    EXPECT_NE(AugmentationBank(kRateHz, first, {}).description(), before);
}

class AugmentedTest : public testing::Test {
 protected:
    Augmented make(std::uint64_t seed) const {
        Random random(seed);
        return augmented(voice_, kRateHz, bank_, random);
    }

    AugmentationBank bank_{kRateHz};
    std::vector<float> voice_ = test::coloured_noise(8000, 0.7F, 1);
};

TEST_F(AugmentedTest, IsTheSameForTheSameSeedAndAnotherForAnother) {
    EXPECT_EQ(make(5).samples, make(5).samples);
    EXPECT_EQ(make(5).applied, make(5).applied);
    EXPECT_NE(make(5).samples, make(6).samples);
}

TEST_F(AugmentedTest, AppliesEachAsOftenAsItSays) {
    constexpr int kDraws = 1000;
    std::map<std::string, int> count;
    for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
        const Augmented result = make(seed);
        for (const char* name : {"speed", "room", "noise", "telephone", "low pass", "level"}) {
            count[name] += result.applied.find(name) != std::string::npos ? 1 : 0;
        }
        const double factor =
            static_cast<double>(voice_.size()) / static_cast<double>(result.samples.size());
        ASSERT_GT(factor, 0.89) << result.applied;
        ASSERT_LT(factor, 1.11) << result.applied;
        if (result.applied.find("speed") == std::string::npos) {
            ASSERT_EQ(result.samples.size(), voice_.size()) << result.applied;
        }
        for (const float sample : result.samples) {
            ASSERT_LE(std::abs(sample), 1.0F) << result.applied;  // no NaN either
        }
        ASSERT_GT(rms(result.samples), 0.05F * rms(voice_)) << result.applied;
    }
    // Within four standard deviations.
    EXPECT_NEAR(count["speed"], 500, 64);
    EXPECT_NEAR(count["room"], 333, 60);
    EXPECT_NEAR(count["noise"], 500, 64);
    EXPECT_NEAR(count["telephone"], 200, 51);
    EXPECT_NEAR(count["low pass"], 250, 55);
    EXPECT_EQ(count["level"], kDraws);
}

TEST_F(AugmentedTest, TakesNothingAndRefusesAnotherRate) {
    Random random(1);
    for (int i = 0; i < 50; ++i) {
        EXPECT_THAT(augmented({}, kRateHz, bank_, random).samples, IsEmpty());
    }
    EXPECT_THROW(augmented(voice_, 8000, bank_, random), std::invalid_argument);
}

}  // namespace
}  // namespace emotiond::model
