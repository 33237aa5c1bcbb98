#include "model/training/trainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "model/classifier.hpp"
#include "model/timeline.hpp"
#include "tests/model/toy_corpus.hpp"

namespace emotiond::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;

double mean_of(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

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

TEST_F(TrainerTest, TheLogHasEveryEpochOnceAfterAResumptionToo) {
    recipe_.epochs = 4;
    std::stop_source stop;
    train_in("run", stop.get_token(), [&](const EpochReport& report) {
        if (report.epoch == 2) {
            stop.request_stop();
        }
    });
    train_in("run");
    train_in("run");  // nothing left to do
    std::ifstream csv(folder_ / "run" / "log.csv");
    std::ifstream jsonl(folder_ / "run" / "log.jsonl");
    std::string line;
    std::getline(csv, line);
    EXPECT_EQ(line, "epoch,loss,validation_ua,seconds");
    for (int epoch = 1; epoch <= 4; ++epoch) {
        ASSERT_TRUE(std::getline(csv, line));
        EXPECT_EQ(line.substr(0, 2), std::to_string(epoch) + ",");
        ASSERT_TRUE(std::getline(jsonl, line));
        const auto told = nlohmann::json::parse(line);
        EXPECT_EQ(told.at("epoch"), epoch);
        EXPECT_GT(told.at("loss").get<double>(), 0.0);
    }
    EXPECT_FALSE(std::getline(csv, line));
    EXPECT_FALSE(std::getline(jsonl, line));
}

/// Validation clips whose labels are wrong: the more is learnt, the worse they are answered.
class StoppingTest : public TrainerTest {
 protected:
    StoppingTest() {
        for (std::size_t i = 0; i < clips_.size(); ++i) {
            if (roles_[i] == Role::Validation) {
                clips_[i].clip.label = 1 - clips_[i].clip.label;
            }
        }
        recipe_.epochs = 60;
        recipe_.learning_rate = 1e-2;
        recipe_.average_decay = 0.9;
    }

    void train_on() {
        bundle_ =
            train_in("run", {}, [&](const EpochReport& report) { reports_.push_back(report); });
    }

    /// Of the bundle, at temperature 1; as many clips of either label.
    double validation_accuracy() const {
        const auto validated = clips_in(Role::Validation);
        const std::vector<ClipAnswer> answers = answer_clips(bundle_, validated, 1);
        double right = 0.0;
        for (std::size_t i = 0; i < validated.size(); ++i) {
            right += best_label(answers[i].uncalibrated) == validated[i]->clip.label ? 1.0 : 0.0;
        }
        return right / static_cast<double>(validated.size());
    }

    Bundle bundle_;
    std::vector<EpochReport> reports_;
};

TEST_F(StoppingTest, PatienceEndsTheRunAndKeepsItsBestEpoch) {
    recipe_.patience = 20;
    train_on();
    const auto best = std::ranges::max_element(reports_, {}, &EpochReport::validation_ua);
    EXPECT_EQ(reports_.back().epoch, best->epoch + 20);
    EXPECT_LT(reports_.back().epoch, 60);
    EXPECT_EQ(reports_.back().best_ua, best->validation_ua);
    ASSERT_LT(reports_.back().validation_ua, best->validation_ua - 0.1);
    EXPECT_NEAR(validation_accuracy(), best->validation_ua, 1e-9);
}

TEST_F(StoppingTest, ARunThatWasCutOffRemembersItsBestEpoch) {
    recipe_.patience = 20;
    train_on();
    const std::vector<EpochReport> whole = reports_;
    std::stop_source stop;
    const auto cut_at = whole.size() - 3;  // behind the best epoch
    train_in("cut", stop.get_token(), [&](const EpochReport& report) {
        if (report.epoch == static_cast<int>(cut_at)) {
            stop.request_stop();
        }
    });
    reports_.clear();
    const Bundle resumed =
        train_in("cut", {}, [&](const EpochReport& report) { reports_.push_back(report); });
    EXPECT_EQ(reports_.size(), 3U);
    EXPECT_EQ(reports_.back().best_ua, whole.back().best_ua);
    for (const auto& [name, tensor] : bundle_.tensors) {
        EXPECT_EQ(resumed.tensors.at(name).values, tensor.values) << name;
    }
}

TEST_F(StoppingTest, WithoutPatienceTheLastEpochIsKept) {
    train_on();
    EXPECT_EQ(reports_.back().epoch, 60);
    ASSERT_LT(reports_.back().validation_ua, reports_.back().best_ua - 0.1);
    EXPECT_NEAR(validation_accuracy(), reports_.back().validation_ua, 1e-9);
}

TEST_F(TrainerTest, WithoutValidationClipsItTrainsToTheEndOrNotAtAll) {
    for (Role& role : roles_) {
        role = role == Role::Validation ? Role::Unused : role;
    }
    recipe_.epochs = 2;
    recipe_.patience = 2;
    EXPECT_THAT(
        complaint("run"),
        HasSubstr("needs clips to train on and validation clips, got 24 and 0 with speech"));
    recipe_.patience = 0;
    std::vector<EpochReport> reports;
    const Bundle bundle =
        train_in("run", {}, [&](const EpochReport& report) { reports.push_back(report); });
    ASSERT_EQ(reports.size(), 2U);
    EXPECT_EQ(reports[1].validation_ua, 0.0);
    EXPECT_EQ(bundle.temperature, 1.0F);
    EXPECT_FALSE(bundle.tensors.empty());
    // The second epoch was kept, not what the network began with.
    recipe_.epochs = 1;
    EXPECT_NE(train_in("shorter").tensors.at("output.weight").values,
              bundle.tensors.at("output.weight").values);
}

TEST_F(TrainerTest, EveryKindTrains) {
    for (const std::string& kind : network_kinds()) {
        recipe_ = test::toy_recipe(kind);
        recipe_.epochs = 2;
        const Bundle bundle = train_in(kind);
        EXPECT_EQ(bundle.name, kind);
        for (const auto& [name, tensor] : bundle.tensors) {
            for (const float value : tensor.values) {
                ASSERT_TRUE(std::isfinite(value)) << kind << " " << name;
            }
        }
        Classifier classifier(bundle, {"cpu", 1});
        const ClipFeatures& clip = clips_.front();
        const ClassifierInput input{clip.rows.values, clip.rows.num_rows};
        EXPECT_EQ(classifier.classify({&input, 1}).front().scores.size(), 2U) << kind;
    }
}

/// Each clip is centred first for kinds that read nothing but centred rows.
TEST_F(TrainerTest, NormalisesByTheAudibleRowsOfTheTrainingClips) {
    for (const std::string& kind : network_kinds()) {
        recipe_ = test::toy_recipe(kind);
        recipe_.epochs = 1;
        const Bundle bundle = train_in(kind);
        const std::size_t num_features = recipe_.features.num_features();
        for (std::size_t feature = 0; feature < num_features; ++feature) {
            std::vector<double> all;
            for (std::size_t i = 0; i < clips_.size(); ++i) {
                if (roles_[i] != Role::Train) {
                    continue;
                }
                const Rows& rows = clips_[i].rows;
                std::vector<double> values;
                for (std::size_t row = rows.begin; row < rows.end; ++row) {
                    values.push_back(rows.values[row * num_features + feature]);
                }
                const double centre = kind == "dnn" || kind == "crnn" ? 0.0 : mean_of(values);
                for (const double value : values) {
                    all.push_back(value - centre);
                }
            }
            const double mean = mean_of(all);
            double squares = 0.0;
            for (const double value : all) {
                squares += (value - mean) * (value - mean);
            }
            const double deviation = std::sqrt(squares / static_cast<double>(all.size()));
            EXPECT_NEAR(bundle.tensors.at("mean").values.at(feature), mean, 1e-4) << kind;
            EXPECT_NEAR(bundle.tensors.at("inverse_deviation").values.at(feature) * deviation, 1.0,
                        1e-4)
                << kind << " " << feature;
        }
    }
}

TEST_F(TrainerTest, MixedPrecisionTrainsToo) {
    recipe_.epochs = 2;
    const Bundle whole = train_in("whole");
    recipe_.bfloat16 = true;
    double loss = std::numeric_limits<double>::quiet_NaN();
    const Bundle mixed =
        train_in("mixed", {}, [&](const EpochReport& report) { loss = report.loss; });
    EXPECT_TRUE(std::isfinite(loss));
    const auto& expected = whole.tensors.at("output.weight").values;
    const auto& values = mixed.tensors.at("output.weight").values;
    EXPECT_NE(values, expected);
    for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_NEAR(values[i], expected[i], 0.05) << i;
    }
    // It is switched off again: answers are those of whole precision, before and behind.
    const auto tested = clips_in(Role::Test);
    EXPECT_EQ(answer_clips(whole, tested, 1).front().scores,
              answer_clips(whole, tested, 1).front().scores);
}

