#include "model/training/clip_features.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <numbers>
#include <thread>

#include "dsp/feature_extractor.hpp"
#include "model/audio_file.hpp"
#include "model/training/augmentation_bank.hpp"
#include "model/training/degradations.hpp"
#include "model/training/feature_cache.hpp"
#include "tests/model/toy_corpus.hpp"

namespace emotiond::model {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kRateHz = 16000;

void expect_same(const Rows& one, const Rows& other) {
    EXPECT_EQ(one.num_rows, other.num_rows);
    EXPECT_EQ(one.begin, other.begin);
    EXPECT_EQ(one.end, other.end);
    EXPECT_EQ(one.values, other.values);
}

void expect_same(const LoadedClips& one, const LoadedClips& other) {
    EXPECT_EQ(one.problems, other.problems);
    ASSERT_EQ(one.clips.size(), other.clips.size());
    for (std::size_t i = 0; i < one.clips.size(); ++i) {
        EXPECT_EQ(one.clips[i].clip.path, other.clips[i].clip.path);
        EXPECT_EQ(one.clips[i].is_speech, other.clips[i].is_speech);
        expect_same(one.clips[i].rows, other.clips[i].rows);
        ASSERT_EQ(one.clips[i].windows.size(), other.clips[i].windows.size());
        for (std::size_t k = 0; k < one.clips[i].windows.size(); ++k) {
            EXPECT_EQ(one.clips[i].windows[k].first_row, other.clips[i].windows[k].first_row);
            EXPECT_EQ(one.clips[i].windows[k].num_rows, other.clips[i].windows[k].num_rows);
            EXPECT_EQ(one.clips[i].windows[k].voiced, other.clips[i].windows[k].voiced);
        }
        ASSERT_EQ(one.clips[i].variants.size(), other.clips[i].variants.size());
        for (std::size_t k = 0; k < one.clips[i].variants.size(); ++k) {
            expect_same(one.clips[i].variants[k], other.clips[i].variants[k]);
        }
    }
}

/// Four clips of a second, the third of which cannot be read, and one without speech.
class ClipFeaturesTest : public testing::Test {
 protected:
    ClipFeaturesTest() {
        spec_.num_coeffs = 5;
        spec_.num_mels = 12;
        options_.threads = 1;
        for (unsigned i = 0; i < 4; ++i) {
            const auto path = folder_ / (std::to_string(i) + ".wav");
            if (i == 2) {
                test::write_bytes(path, "no audio");
            } else {
                test::write_wav(path, test::toy_voice(i % 2, 16000, i));
            }
            clips_.push_back({path, "corpus", "anna", i % 2});
        }
        clips_.push_back({folder_ / "rain-1.wav", kNoSpeech, "rain"});
        test::write_wav(clips_.back().path, test::coloured_noise(16000, 0.9F, 9));
    }

    LoadedClips load() const { return load_clips(clips_, spec_, options_); }

    Rows rows_of(const std::vector<float>& samples) const {
        test::write_wav(folder_ / "one.wav", samples);
        const LoadedClips loaded =
            load_clips({{folder_ / "one.wav", "corpus", "anna", 0}}, spec_, options_);
        EXPECT_THAT(loaded.problems, IsEmpty());
        return loaded.clips.at(0).rows;
    }

