#include "model/training/sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <stdexcept>

namespace emotiond::model {
namespace {

using testing::ElementsAre;

constexpr std::size_t kNumLabels = 4;

/// Clips whose rows tell where they are from: the first feature is the clip's number, the second
/// the number of the row, the third that of the version.
class SamplerTest : public testing::Test {
 protected:
    SamplerTest() {
        recipe_.labels = {"neutral", "happy", "sad", "angry"};
        recipe_.features.num_coeffs = 3;
        recipe_.features.append_log_energy = false;
        recipe_.network.num_features = 3;
        recipe_.batch = 16;
        recipe_.min_crop_rows = 30;
        recipe_.max_crop_rows = 40;
        recipe_.mixup = 0.0;
        recipe_.time_mask_rows = 0;
        recipe_.copy_paste = 0.0;
        recipe_.label_smoothing = 0.1;
    }

    static Rows rows(float number, float version, std::size_t num_rows) {
        Rows made;
        made.num_rows = num_rows;
        made.begin = 5;
        made.end = num_rows - 5;
        for (std::size_t row = 0; row < num_rows; ++row) {
            made.values.insert(made.values.end(), {number, static_cast<float>(row), version});
        }
        return made;
    }

    void add(const std::string& corpus, const std::string& speaker, std::size_t label,
             std::size_t count = 1, std::size_t num_rows = 100) {
        for (std::size_t i = 0; i < count; ++i) {
            ClipFeatures& clip = clips_.emplace_back();
            clip.clip.corpus = corpus;
            clip.clip.speaker = speaker;
            clip.clip.label = label;
            clip.is_speech = corpus != kNoSpeech;
            const auto number = static_cast<float>(clips_.size() - 1);
            clip.rows = rows(number, 0.0F, num_rows);
            clip.variants.push_back(rows(number, 1.0F, num_rows));
        }
    }

    Sampler sampler() const {
        std::vector<const ClipFeatures*> all;
        for (const ClipFeatures& clip : clips_) {
            all.push_back(&clip);
        }
        return {all, labels_by_corpus(clips_, kNumLabels), recipe_};
    }

    static const float* row_of(const Crops& crops, std::size_t crop, std::size_t row) {
        return crops.rows.data() + (crop * crops.max_rows + row) * 3;
    }
    const ClipFeatures& clip_of(const Crops& crops, std::size_t crop, std::size_t row = 0) const {
        return clips_.at(static_cast<std::size_t>(row_of(crops, crop, row)[0]));
    }
    static std::vector<float> of_crop(const std::vector<float>& values, std::size_t crop) {
        const auto begin = values.begin() + static_cast<std::ptrdiff_t>(crop * kNumLabels);
        return {begin, begin + kNumLabels};
    }

