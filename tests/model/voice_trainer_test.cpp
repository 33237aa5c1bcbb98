#include "model/training/voice_trainer.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <span>
#include <vector>

#include "model/bundle.hpp"
#include "model/training/metrics.hpp"
#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

const auto kSilent = [](auto...) {};

/// A feature that is noise, and one that is high in speech, but late and now and then.
VoiceRows toy_rows(std::size_t scenes, unsigned seed) {
    VoiceRows rows;
    rows.rows_per_scene = 200;
    rows.num_features = 2;
    rows.rows_per_second = 100.0;
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    bool speaks = false;
    for (std::size_t i = 0; i < scenes * rows.rows_per_scene; ++i) {
        speaks = random() % 40 == 0 ? !speaks : speaks;
        rows.speech.push_back(speaks ? 1 : 0);
        rows.values.push_back(100.0F * normal(random));
        rows.values.push_back(-30.0F + (speaks ? 2.0F : 0.0F) + normal(random));
    }
    return rows;
}

TEST(VoiceTrainer, TheDetectorAgreesWithTheGruOfTorch) {
    const torch::NoGradGuard no_grad;
    torch::manual_seed(1);
    torch::nn::GRU gru(torch::nn::GRUOptions(32, 32).batch_first(true));
    torch::nn::Linear output(32, 1);
    const torch::Tensor rows = torch::randn({1, 500, 32});
    const torch::Tensor expected =
        output->forward(std::get<0>(gru->forward(rows))).sigmoid().view(-1);

    const auto values = [](const torch::Tensor& tensor) {
        const torch::Tensor flat = tensor.contiguous().view(-1);
        return std::vector<float>(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
    };
    const auto parameters = gru->named_parameters();
    const dsp::VoiceDetector::Weights weights{32,
                                              32,
                                              values(parameters["weight_ih_l0"]),
                                              values(parameters["bias_ih_l0"]),
                                              values(parameters["weight_hh_l0"]),
                                              values(parameters["bias_hh_l0"]),
                                              values(output->weight),
                                              output->bias.item<float>()};
    dsp::VoiceDetector detector(weights);
    const std::vector<float> flat = values(rows);
    for (std::size_t i = 0; i < 500; ++i) {
        EXPECT_NEAR(detector.push(std::span(flat).subspan(32 * i, 32)),
                    expected[static_cast<std::int64_t>(i)].item<float>(), 1e-4F);
    }
}

TEST(VoiceTrainer, LearnsAndGivesTheSameWeightsAgain) {
    const VoiceRows rows = toy_rows(20, 1);
    VoiceRecipe recipe;
    recipe.units = 8;
    recipe.steps = 60;
    recipe.batch = 8;
    recipe.crop_seconds = 1.0;
    recipe.threads = 1;
    const auto weights = train_voice(rows, recipe, kSilent);
    EXPECT_EQ(train_voice(rows, recipe, kSilent), weights);

    const VoiceRows others = toy_rows(20, 2);
    const std::vector<float> answers = detect_voice(others, weights);
    ASSERT_EQ(answers.size(), others.speech.size());
    std::vector<double> speech;
    std::vector<double> other;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        (others.speech[i] != 0 ? speech : other).push_back(static_cast<double>(answers[i]));
    }
    EXPECT_GT(auroc(speech, other).value(), 0.95);  // one row alone tells it with 0.92
}

TEST(VoiceTrainer, DrawsTheSameRowsWithAnyNumberOfThreads) {
    const auto bad = test::scratch_folder() / "bad.wav";
    const SceneMaterial material(16000, {{test::clip("12a02Wc.flac"), bad}}, {}, {}, {});
    VoiceRecipe recipe;
    recipe.scene_seconds = 2.0;
    recipe.threads = 1;
    const dsp::FeatureSpec spec = Bundle::load(test::bundled_model()).features;
    const VoiceRows one = draw_voice_rows(material, spec, recipe, 4, 7, kSilent);
    recipe.threads = 3;
    const VoiceRows three = draw_voice_rows(material, spec, recipe, 4, 7, kSilent);
    EXPECT_EQ(one.values, three.values);
    EXPECT_EQ(one.speech, three.speech);
    EXPECT_EQ(one.values.size(), one.speech.size() * spec.num_features());
    EXPECT_GT(one.rows_per_scene, 190U);
    EXPECT_EQ(one.rows_per_second, 100.0);
    EXPECT_EQ(one.problems.size(), 1U);
    EXPECT_EQ(one.problems, three.problems);
}

}  // namespace
}  // namespace emotiond::model
