#include "model/classifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <stdexcept>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::HasSubstr;

class ClassifierTest : public testing::Test {
 protected:
    std::vector<float> random_rows(std::size_t num_rows, unsigned seed) const {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal(0.0F, 5.0F);
        std::vector<float> rows(num_rows * num_features_);
        for (float& value : rows) {
            value = normal(random);
        }
        return rows;
    }

    Classifier classifier_{Bundle::load(test::bundled_model()), {"cpu", 1}};
    std::size_t num_features_ = classifier_.bundle().features.num_features();
};

TEST_F(ClassifierTest, ScoresAreProbabilities) {
    const auto rows = random_rows(300, 1);
    const ClassifierInput input{rows, 300};
    const Scores scores = classifier_.classify({&input, 1}).front().scores;
    ASSERT_EQ(scores.size(), 8U);
    EXPECT_NEAR(std::accumulate(scores.begin(), scores.end(), 0.0), 1.0, 1e-5);
    for (const float score : scores) {
        EXPECT_GE(score, 0.0F);
    }
}

TEST_F(ClassifierTest, AWindowIsAnsweredAloneAsInABatchOfOtherLengths) {
    const std::size_t lengths[]{300, 100, 7, 255, 1, 300};
    std::vector<std::vector<float>> rows;
    std::vector<ClassifierInput> inputs;
    for (const std::size_t length : lengths) {
        rows.push_back(random_rows(length, static_cast<unsigned>(rows.size())));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        inputs.push_back({rows[i], lengths[i]});
    }
    const std::vector<Classification> together = classifier_.classify(inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Scores alone = classifier_.classify({&inputs[i], 1}).front().scores;
        for (std::size_t label = 0; label < alone.size(); ++label) {
            EXPECT_NEAR(alone[label], together[i].scores[label], 1e-5) << "window " << i;
        }
    }
}

TEST_F(ClassifierTest, TheLevelOfTheVoiceDoesNotChangeTheAnswer) {
    // A gain adds a constant to every coefficient's first value; the window's mean is taken off.
    auto rows = random_rows(200, 3);
    const ClassifierInput input{rows, 200};
    const Scores before = classifier_.classify({&input, 1}).front().scores;
    for (std::size_t i = 0; i < rows.size(); i += num_features_) {
        rows[i] += 25.0F;
    }
    const Scores after = classifier_.classify({&input, 1}).front().scores;
    for (std::size_t label = 0; label < before.size(); ++label) {
        EXPECT_NEAR(before[label], after[label], 1e-3);
    }
}

TEST_F(ClassifierTest, InputsThatAreNoWindowsAreRefused) {
    const auto rows = random_rows(10, 1);
    const ClassifierInput too_long{rows, 11};
    EXPECT_THROW(classifier_.classify({&too_long, 1}), std::invalid_argument);
    const ClassifierInput empty{{}, 0};
    EXPECT_THROW(classifier_.classify({&empty, 1}), std::invalid_argument);
    EXPECT_TRUE(classifier_.classify({}).empty());
}

TEST_F(ClassifierTest, RowsThatAreNotFiniteAreRefused) {
    // In column 0, the level, they would be taken for silence all around.
    for (const std::size_t at : {std::size_t{0}, std::size_t{5}, 150 * num_features_}) {
        for (const float value :
             {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
            auto rows = random_rows(300, 1);
            rows[at] = value;
            const ClassifierInput input{rows, 300};
            EXPECT_THROW(classifier_.classify({&input, 1}), std::invalid_argument);
        }
    }
}

TEST_F(ClassifierTest, AnAnswerThatIsNoNumberIsAnErrorAndNotAnEmotion) {
    auto rows = random_rows(10, 1);
    rows[5] = std::numeric_limits<float>::max();
    const ClassifierInput input{rows, 10};
    EXPECT_THROW(classifier_.classify({&input, 1}), std::runtime_error);
}

TEST_F(ClassifierTest, TheTemperatureSharpensOrFlattens) {
    Bundle bundle = classifier_.bundle();
    const auto rows = random_rows(300, 5);
    const ClassifierInput input{rows, 300};
    bundle.temperature *= 4.0F;
    Classifier flatter(bundle, {"cpu", 1});
    const Scores sharp = classifier_.classify({&input, 1}).front().scores;
    const Scores flat = flatter.classify({&input, 1}).front().scores;
    EXPECT_LT(*std::ranges::max_element(flat), *std::ranges::max_element(sharp));
    // p_i^(1/4) up to a factor: ratios of logarithms stay.
    const double sharp_ratio = std::log(sharp[0] / sharp[1]);
    const double flat_ratio = std::log(flat[0] / flat[1]);
    EXPECT_NEAR(sharp_ratio / 4.0, flat_ratio, 1e-3);
}

TEST_F(ClassifierTest, AGpuThatIsNotThereIsReplacedByTheCpuAndTold) {
    EXPECT_EQ(classifier_.device(), "cpu");
    Classifier wanted_gpu(classifier_.bundle(), {"cuda:99", 1});
    EXPECT_EQ(wanted_gpu.device(), "cpu");
    EXPECT_THAT(wanted_gpu.device_note(), HasSubstr("cuda:99 is not available"));
    EXPECT_THROW(Classifier(classifier_.bundle(), {"tpu", 1}), std::runtime_error);
    EXPECT_THROW(Classifier(classifier_.bundle(), {"cuda:", 1}), std::runtime_error);
}

TEST_F(ClassifierTest, ABundleWhoseTensorsDoNotFitItsNetworkIsRefused) {
    const auto complaint = [](const Bundle& bundle) -> std::string {
        try {
            Classifier(bundle, {"cpu", 1});
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "";
    };
    Bundle bundle = classifier_.bundle();
    bundle.tensors.erase("dense0.weight");
    EXPECT_THAT(complaint(bundle), HasSubstr("tensor dense0.weight is missing"));
    bundle = classifier_.bundle();
    bundle.tensors["extra"] = {{1}, {0.0F}};
    EXPECT_THAT(complaint(bundle), HasSubstr("not the network's"));
    bundle = classifier_.bundle();
    bundle.tensors["dense0.bias"] = {{2}, {0.0F, 0.0F}};
    EXPECT_THAT(complaint(bundle), HasSubstr("tensor dense0.bias has shape"));
    bundle = classifier_.bundle();
    bundle.labels.pop_back();
    EXPECT_THAT(complaint(bundle), HasSubstr("labels"));
    bundle = classifier_.bundle();
    bundle.features.num_coeffs = 12;
    EXPECT_THAT(complaint(bundle), HasSubstr("features"));
    bundle = classifier_.bundle();
    bundle.network["kind"] = "transformer";
    EXPECT_THAT(complaint(bundle), HasSubstr("transformer"));
}

}  // namespace
}  // namespace emotiond::model
