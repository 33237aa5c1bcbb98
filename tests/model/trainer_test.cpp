#include "model/training/trainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "model/classifier.hpp"
#include "model/labels.hpp"
#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

/// A corpus that a network can learn: "neutral" has slow syllables, "angry" fast ones, whoever
/// speaks.
class TrainerTest : public testing::Test {
 protected:
    static constexpr std::size_t kNeutral = 0;
    static constexpr std::size_t kAngry = 4;

    TrainerTest() {
        spec_.num_coeffs = 8;
        spec_.num_mels = 20;
        std::vector<Clip> clips;
        unsigned seed = 0;
        for (const std::string speaker : {"anna", "bert", "carl", "dora"}) {
            for (int take = 0; take < 6; ++take) {
                for (const std::size_t label : {kNeutral, kAngry}) {
                    const auto path = folder_ / (std::to_string(++seed) + ".wav");
                    std::vector<float> samples = test::coloured_noise(24000, 0.5F, seed);
                    const std::size_t syllable = label == kAngry ? 1600 : 6400;
                    for (std::size_t i = 0; i < samples.size(); ++i) {
                        samples[i] *= (i / syllable) % 2 == 0 ? 1.0F : 0.01F;
                    }
                    test::write_wav(path, samples);
                    clips.push_back({path, "corpus", speaker, label});
                }
            }
        }
        LoadedClips loaded = load_clips(clips, spec_, {}, 1, [](std::size_t, std::size_t) {});
        EXPECT_THAT(loaded.problems, testing::IsEmpty());
        clips_ = std::move(loaded.clips);
        recipe_.epochs = 8;
        recipe_.batch = 8;
        recipe_.max_crop_rows = 140;
    }

    Bundle train_in(
        const std::string& name, std::stop_token stop = {},
        std::function<void(const EpochReport&)> on_epoch = [](const EpochReport&) {}) {
        TrainerEnvironment environment;
        environment.run_folder = folder_ / name;
        environment.device = "cpu";
        environment.threads = 1;
        environment.stop = std::move(stop);
        environment.on_epoch = std::move(on_epoch);
        return train(clips_, spec_, {"carl"}, {"dora"}, recipe_, environment);
    }

    std::filesystem::path folder_ = test::scratch_folder();
    dsp::FeatureSpec spec_;
    std::vector<ClipFeatures> clips_;
    Recipe recipe_;
};

TEST_F(TrainerTest, LearnsWhatCanBeHeardAndAnswersForASpeakerItNeverHeard) {
    recipe_.epochs = 100;
    recipe_.patience = 100;
    recipe_.mixup = 0.0;
    const Bundle bundle = train_in("run");
    const std::vector<CorpusResult> results = evaluate(bundle, clips_, {"dora"}, 1);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].corpus_labels.total(), 12U);
    EXPECT_GT(results[0].corpus_labels.unweighted_accuracy(), 0.9);
    // The bundle stands on its own: saved, loaded and asked through the service's classifier.
    Bundle saved = bundle;
    saved.save(folder_ / "model");
    Classifier classifier(Bundle::load(folder_ / "model"), {"cpu", 1});
    EXPECT_EQ(classifier.bundle().labels.size(), kEmotions.size());
}

TEST_F(TrainerTest, ARunThatWasCutOffEndsWithTheSameWeights) {
    const Bundle whole = train_in("whole");
    std::stop_source stop;
    int epochs_of_first = 0;
    const Bundle cut = train_in("cut", stop.get_token(), [&](const EpochReport& report) {
        epochs_of_first = report.epoch;
        if (report.epoch == 3) {
            stop.request_stop();
        }
    });
    EXPECT_TRUE(cut.tensors.empty());
    EXPECT_EQ(epochs_of_first, 3);
    int first_after = 0;
    const Bundle resumed = train_in("cut", {}, [&](const EpochReport& report) {
        first_after = first_after == 0 ? report.epoch : first_after;
    });
    EXPECT_EQ(first_after, 4);
    EXPECT_EQ(resumed.temperature, whole.temperature);
    for (const auto& [name, tensor] : whole.tensors) {
        EXPECT_EQ(resumed.tensors.at(name).values, tensor.values) << name;
    }
}

TEST_F(TrainerTest, ARunFolderOfAnotherRecipeIsRefused) {
    recipe_.epochs = 1;
    train_in("run");
    recipe_.learning_rate *= 2;
    EXPECT_THROW(train_in("run"), std::runtime_error);
}

TEST_F(TrainerTest, ASplitWithoutTrainingOrValidationClipsIsRefused) {
    TrainerEnvironment environment;
    environment.run_folder = folder_ / "none";
    EXPECT_THROW(train(clips_, spec_, {"nobody"}, {}, recipe_, environment), std::runtime_error);
    EXPECT_THROW(train(clips_, spec_, {"anna"}, {"bert", "carl", "dora"}, recipe_, environment),
                 std::runtime_error);
}

TEST_F(TrainerTest, ClipsThatCannotBeUsedAreNamed) {
    test::write_wav(folder_ / "silent.wav", std::vector<float>(32000, 0.0F));
    const LoadedClips loaded = load_clips({{folder_ / "silent.wav", "corpus", "anna", 0},
                                           {folder_ / "gone.wav", "corpus", "anna", 0}},
                                          spec_, {}, 1, [](std::size_t, std::size_t) {});
    EXPECT_TRUE(loaded.clips.empty());
    ASSERT_EQ(loaded.problems.size(), 2U);
    EXPECT_THAT(loaded.problems[0], testing::HasSubstr("silent or too short"));
    EXPECT_THAT(loaded.problems[1], testing::HasSubstr("gone.wav"));
}

}  // namespace
}  // namespace emotiond::model