    std::filesystem::path folder_ = test::scratch_folder();
    std::vector<Clip> clips_;
    dsp::FeatureSpec spec_;
    AugmentationBank bank_{kRateHz};
    LoadOptions options_;
};

TEST_F(ClipFeaturesTest, AreThoseOfTheExtractorInTheOrderOfTheClips) {
    const LoadedClips loaded = load();
    ASSERT_EQ(loaded.clips.size(), 4U);
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_THAT(loaded.problems[0], HasSubstr("2.wav"));
    EXPECT_FALSE(loaded.from_cache);
    std::vector<float> expected;
    dsp::FeatureExtractor extractor(spec_);
    const auto keep = [&](std::span<const float> row) {
        expected.insert(expected.end(), row.begin(), row.end());
    };
    extractor.push(read_recording(clips_[3].path).samples, keep);
    extractor.finish(keep);
    EXPECT_EQ(loaded.clips[2].rows.values, expected);
    EXPECT_EQ(loaded.clips[2].rows.num_rows, expected.size() / 5);
    EXPECT_EQ(loaded.clips[2].clip.label, 1U);
    for (const ClipFeatures& clip : loaded.clips) {
        EXPECT_THAT(clip.variants, IsEmpty());
        for (const ClipWindow& window : clip.windows) {
            EXPECT_LE(window.first_row + window.num_rows, clip.rows.num_rows);
        }
    }
}

TEST_F(ClipFeaturesTest, TellRecordingsWithoutSpeech) {
    const LoadedClips loaded = load();
    EXPECT_TRUE(loaded.clips[0].is_speech);
    EXPECT_FALSE(loaded.clips[3].is_speech);
    EXPECT_EQ(loaded.clips[3].clip.speaker, "rain");
}

TEST_F(ClipFeaturesTest, AreTheSameWhateverTheNumberOfThreads) {
    options_.variants = 2;
    options_.bank = &bank_;
    options_.degrade = [](std::span<const float> samples, int, Random& random) {
        return add_noise(samples, coloured_noise(samples.size(), random), 20.0F, random);
    };
    const LoadedClips one = load();
    options_.threads = 4;
    expect_same(load(), one);
}

TEST_F(ClipFeaturesTest, VariantsAreTwoSpeedsAndAsManyAsAskedFor) {
    options_.variants = 3;
    options_.bank = &bank_;
    const LoadedClips loaded = load();
    const ClipFeatures& clip = loaded.clips[0];
    ASSERT_EQ(clip.variants.size(), 5U);
    EXPECT_NEAR(static_cast<double>(clip.variants[0].num_rows), 98.0 / 0.9, 2.0);
    EXPECT_NEAR(static_cast<double>(clip.variants[1].num_rows), 98.0 / 1.1, 2.0);
    for (std::size_t i = 0; i < clip.variants.size(); ++i) {
        EXPECT_NE(clip.variants[i].values, clip.rows.values) << i;
        EXPECT_EQ(clip.variants[i].values.size(), clip.variants[i].num_rows * 5);
        EXPECT_LT(clip.variants[i].begin, clip.variants[i].end);
        EXPECT_LE(clip.variants[i].end, clip.variants[i].num_rows);
        for (std::size_t k = 0; k < i; ++k) {
            EXPECT_NE(clip.variants[i].values, clip.variants[k].values);
        }
    }
    options_.seed = 2;
    const LoadedClips other = load();
    EXPECT_EQ(other.clips[0].variants[0].values, clip.variants[0].values);  // nothing is drawn
    EXPECT_NE(other.clips[0].variants[2].values, clip.variants[2].values);
    EXPECT_EQ(other.clips[0].rows.values, clip.rows.values);
}

TEST_F(ClipFeaturesTest, TheSilenceAroundIsFoundAndTheOneBetweenIsKept) {
    std::vector<float> samples(4 * kRateHz, 0.0F);
    for (std::size_t i = kRateHz; i < 3 * kRateHz; ++i) {
        const bool is_pause = i >= 28000 && i < 36000;
        samples[i] = is_pause ? 0.0F
                              : 0.3F * std::sin(2.0F * std::numbers::pi_v<float> * 440.0F *
                                                static_cast<float>(i) / kRateHz);
    }
    const Rows rows = rows_of(samples);
    EXPECT_EQ(rows.num_rows, 398U);
    // The tone has rows 100 to 300; eight more are kept on either side, less the smoothing.
    EXPECT_GE(rows.begin, 90U);
    EXPECT_LE(rows.begin, 98U);
    EXPECT_GE(rows.end, 302U);
    EXPECT_LE(rows.end, 310U);

    for (std::size_t i = 0; i < samples.size(); ++i) {  // 20 dB below is no silence
        samples[i] += i % 2 == 0 ? 0.03F : -0.03F;
    }
    EXPECT_EQ(rows_of(samples).begin, 0U);
    EXPECT_EQ(rows_of(samples).end, 398U);

    std::vector<float> whole = test::coloured_noise(kRateHz, 0.5F, 3);
    EXPECT_EQ(rows_of(whole).begin, 0U);
    EXPECT_EQ(rows_of(whole).end, 98U);
    whole[8000] = 0.99F;  // a click is not the loudest part of the voice
    EXPECT_EQ(rows_of(whole).begin, 0U);
    EXPECT_EQ(rows_of(whole).end, 98U);
}

TEST_F(ClipFeaturesTest, AreThoseOfTheDegradedRecordingWhereOneIsAskedFor) {
    const LoadedClips clean = load();
    options_.degrade = [](std::span<const float> samples, int rate_hz, Random&) {
        EXPECT_EQ(rate_hz, kRateHz);
        return std::vector<float>(samples.rbegin(), samples.rend());
    };
    const LoadedClips reversed = load();
    ASSERT_EQ(reversed.clips.size(), clean.clips.size());
    EXPECT_NE(reversed.clips[0].rows.values, clean.clips[0].rows.values);
    std::vector<float> backwards = read_recording(clips_[0].path).samples;
    std::ranges::reverse(backwards);
    options_.degrade = {};
    const Rows expected = rows_of(backwards);
    ASSERT_EQ(reversed.clips[0].rows.values.size(), expected.values.size());
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
        ASSERT_NEAR(reversed.clips[0].rows.values[i], expected.values[i], 1e-2);
    }
    options_.degrade = [](std::span<const float> samples, int, Random&) {
        return std::vector<float>(samples.size(), 0.0F);
    };
    EXPECT_THAT(load().clips, IsEmpty());
    EXPECT_THAT(load().problems.at(0), HasSubstr("silent or too short"));
}

