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

std::string complaint(const AugmentationBank::Folders& folders) {
    try {
        const AugmentationBank bank(kRateHz, folders);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

/// Recordings of one value each, by which to know them again: constant.wav of 0.1, 0.2 ...
void write_constants(const std::filesystem::path& folder, const std::vector<std::string>& names) {
    std::filesystem::create_directories(folder);
    float value = 0.0F;
    for (const std::string& name : names) {
        value += 0.1F;
        test::write_wav(folder / name, std::vector<float>(1000, value));
    }
}

TEST(AugmentationBank, IsSyntheticWithoutFolders) {
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

TEST(AugmentationBank, UsesTheRecordingsOfItsFoldersAndNamesThoseItCannot) {
    const auto folder = test::scratch_folder();
    write_constants(folder / "noise" / "inner", {"a.wav", "b.wav"});
    test::write_bytes(folder / "noise" / "damaged.wav", "no audio");
    test::write_wav(folder / "noise" / "silent.wav", std::vector<float>(1000, 0.0F));
    std::filesystem::create_directories(folder / "rir");
    std::vector<float> echo(2 * kRateHz, 0.0F);
    echo[100] = 0.9F;
    echo[300] = 0.45F;
    echo[100 + kRateHz + 10] = 0.9F;  // as loud, but later than a second: not kept
    test::write_wav(folder / "rir" / "echo.wav", echo);

    const AugmentationBank bank(kRateHz, {folder / "noise", folder / "rir", {}});
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

TEST(AugmentationBank, TakesOnlyTheNoiseWhoseRowHasOneOfTheWords) {
    const auto folder = test::scratch_folder();
    write_constants(folder, {"a.wav", "b.wav", "c.wav", "d.wav"});
    test::write_bytes(folder / "manifest.csv",
                      "file,fold,sound\na.wav,fold1,rain\nb.wav,fold2,rain\nc.wav,fold3,dog\n"
                      "gone.wav,fold3,dog\n");
    EXPECT_EQ(AugmentationBank(kRateHz, {folder, {}, {}}).num_noises(), 4U);
    EXPECT_EQ(AugmentationBank(kRateHz, {folder, {}, {"fold1", "fold2"}}).num_noises(), 2U);
    const AugmentationBank bank(kRateHz, {folder, {}, {"fold3"}});
    EXPECT_EQ(bank.num_noises(), 1U);
    EXPECT_THAT(bank.problems(), ElementsAre(HasSubstr("gone.wav")));
    EXPECT_THAT(complaint({folder, {}, {"fold4"}}),
                HasSubstr("no noise in " + folder.string() + " can be used"));
}

TEST(AugmentationBank, AFolderWithoutAnythingUsableIsRefused) {
    const auto folder = test::scratch_folder();
    EXPECT_THAT(complaint({folder, {}, {}}), HasSubstr("no noise in " + folder.string()));
    test::write_bytes(folder / "a.wav", "no audio");
    EXPECT_THAT(complaint({{}, folder, {}}),
                AllOf(HasSubstr("no impulse response in"), HasSubstr("a.wav")));
    EXPECT_NE(complaint({"/nonexistent", {}, {}}), "");
    EXPECT_NE(complaint({folder, {}, {"fold1"}}), "");  // no manifest
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