TEST_F(TrainerTest, AStudentLearnsWhatItsTeachersSay) {
    recipe_.epochs = 60;
    recipe_.learning_rate = 1e-2;
    std::vector<Bundle> teachers;
    for (const std::uint64_t seed : {1, 2}) {
        recipe_.seed = seed;
        teachers.push_back(train_in("teacher" + std::to_string(seed)));
        teachers.back().save(folder_ / "teacher.safetensors");
        ASSERT_GT(accuracy(teachers.back()), 0.9);
    }
    ASSERT_NE(teachers[0].id, teachers[1].id);
    // Labels that say nothing: only the teachers can have told it.
    for (std::size_t i = 0; i < clips_.size(); ++i) {
        if (roles_[i] == Role::Train) {
            clips_[i].clip.label = (i / 2) % 2;
        }
    }
    recipe_.seed = 3;
    recipe_.teacher_weight = 1.0;
    recipe_.network.kind = "cnn";  // a network of another kind, of the same features
    TrainerEnvironment asked = environment("student");
    asked.teachers = teachers;
    const Bundle student = train(clips_, roles_, recipe_, asked);
    EXPECT_EQ(student.name, "cnn");
    EXPECT_GT(accuracy(student), 0.9);

    asked.teachers.pop_back();
    EXPECT_THROW(train(clips_, roles_, recipe_, asked), std::runtime_error) << "another run";
}