TEST_F(ClipFeaturesTest, EveryDegradationOfTheProtocolChangesTheRows) {
    const LoadedClips clean = load();
    std::vector<std::string> names;
    for (const auto& [name, degrade] : degradations(bank_)) {
        names.push_back(name);
        options_.degrade = degrade;
        const LoadedClips degraded = load();
        ASSERT_EQ(degraded.clips.size(), clean.clips.size()) << name;
        EXPECT_EQ(degraded.clips[0].rows.num_rows, clean.clips[0].rows.num_rows) << name;
        EXPECT_NE(degraded.clips[0].rows.values, clean.clips[0].rows.values) << name;
        expect_same(load(), degraded);
    }
    EXPECT_THAT(names, testing::ElementsAre("noise 20 dB", "noise 10 dB", "noise 0 dB",
                                            "reverberation", "telephone"));
}

TEST_F(ClipFeaturesTest, TellHowFarTheyAre) {
    std::vector<std::pair<std::size_t, std::size_t>> told;
    options_.on_progress = [&](std::size_t done, std::size_t all) { told.emplace_back(done, all); };
    load();
    EXPECT_EQ(told.size(), clips_.size() + 1);
    EXPECT_TRUE(std::ranges::is_sorted(told));
    EXPECT_EQ(told.back(), std::pair(clips_.size(), clips_.size()));
}

class FeatureCacheTest : public ClipFeaturesTest {
 protected:
    FeatureCacheTest() {
        options_.cache = folder_ / "cache" / "of features";
        options_.variants = 1;
        options_.bank = &bank_;
    }

    std::vector<std::filesystem::path> cached() const {
        std::vector<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator(options_.cache)) {
            files.push_back(entry.path());
        }
        return files;
    }
};

TEST_F(FeatureCacheTest, GivesTheSameAgain) {
    const LoadedClips first = load();
    EXPECT_FALSE(first.from_cache);
    EXPECT_EQ(cached().size(), 1U);
    int told = 0;
    options_.on_progress = [&](std::size_t done, std::size_t all) {
        ++told;
        EXPECT_EQ(done, all);
    };
    options_.threads = 3;
    const LoadedClips second = load();
    EXPECT_TRUE(second.from_cache);
    EXPECT_EQ(told, 1);
    expect_same(second, first);
    // What is not computed from the recording is that of the clip asked for.
    clips_[1].label = 7;
    clips_[1].corpus = kNoSpeech;
    const LoadedClips third = load();
    EXPECT_TRUE(third.from_cache);
    EXPECT_EQ(third.clips[1].clip.label, 7U);
    EXPECT_FALSE(third.clips[1].is_speech);
}

