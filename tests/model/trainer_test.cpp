#include "model/training/trainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "model/classifier.hpp"
#include "model/timeline.hpp"
#include "tests/model/toy_corpus.hpp"

namespace emotiond::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Of four speakers one is validated on, one is tested.
class TrainerTest : public testing::Test {
 protected:
    TrainerTest() {
        LoadedClips loaded = load_clips(test::toy_clips(folder_, {"anna", "bert", "carl", "dora"}),
                                        recipe_.features, {.threads = 1});
        EXPECT_THAT(loaded.problems, testing::IsEmpty());
        clips_ = std::move(loaded.clips);
        for (const ClipFeatures& clip : clips_) {
            roles_.push_back(clip.clip.speaker == "carl"   ? Role::Validation
                             : clip.clip.speaker == "dora" ? Role::Test
                                                           : Role::Train);
        }
    }

    TrainerEnvironment environment(const std::string& name) const {
        TrainerEnvironment environment;
        environment.run_folder = folder_ / name;
        environment.device = "cpu";
        environment.threads = 1;
        return environment;
    }

    Bundle train_in(
        const std::string& name, std::stop_token stop = {},
        std::function<void(const EpochReport&)> on_epoch = [](const EpochReport&) {}) {
        TrainerEnvironment asked = environment(name);
        asked.stop = std::move(stop);
        asked.on_epoch = std::move(on_epoch);
        return train(clips_, roles_, recipe_, asked);
    }

    std::string complaint(const std::string& name) {
        try {
            train_in(name);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "";
    }

    std::vector<const ClipFeatures*> clips_in(Role role) const {
        std::vector<const ClipFeatures*> chosen;
        for (std::size_t i = 0; i < clips_.size(); ++i) {
            if (roles_[i] == role) {
                chosen.push_back(&clips_[i]);
            }
        }
        return chosen;
    }

    /// Share of the test clips whose label gets the highest score.
    double accuracy(const Bundle& bundle) const {
        const auto tested = clips_in(Role::Test);
        const std::vector<ClipAnswer> answers = answer_clips(bundle, tested, 1);
        std::size_t right = 0;
        for (std::size_t i = 0; i < tested.size(); ++i) {
            right += best_label(answers[i].scores) == tested[i]->clip.label ? 1 : 0;
        }
        return static_cast<double>(right) / static_cast<double>(tested.size());
    }

    std::filesystem::path folder_ = test::scratch_folder();
    Recipe recipe_ = test::toy_recipe("lstm");
    std::vector<ClipFeatures> clips_;
    std::vector<Role> roles_;
};

TEST_F(TrainerTest, LearnsWhatCanBeHeardAndAnswersForASpeakerItNeverHeard) {
    recipe_.epochs = 60;
    recipe_.learning_rate = 1e-2;
    const Bundle bundle = train_in("run");
    EXPECT_EQ(clips_in(Role::Test).size(), 12U);
    EXPECT_GT(accuracy(bundle), 0.9);
    // The bundle stands on its own: saved, loaded and asked through the service's classifier.
    Bundle saved = bundle;
    saved.save(folder_ / "model");
    Classifier classifier(Bundle::load(folder_ / "model"), {"cpu", 1});
    EXPECT_EQ(classifier.bundle().labels, recipe_.labels);
    const ClipFeatures& tested = *clips_in(Role::Test).back();
    const ClipAnswer answer = answer_clips(bundle, std::vector{&tested}, 1).front();
    const Timeline timeline =
        classify_recording(classifier, read_recording(tested.clip.path), dsp::WindowOptions{});
    ASSERT_EQ(timeline.verdict.size(), 2U);
    EXPECT_NEAR(timeline.verdict[0], answer.scores[0], 1e-4);
}

TEST_F(TrainerTest, ARunThatWasCutOffEndsWithTheSameWeights) {
    recipe_.mixup = 0.2;
    recipe_.time_mask_rows = 20;
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
    EXPECT_FALSE(whole.tensors.empty());
    for (const auto& [name, tensor] : whole.tensors) {
        EXPECT_EQ(resumed.tensors.at(name).values, tensor.values) << name;
    }
}

TEST_F(TrainerTest, ARunFolderOfAnotherRunIsRefusedWithWhatDiffers) {
    recipe_.epochs = 1;
    train_in("run");
    EXPECT_EQ(complaint("run"), "");
    recipe_.learning_rate = 0.0625;
    EXPECT_THAT(complaint("run"), AllOf(HasSubstr("holds another run"),
                                        HasSubstr("/recipe/learning_rate"), HasSubstr("0.0625")));
    recipe_.learning_rate = test::toy_recipe("lstm").learning_rate;
    std::swap(roles_.front(), roles_.back());  // as many of each, but others
    EXPECT_THAT(complaint("run"), AllOf(HasSubstr("holds another run"), HasSubstr("/roles")));
    std::swap(roles_.front(), roles_.back());
    roles_.front() = Role::Unused;
    EXPECT_THAT(complaint("run"), HasSubstr("/clips/corpus/unused"));
}

TEST_F(TrainerTest, RolesThatLeaveNothingToTrainOnAreRefused) {
    std::ranges::fill(roles_, Role::Validation);
    EXPECT_THAT(complaint("none"), HasSubstr("training needs clips to train on, got 0 and 48"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "none"));
}

TEST_F(TrainerTest, ClipsThatCannotBeUsedAreNamed) {
    test::write_wav(folder_ / "silent.wav", std::vector<float>(32000, 0.0F));
    const LoadedClips loaded = load_clips({{folder_ / "silent.wav", "corpus", "anna", 0},
                                           {folder_ / "gone.wav", "corpus", "anna", 0}},
                                          recipe_.features, {.threads = 1});
    EXPECT_TRUE(loaded.clips.empty());
    ASSERT_EQ(loaded.problems.size(), 2U);
    EXPECT_THAT(loaded.problems[0], HasSubstr("silent or too short"));
    EXPECT_THAT(loaded.problems[1], HasSubstr("gone.wav"));
}

}  // namespace
}  // namespace emotiond::model