    Recipe recipe_ = Recipe::of_kind("lstm");
    std::vector<ClipFeatures> clips_;
};

TEST_F(SamplerTest, HearsEveryLabelOfACorpusEquallyOftenAndCorporaByTheRootOfTheirSize) {
    add("large", "a", 0, 60);
    add("large", "a", 1, 20);
    add("large", "a", 3, 10);
    add("small", "b", 1, 2);
    add("small", "b", 2, 8);
    Sampler drawn = sampler();
    std::mt19937_64 random(1);
    std::map<std::pair<std::string, std::size_t>, double> share;
    constexpr int kBatches = 1250;  // 20 000 crops
    for (int i = 0; i < kBatches; ++i) {
        const Crops crops = drawn.next(random);
        for (std::size_t crop = 0; crop < 16; ++crop) {
            const Clip& clip = clip_of(crops, crop).clip;
            share[{clip.corpus, clip.label}] += 1.0 / (16.0 * kBatches);
        }
    }
    // Roots of 90 and 10 clips: 3 to 1. Deviations of a share are below 0.0031.
    for (const std::size_t label : {0, 1, 3}) {
        EXPECT_NEAR((share[{"large", label}]), 0.25, 0.013) << label;
    }
    for (const std::size_t label : {1, 2}) {
        EXPECT_NEAR((share[{"small", label}]), 0.125, 0.01) << label;
    }
    EXPECT_EQ(share.size(), 5U);
    EXPECT_EQ(drawn.batches_per_epoch(), 6U);  // of 100 clips
}

TEST_F(SamplerTest, ACropIsAStretchOfOneVersionOfAClipWithoutTheSilenceAround) {
    add("corpus", "a", 0, 3);
    add("corpus", "b", 1, 1, 20);  // ten audible rows
    Sampler drawn = sampler();
    std::mt19937_64 random(1);
    std::map<float, int> versions;
    std::map<std::size_t, int> lengths;
    for (int i = 0; i < 50; ++i) {
        const Crops crops = drawn.next(random);
        ++lengths[crops.max_rows];
        ASSERT_EQ(crops.rows.size(), 16 * crops.max_rows * 3);
        for (std::size_t crop = 0; crop < 16; ++crop) {
            const bool is_short = clip_of(crops, crop).clip.label == 1;
            const auto num_rows = static_cast<std::size_t>(crops.num_rows[crop]);
            EXPECT_EQ(num_rows, is_short ? 10U : crops.max_rows);
            const float* first = row_of(crops, crop, 0);
            ++versions[first[2]];
            EXPECT_GE(first[1], 5.0F);
            EXPECT_LT(row_of(crops, crop, num_rows - 1)[1], is_short ? 15.0F : 95.0F);
            for (std::size_t row = 0; row < num_rows; ++row) {
                EXPECT_EQ(row_of(crops, crop, row)[0], first[0]);
                EXPECT_EQ(row_of(crops, crop, row)[1], first[1] + static_cast<float>(row));
                EXPECT_EQ(row_of(crops, crop, row)[2], first[2]);
            }
            for (std::size_t row = num_rows; row < crops.max_rows; ++row) {
                EXPECT_EQ(row_of(crops, crop, row)[0], 0.0F);
            }
        }
    }
    EXPECT_NEAR(versions[0.0F], 400, 80);
    EXPECT_NEAR(versions[1.0F], 400, 80);
    EXPECT_GE(lengths.begin()->first, 30U);
    EXPECT_LE(lengths.rbegin()->first, 40U);
    EXPECT_GT(lengths.size(), 5U);
}

TEST_F(SamplerTest, SaysNothingOfLabelsThatACorpusDoesNotHave) {
    add("two", "a", 0);
    add("two", "a", 2);
    add("all", "b", 0);
    add("all", "b", 1);
    add("all", "b", 2);
    add("all", "b", 3);
    const auto known = labels_by_corpus(clips_, kNumLabels);
    EXPECT_THAT(known.at("two"), ElementsAre(true, false, true, false));
    EXPECT_THAT(known.at("all"), ElementsAre(true, true, true, true));
    Sampler drawn = sampler();
    std::mt19937_64 random(1);
    for (int i = 0; i < 20; ++i) {
        const Crops crops = drawn.next(random);
        for (std::size_t crop = 0; crop < 16; ++crop) {
            const Clip& clip = clip_of(crops, crop).clip;
            const std::vector<float> targets = of_crop(crops.targets, crop);
            const std::vector<float> allowed = of_crop(crops.allowed, crop);
            const float other = clip.corpus == "two" ? 0.05F : 0.025F;
            for (std::size_t label = 0; label < kNumLabels; ++label) {
                const bool has = clip.corpus == "all" || label == 0 || label == 2;
                EXPECT_EQ(allowed[label], has ? 1.0F : 0.0F);
                EXPECT_NEAR(targets[label],
                            (has ? other : 0.0F) + (label == clip.label ? 0.9F : 0.0F), 1e-6);
            }
            EXPECT_EQ(crops.speech[crop], 1.0F);
        }
    }
}

TEST_F(SamplerTest, CopyPastePutsANeutralStretchOfTheSameSpeakerBeforeAndKeepsTheLabel) {
    for (const char* speaker : {"a", "b"}) {
        add("corpus", speaker, 0, 2);
        add("corpus", speaker, 3, 2);
    }
    add("corpus", "c", 3, 2);  // nothing neutral of this one
    recipe_.copy_paste = 1.0;
    Sampler drawn = sampler();
    std::mt19937_64 random(1);
    int joined = 0;
    for (int i = 0; i < 20; ++i) {
        const Crops crops = drawn.next(random);
        for (std::size_t crop = 0; crop < 16; ++crop) {
            const auto num_rows = static_cast<std::size_t>(crops.num_rows[crop]);
            const ClipFeatures& last = clip_of(crops, crop, num_rows - 1);
            const std::size_t pasted = last.clip.speaker == "c" ? 0 : crops.max_rows / 3;
            EXPECT_EQ(num_rows, crops.max_rows);
            for (std::size_t row = 0; row < num_rows; ++row) {
                const Clip& clip = clip_of(crops, crop, row).clip;
                EXPECT_EQ(clip.speaker, last.clip.speaker);
                EXPECT_EQ(clip.label, row < pasted ? 0U : last.clip.label);
            }
            joined += pasted > 0 && last.clip.label == 3 ? 1 : 0;
            EXPECT_NEAR(of_crop(crops.targets, crop)[last.clip.label], 0.95, 1e-6);
        }
    }
    EXPECT_GT(joined, 40);
}

TEST_F(SamplerTest, CopyPasteIsDoneAsOftenAsTheRecipeSays) {
    add("corpus", "a", 0);
    add("corpus", "a", 3, 8);
    recipe_.copy_paste = 0.3;
    Sampler drawn = sampler();
    std::mt19937_64 random(1);
    double angry = 0.0;
    double joined = 0.0;
    for (int i = 0; i < 200; ++i) {
        const Crops crops = drawn.next(random);
        for (std::size_t crop = 0; crop < 16; ++crop) {
            const auto last = static_cast<std::size_t>(crops.num_rows[crop]) - 1;
            if (clip_of(crops, crop, last).clip.label == 3) {
                angry += 1.0;
                joined += clip_of(crops, crop).clip.label == 0 ? 1.0 : 0.0;
            }
        }
    }
    EXPECT_NEAR(joined / angry, 0.3, 0.05);
}

TEST_F(SamplerTest, AStretchWithinEachCropIsToBeBlanked) {
    add("corpus", "a", 0, 2);
    add("corpus", "a", 1, 2, 30);  // 20 audible rows: a stretch is shorter than a third of them
    recipe_.time_mask_rows = 8;
    Sampler drawn = sampler();
    std::mt19937_64 random(1);
    std::map<std::int64_t, int> lengths;
    std::map<std::int64_t, int> lengths_of_short;
    for (int i = 0; i < 60; ++i) {
        const Crops crops = drawn.next(random);
        for (std::size_t crop = 0; crop < 16; ++crop) {
            const std::int64_t length = crops.blank_rows[crop];
            EXPECT_GE(crops.blank_from[crop], 0);
            EXPECT_LE(crops.blank_from[crop] + length, crops.num_rows[crop]);
            ++(clip_of(crops, crop).clip.label == 1 ? lengths_of_short : lengths)[length];
        }
    }
    EXPECT_EQ(lengths.rbegin()->first, 8);
    EXPECT_NEAR(lengths[0], 53, 30);  // one in nine
    EXPECT_EQ(lengths.size(), 9U);
    EXPECT_EQ(lengths_of_short.rbegin()->first, 5);
    recipe_.time_mask_rows = 0;
    EXPECT_EQ(std::ranges::count(sampler().next(random).blank_rows, 0), 16);
}

TEST_F(SamplerTest, GivesEachCropAPartnerAndTheTargetsOfBoth) {
    add("corpus", "a", 0);
    add("corpus", "a", 1);
    recipe_.mixup = 1.0;
    recipe_.label_smoothing = 0.0;
    Sampler drawn = sampler();
    std::mt19937_64 random(1);
    int mixed = 0;
    for (int i = 0; i < 50; ++i) {
        const Crops crops = drawn.next(random);
        EXPECT_GE(crops.share, 0.5);
        EXPECT_LE(crops.share, 1.0);
        auto partners = crops.partner;
        std::ranges::sort(partners);
        for (std::size_t crop = 0; crop < 16; ++crop) {
            EXPECT_EQ(partners[crop], static_cast<std::int64_t>(crop));  // each is one's
            const auto partner = static_cast<std::size_t>(crops.partner[crop]);
            std::vector<float> expected(kNumLabels, 0.0F);
            expected[clip_of(crops, crop).clip.label] += static_cast<float>(crops.share);
            expected[clip_of(crops, partner).clip.label] += 1.0F - static_cast<float>(crops.share);
            for (std::size_t label = 0; label < kNumLabels; ++label) {
                EXPECT_NEAR(of_crop(crops.targets, crop)[label], expected[label], 1e-5);
            }
            mixed += expected[0] > 0.01F && expected[1] > 0.01F ? 1 : 0;
        }
    }
    EXPECT_GT(mixed, 200);
    recipe_.mixup = 0.0;
    const Crops apart = sampler().next(random);
    EXPECT_EQ(apart.share, 1.0);
    for (std::size_t crop = 0; crop < 16; ++crop) {
        EXPECT_EQ(apart.partner[crop], static_cast<std::int64_t>(crop));
    }
}

TEST_F(SamplerTest, MixedCropsOfTwoCorporaMayHaveTheLabelsOfBoth) {
    add("one", "a", 0);
    add("one", "a", 1);
    add("other", "b", 2);
    add("other", "b", 3);
    recipe_.mixup = 5.0;
    Sampler drawn = sampler();
    std::mt19937_64 random(1);
    int of_both = 0;
    for (int i = 0; i < 20; ++i) {
        const Crops crops = drawn.next(random);
        for (std::size_t crop = 0; crop < 16; ++crop) {
            const std::vector<float> targets = of_crop(crops.targets, crop);
            const std::vector<float> allowed = of_crop(crops.allowed, crop);
            for (std::size_t label = 0; label < kNumLabels; ++label) {
                EXPECT_EQ(allowed[label] > 0.0F, targets[label] > 0.0F);
            }
            of_both += std::ranges::count(allowed, 1.0F) == 4 ? 1 : 0;
        }
    }
    EXPECT_GT(of_both, 50);
}

TEST_F(SamplerTest, OneCropInEightHasNoSpeechAndIsNotMixedWithAny) {
    add("corpus", "a", 0, 4);
    add("corpus", "a", 1, 4);
    add(kNoSpeech, "rain", 0, 2);
    recipe_.network.speech_output = true;
    recipe_.mixup = 1.0;
    recipe_.copy_paste = 1.0;
    for (const int batch : {2, 8, 16, 40}) {
        recipe_.batch = batch;
        Sampler drawn = sampler();
        std::mt19937_64 random(1);
        for (int i = 0; i < 20; ++i) {
            const Crops crops = drawn.next(random);
            EXPECT_EQ(std::ranges::count(crops.speech, 0.0F), std::max(1, batch / 8));
            for (std::size_t crop = 0; crop < crops.speech.size(); ++crop) {
                const std::vector<float> targets = of_crop(crops.targets, crop);
                const float number = row_of(crops, crop, 0)[0];
                EXPECT_EQ(crops.speech[static_cast<std::size_t>(crops.partner[crop])],
                          crops.speech[crop]);
                if (crops.speech[crop] == 0.0F) {
                    EXPECT_EQ(crops.partner[crop], static_cast<std::int64_t>(crop));
                    EXPECT_THAT(targets, ElementsAre(0.0F, 0.0F, 0.0F, 0.0F));
                    EXPECT_THAT(of_crop(crops.allowed, crop), ElementsAre(0.0F, 0.0F, 0.0F, 0.0F));
                    EXPECT_TRUE(number == 8.0F || number == 9.0F) << number;
                } else {
                    EXPECT_NEAR(std::accumulate(targets.begin(), targets.end(), 0.0), 1.0, 1e-5);
                    EXPECT_LT(number, 8.0F);
                }
            }
        }
    }
}

TEST_F(SamplerTest, WithoutASpeechOutputOnlySpeechIsDrawn) {
    add("corpus", "a", 0, 2);
    add("corpus", "a", 1, 2);
    add(kNoSpeech, "rain", 0, 20);
    Sampler drawn = sampler();
    EXPECT_EQ(drawn.batches_per_epoch(), 1U);
    std::mt19937_64 random(1);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(std::ranges::count(drawn.next(random).speech, 0.0F), 0);
    }
}

TEST_F(SamplerTest, TheSameRandomNumbersGiveTheSameCrops) {
    add("corpus", "a", 0, 4);
    add("corpus", "a", 1, 4);
    add(kNoSpeech, "rain", 0, 2);
    recipe_.network.speech_output = true;
    recipe_.mixup = 0.2;
    recipe_.copy_paste = 0.5;
    recipe_.time_mask_rows = 10;
    const auto draw = [&](std::uint64_t seed, int before) {
        Sampler drawn = sampler();
        std::mt19937_64 other(99);
        for (int i = 0; i < before; ++i) {
            drawn.next(other);  // a sampler keeps no state of its own between batches
        }
        std::mt19937_64 random(seed);
        return drawn.next(random);
    };
    const Crops first = draw(1, 0);
    const Crops again = draw(1, 3);
    EXPECT_EQ(again.rows, first.rows);
    EXPECT_EQ(again.num_rows, first.num_rows);
    EXPECT_EQ(again.targets, first.targets);
    EXPECT_EQ(again.allowed, first.allowed);
    EXPECT_EQ(again.speech, first.speech);
    EXPECT_EQ(again.share, first.share);
    EXPECT_EQ(again.partner, first.partner);
    EXPECT_EQ(again.blank_from, first.blank_from);
    EXPECT_EQ(again.blank_rows, first.blank_rows);
    EXPECT_NE(draw(2, 0).rows, first.rows);
}

TEST_F(SamplerTest, NothingToTrainOnIsRefused) {
    EXPECT_THROW(sampler(), std::invalid_argument);
    add(kNoSpeech, "rain", 0, 2);
    EXPECT_THROW(sampler(), std::invalid_argument);
}

}  // namespace
}  // namespace emotiond::model
