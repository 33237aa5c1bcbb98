#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "model/classifier.hpp"
#include "tests/model/scratch.hpp"
#include "tests/support/scripted_module.hpp"

namespace emotiond::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Bundle bundle_with(const std::string& module) {
    Bundle bundle;
    bundle.name = "mine";
    bundle.labels = {"neutral", "angry"};
    bundle.network = {{"kind", "torchscript"}};
    bundle.torchscript = module;
    return bundle;
}

/// What a classifier complains of; empty where it does not.
std::string complaint(const Bundle& bundle, bool trust_code = true) {
    try {
        Classifier(bundle, {"cpu", 1, trust_code});
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

Classification answer_to_row(Classifier& classifier, std::initializer_list<float> begin) {
    std::vector<float> rows(3 * classifier.bundle().features.num_features());
    std::ranges::copy(begin, rows.begin());
    const ClassifierInput input{rows, 3};
    return classifier.classify({&input, 1}).front();
}

TEST(TorchScript, AModulesLogitsBecomeScoresUnderTheTemperature) {
    Bundle bundle = bundle_with(test::first_row_module(2));
    bundle.temperature = 2.0F;
    Classifier classifier(bundle, {"cpu", 1, true});
    EXPECT_FALSE(classifier.tells_speech());
    const Classification answer = answer_to_row(classifier, {0.0F, 4.0F});
    EXPECT_NEAR(answer.scores[1], 1.0 / (1.0 + std::exp(-2.0)), 1e-5);
    EXPECT_EQ(answer.speech, 1.0F);
}

TEST(TorchScript, OneColumnMoreIsSpeech) {
    Classifier classifier(bundle_with(test::first_row_module(3)), {"cpu", 1, true});
    EXPECT_TRUE(classifier.tells_speech());
    const Classification answer = answer_to_row(classifier, {0.0F, 4.0F, -2.0F});
    EXPECT_EQ(answer.scores.size(), 2U);
    EXPECT_NEAR(answer.speech, 1.0 / (1.0 + std::exp(2.0)), 1e-5);
}

TEST(TorchScript, AModuleIsTakenOutOfTraining) {
    const std::string dropout =
        "def forward(self, rows, num_rows):\n"
        "  return torch.dropout(rows[:, 0, :2], 1.0, self.training)\n";
    Classifier classifier(bundle_with(test::scripted_module(dropout, true)), {"cpu", 1, true});
    EXPECT_GT(answer_to_row(classifier, {0.0F, 4.0F}).scores[1], 0.9F);
}

TEST(TorchScript, IsNotRunWithoutTrust) {
    EXPECT_THAT(complaint(bundle_with(test::first_row_module(2)), false),
                AllOf(HasSubstr("bundle mine holds a TorchScript module, which is code"),
                      HasSubstr("model.trust_code")));
}

TEST(TorchScript, AModuleThatDoesNotFitIsToldWithWhatWasGivenGotAndExpected) {
    EXPECT_THAT(complaint(bundle_with(test::first_row_module(5))),
                AllOf(HasSubstr("bundle mine was given rows [1, 300, 13] and num_rows [1]"),
                      HasSubstr("gave [1, 5]"), HasSubstr("expected are logits [1, 2], or one")));
    EXPECT_THAT(complaint(bundle_with(test::scripted_module(
                    "def forward(self, rows, num_rows):\n  return rows, num_rows\n"))),
                HasSubstr("gave no tensor but Tuple"));
    EXPECT_THAT(complaint(bundle_with(
                    test::scripted_module("def forward(self, rows):\n  return rows[:, 0, :2]\n"))),
                HasSubstr("failed: "));
    const std::string failed = complaint(bundle_with(test::scripted_module(
        "def forward(self, rows, num_rows):\n  return torch.matmul(rows, torch.ones([7, 2]))\n")));
    EXPECT_THAT(failed, HasSubstr("failed: "));
    EXPECT_EQ(failed.find('\n'), std::string::npos) << failed;
    const std::string raised =
        complaint(bundle_with(test::scripted_module("def forward(self, rows, num_rows):\n"
                                                    "  assert False, 'no such voice'\n"
                                                    "  return rows\n")));
    EXPECT_THAT(raised, HasSubstr("no such voice"));
}

TEST(TorchScript, WhatIsNoModuleIsRefused) {
    const std::string message = complaint(bundle_with("PK this is none"));
    EXPECT_THAT(message, HasSubstr("the TorchScript module of bundle mine cannot be loaded: "));
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    const std::string module = test::first_row_module(2);
    EXPECT_THAT(complaint(bundle_with(module.substr(0, module.size() / 2))),
                HasSubstr("cannot be loaded: "));
}

TEST(TorchScript, AModuleComesBackOutOfItsFile) {
    const auto path = test::scratch_folder() / "mine.safetensors";
    Bundle saved = bundle_with(test::first_row_module(2));
    saved.uncertain_below = 0.4F;
    saved.save(path);
    const Bundle loaded = Bundle::load(path);
    EXPECT_EQ(loaded.torchscript, saved.torchscript);
    EXPECT_EQ(loaded.uncertain_below, saved.uncertain_below);
    EXPECT_THAT(complaint(loaded), testing::IsEmpty());
}

}  // namespace
}  // namespace emotiond::model