TEST_F(FeatureCacheTest, IsNotAskedWhereAnythingDiffersThatTheFeaturesDependOn) {
    test::write_wav(folder_ / "noise.wav", test::coloured_noise(8000, 0.5F, 1));
    const std::vector<std::filesystem::path> noise{folder_ / "noise.wav"};
    const AugmentationBank other_bank(kRateHz, noise, {});
    const LoadOptions before = options_;
    const dsp::FeatureSpec spec_before = spec_;
    load();
    const auto loads_anew = [&](const char* what) {
        const LoadedClips changed = load();
        EXPECT_FALSE(changed.from_cache) << what;
        options_.cache.clear();
        expect_same(changed, load());
        options_ = before;
        spec_ = spec_before;
    };
    spec_.lifter = 22;
    loads_anew("specification");
    options_.seed = 2;
    loads_anew("seed");
    options_.variants = 2;
    loads_anew("variants");
    options_.bank = &other_bank;
    loads_anew("bank");
    std::filesystem::last_write_time(noise[0], {});
    const AugmentationBank touched_bank(kRateHz, noise, {});
    options_.bank = &touched_bank;
    loads_anew("time of a file of the bank");
    options_.degrade = [](std::span<const float> samples, int rate_hz, Random&) {
        return telephone(samples, rate_hz);
    };
    options_.degrade_name = "telephone";
    loads_anew("degradation");
    options_.cache = folder_ / "elsewhere";
    loads_anew("folder");
    EXPECT_TRUE(load().from_cache) << "the first is still there";

    const auto time = std::filesystem::last_write_time(clips_[1].path);
    std::filesystem::last_write_time(clips_[1].path, time + std::chrono::seconds(1));
    loads_anew("time of a file");
    std::filesystem::last_write_time(clips_[1].path, time);
    EXPECT_TRUE(load().from_cache);
    test::write_wav(clips_[1].path, test::toy_voice(1, 17000, 1));
    std::filesystem::last_write_time(clips_[1].path, time);
    loads_anew("size of a file");
    test::write_wav(clips_[2].path, test::toy_voice(1, 16000, 5));
    loads_anew("a file that could not be read");
    std::swap(clips_[0], clips_[1]);
    loads_anew("order");
    clips_.pop_back();
    loads_anew("number of clips");
}

TEST_F(FeatureCacheTest, WithoutABankThereAreNoSpeeds) {
    options_.variants = 0;
    EXPECT_EQ(load().clips.at(0).variants.size(), 2U);
    options_.bank = nullptr;
    const LoadedClips loaded = load();
    EXPECT_FALSE(loaded.from_cache);
    EXPECT_TRUE(loaded.clips.at(0).variants.empty());
}

TEST_F(FeatureCacheTest, ADamagedFileIsComputedAnewAndReplaced) {
    clips_.resize(1);
    const LoadedClips first = load();
    const auto path = cached().at(0);
    const std::string whole = test::read_bytes(path);
    int number = 0;
    const auto replaces = [&](const std::string& damaged) {
        test::write_bytes(path, damaged);
        const LoadedClips anew = load();
        EXPECT_FALSE(anew.from_cache) << number;
        expect_same(anew, first);
        EXPECT_TRUE(test::read_bytes(path) == whole) << number;
        ++number;
    };
    for (std::size_t i = 0; i < 20; ++i) {
        replaces(whole.substr(0, whole.size() * i / 20));
        std::string flipped = whole;
        flipped[whole.size() * i / 20] ^= 4;
        replaces(flipped);
    }
    replaces(whole.substr(0, whole.size() - 1));
    std::string flipped = whole;
    flipped.back() ^= 1;
    replaces(flipped);
    EXPECT_TRUE(load().from_cache);
}

TEST_F(FeatureCacheTest, SeveralMayWriteTheSameAtOnce) {
    const LoadedClips loaded = load();
    const auto folder = folder_ / "shared";
    std::vector<std::size_t> kept(loaded.clips.size());
    std::atomic<int> failures = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 50; ++round) {
                try {
                    write_cached_features(folder, "key", loaded, kept);
                } catch (const std::exception&) {
                    ++failures;
                }
            }
        });
    }
    threads.clear();
    EXPECT_EQ(failures, 0);
    EXPECT_TRUE(read_cached_features(folder, "key", {loaded.clips.front().clip}));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
}

TEST_F(FeatureCacheTest, NothingIsLeftOfWhatCouldNotBeWritten) {
    const LoadedClips loaded = load();
    const auto path = cached().at(0);
    std::filesystem::remove(path);
    std::filesystem::create_directories(path / "in the way");
    EXPECT_THROW(load(), std::filesystem::filesystem_error);
    EXPECT_EQ(cached(), std::vector{path});
}

TEST_F(FeatureCacheTest, AFolderThatCannotBeWrittenIsNamed) {
    test::write_bytes(folder_ / "file", "");
    options_.cache = folder_ / "file" / "cache";
    EXPECT_THROW(load(), std::runtime_error);
}

}  // namespace
}  // namespace emotiond::model