TEST_F(TrainerTest, TeachersOfOtherFeaturesOrLabelsAreRefused) {
    recipe_.epochs = 1;
    const Bundle teacher = train_in("teacher");
    const auto refusal = [&](const Bundle& changed, const std::string& name) -> std::string {
        TrainerEnvironment asked = environment(name);
        asked.teachers = {teacher, changed};
        try {
            train(clips_, roles_, recipe_, asked);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_EQ(refusal(teacher, "good"), "");
    Bundle other = teacher;
    other.id = "other-1";
    other.features.lifter = 22;
    EXPECT_THAT(refusal(other, "features"),
                AllOf(HasSubstr("teacher other-1 has other features or labels"),
                      HasSubstr("\"lifter\":22")));
    other = teacher;
    std::ranges::reverse(other.labels);
    EXPECT_THAT(refusal(other, "labels"), HasSubstr("has other features or labels"));
}

TEST_F(TrainerTest, LearnsToTellSpeechFromAnythingElse) {
    std::vector<Clip> noises;
    for (unsigned i = 0; i < 12; ++i) {
        const auto path = folder_ / ("noise" + std::to_string(i) + ".wav");
        test::write_wav(path, test::coloured_noise(24000, 0.9F, 100 + i));
        noises.push_back({path, kNoSpeech, "rain"});
    }
    for (ClipFeatures& noise : load_clips(noises, recipe_.features, {.threads = 1}).clips) {
        clips_.push_back(std::move(noise));
        roles_.push_back(clips_.size() % 3 == 0 ? Role::Test : Role::Train);
    }
    recipe_ = test::toy_recipe("cnn");
    recipe_.network.dense = 32;
    recipe_.epochs = 60;
    recipe_.learning_rate = 5e-3;
    recipe_.speech_weight = 1.0;
    recipe_.average_decay = 0.9;
    recipe_.mixup = 0.2;
    recipe_.network.speech_output = true;
    const Bundle bundle = train_in("run");
    const auto tested = clips_in(Role::Test);
    const std::vector<ClipAnswer> answers = answer_clips(bundle, tested, 1);
    int num_noises = 0;
    for (std::size_t i = 0; i < tested.size(); ++i) {
        if (tested[i]->is_speech) {
            EXPECT_GT(answers[i].speech, 0.5F) << i;
        } else {
            ++num_noises;
            EXPECT_LT(answers[i].speech, 0.5F) << i;
        }
    }
    EXPECT_EQ(num_noises, 4);
}

TEST_F(TrainerTest, AnswersToAClipAreThoseToItsRecording) {
    Bundle bundle = Bundle::load(test::bundled_model());
    bundle.temperature = 2.0F;
    Classifier classifier(bundle, {"cpu", 1});
    std::vector<Clip> real;
    for (const char* name : {"12a02Wc.flac", "13a02Ta.flac", "14a02Nc.flac"}) {
        real.push_back({test::clip(name), "emodb", "somebody"});
    }
    const LoadedClips loaded = load_clips(real, bundle.features, {.threads = 1});
    ASSERT_EQ(loaded.clips.size(), 3U);
    std::vector<const ClipFeatures*> asked;
    for (const ClipFeatures& clip : loaded.clips) {
        asked.push_back(&clip);
    }
    const std::vector<ClipAnswer> answers = answer_clips(bundle, asked, 1);
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const Timeline timeline =
            classify_recording(classifier, read_recording(real[i].path), dsp::WindowOptions{});
        ASSERT_EQ(timeline.verdict.size(), answers[i].scores.size());
        double largest = 0.0;
        for (std::size_t label = 0; label < timeline.verdict.size(); ++label) {
            EXPECT_NEAR(answers[i].scores[label], timeline.verdict[label], 1e-4);
            largest = std::max<double>(
                largest, std::abs(answers[i].scores[label] - answers[i].uncalibrated[label]));
        }
        EXPECT_GT(largest, 1e-3);
        EXPECT_GT(answers[i].speech, 0.9F);  // the bundled model tells
    }
}

TEST_F(TrainerTest, RolesThatLeaveNothingToTrainOnAreRefused) {
    std::ranges::fill(roles_, Role::Validation);
    EXPECT_THAT(complaint("none"), HasSubstr("training needs clips to train on, got 0 and 48"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "none"));
    roles_.front() = Role::Train;
    clips_.front().is_speech = false;
    EXPECT_THAT(complaint("none"), HasSubstr("training needs clips to train on, got 0 and 47"));
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
