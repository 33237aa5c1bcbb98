#include "model/training/recipe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "model/labels.hpp"
#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;

std::string complaint(const std::function<void()>& action) {
    try {
        action();
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

std::string complaint(const ordered_json& json) {
    return complaint([&] { Recipe::from_json(json); });
}

TEST(Recipe, OfEveryKindFitsItselfAndComesBackFromItsJson) {
    for (const std::string& kind : network_kinds()) {
        const Recipe recipe = Recipe::of_kind(kind);
        EXPECT_NO_THROW(recipe.validate()) << kind;
        EXPECT_EQ(recipe.network.kind, kind);
        EXPECT_EQ(recipe.labels, (std::vector<std::string>(kEmotions.begin(), kEmotions.end())));
        EXPECT_EQ(recipe.network.num_features,
                  static_cast<std::int64_t>(recipe.features.num_features()));
        EXPECT_EQ(recipe.network.num_labels, 8);
        EXPECT_EQ(Recipe::from_json(ordered_json::parse(recipe.to_json().dump())), recipe) << kind;
    }
    EXPECT_THROW(Recipe::of_kind("transformer"), std::invalid_argument);
}

TEST(Recipe, ComesBackWithEveryMemberChanged) {
    Recipe recipe = Recipe::of_kind("lstm");
    recipe.seed = 18446744073709551615U;
    recipe.labels = {"happy", "sad", "angry"};
    recipe.features.append_log_energy = true;
    recipe.features.delta_order = 1;
    recipe.network.speech_output = true;
    recipe.network.dropout = 0.45;
    recipe.fit_network();
    recipe.epochs = 7;
    recipe.batch = 9;
    recipe.learning_rate = 0.1 + 0.2;
    recipe.weight_decay = 1.0 / 3.0;
    recipe.label_smoothing = 0.07;
    recipe.clip_gradient = 2.5;
    recipe.average_decay = 0.9;
    recipe.patience = 4;
    recipe.bfloat16 = true;
    recipe.variants = 3;
    recipe.min_crop_rows = 11;
    recipe.max_crop_rows = 22;
    recipe.mixup = 0.6;
    recipe.copy_paste = 0.4;
    recipe.time_mask_rows = 5;
    recipe.speech_weight = 0.8;
    recipe.teacher_weight = 0.9;
    recipe.teacher_temperature = 3.5;
    EXPECT_EQ(Recipe::from_json(ordered_json::parse(recipe.to_json().dump())), recipe);
}

TEST(Recipe, TakesWhatIsMissingFromTheUsualRecipeOfTheKind) {
    for (const std::string& kind : network_kinds()) {
        Recipe expected = Recipe::of_kind(kind);
        EXPECT_EQ(Recipe::from_json({{"network", {{"kind", kind}}}}), expected) << kind;
        expected.epochs = 3;
        expected.labels = {"sad", "happy"};
        expected.features.delta_order = 2;
        expected.network.dense = 10;
        expected.fit_network();
        EXPECT_EQ(Recipe::from_json({{"epochs", 3},
                                     {"labels", {"sad", "happy"}},
                                     {"features", {{"delta_order", 2}}},
                                     {"network", {{"kind", kind}, {"dense", 10}}}}),
                  expected)
            << kind;
    }
}

TEST(Recipe, FitsTheNetworkToFeaturesAndLabels) {
    Recipe recipe = Recipe::of_kind("lstm");
    EXPECT_EQ(recipe.network.num_features, 14);
    EXPECT_EQ(recipe.network.energy_column, 13);
    EXPECT_EQ(recipe.network.zeroth_column, 0);
    EXPECT_EQ(recipe.network.num_cepstra, 13);
    EXPECT_EQ(recipe.network.voicing_column, -1);
    recipe.features.f0 = true;
    recipe.labels.pop_back();
    recipe.fit_network();
    EXPECT_EQ(recipe.network.num_features, 16);
    EXPECT_EQ(recipe.network.num_labels, 7);
    const auto name = [&recipe](std::int64_t column) {
        return recipe.features.feature_names().at(static_cast<std::size_t>(column));
    };
    EXPECT_EQ(name(recipe.network.energy_column), "log_energy");
    EXPECT_EQ(name(recipe.network.voicing_column), "voicing");
    for (const auto& change :
         {+[](dsp::FeatureSpec& spec) { spec.lifter = 22; },
          +[](dsp::FeatureSpec& spec) { spec.dct_scale = dsp::DctScale::Htk; },
          +[](dsp::FeatureSpec& spec) { spec.zeroth_coeff = dsp::ZerothCoeff::Last; }}) {
        Recipe other = recipe;
        change(other.features);
        other.fit_network();
        EXPECT_EQ(other.network.num_cepstra, 0);
    }
    recipe.features.append_log_energy = false;
    recipe.fit_network();
    EXPECT_EQ(recipe.network.energy_column, -1);
    // Sizes that follow are not the file's to say.
    const Recipe read = Recipe::from_json(
        {{"network", {{"kind", "lstm"}, {"num_features", 99}, {"num_labels", 3}}}});
    EXPECT_EQ(read, Recipe::of_kind("lstm"));
}

TEST(Recipe, WhatIsNotKnownIsRefusedByName) {
    const ordered_json good{{"network", {{"kind", "lstm"}}}};
    EXPECT_EQ(complaint(good), "");
    const auto with = [&](const std::string& name, const ordered_json& value) {
        ordered_json json = good;
        json[name] = value;
        return complaint(json);
    };
    EXPECT_THAT(with("epoch", 3), HasSubstr("recipe: 'epoch' is not known to this build"));
    EXPECT_THAT(with("features", {{"pitch", true}}), HasSubstr("recipe: "));
    EXPECT_THAT(with("network", {{"kind", "lstm"}, {"width", 3}}),
                HasSubstr("'width' is not known"));
    EXPECT_THAT(with("network", {{"kind", "gru"}}), HasSubstr("got 'gru'"));
    EXPECT_THAT(with("network", "lstm"), HasSubstr("recipe: "));
    EXPECT_THAT(with("epochs", "many"), HasSubstr("recipe: "));
    EXPECT_THAT(with("labels", "neutral"), HasSubstr("recipe: "));
    EXPECT_THAT(complaint(ordered_json::object()), HasSubstr("network"));
    EXPECT_THAT(complaint(ordered_json::array()), HasSubstr("recipe: "));
}

TEST(Recipe, WhatIsImpossibleIsRefusedWithWhatIsAllowed) {
    const auto message = [](const std::function<void(Recipe&)>& change) {
        Recipe recipe = Recipe::of_kind("lstm");
        change(recipe);
        return complaint([&] { recipe.validate(); });
    };
    EXPECT_THAT(message([](Recipe& recipe) { recipe.epochs = 0; }),
                HasSubstr("epochs must be 1 to 100000, got 0"));
    EXPECT_THAT(message([](Recipe& recipe) { recipe.batch = 1; }), HasSubstr("batch must be 2"));
    EXPECT_THAT(message([](Recipe& recipe) { recipe.learning_rate = 0.0; }),
                HasSubstr("learning_rate must be"));
    EXPECT_THAT(message([](Recipe& recipe) { recipe.learning_rate = std::nan(""); }),
                HasSubstr("learning_rate must be"));
    EXPECT_THAT(message([](Recipe& recipe) { recipe.patience = -1; }),
                HasSubstr("patience must be"));
    EXPECT_THAT(message([](Recipe& recipe) { recipe.mixup = -0.1; }), HasSubstr("mixup must be"));
    EXPECT_THAT(message([](Recipe& recipe) { recipe.teacher_weight = 1.1; }),
                HasSubstr("teacher_weight must be 0 to 1, got 1.1"));
    EXPECT_THAT(message([](Recipe& recipe) { recipe.min_crop_rows = 301; }),
                HasSubstr("min_crop_rows must be at most max_crop_rows, got 301 and 300"));
    EXPECT_THAT(message([](Recipe& recipe) { recipe.labels = {"neutral"}; }),
                HasSubstr("labels must be at least two, got 1"));
    EXPECT_THAT(complaint({{"network", {{"kind", "lstm"}}}, {"epochs", -1}}),
                HasSubstr("epochs must be"));
    EXPECT_THAT(complaint({{"network", {{"kind", "lstm"}}}, {"epochs", 2.7}}),
                HasSubstr("epochs must be a whole number, got 2.7"));
}

TEST(Recipe, ErrorsOfAFileNameIt) {
    const auto folder = test::scratch_folder();
    const auto message = [&](const std::string& text) {
        test::write_bytes(folder / "mine.json", text);
        return complaint([&] { Recipe::read(folder / "mine.json"); });
    };
    EXPECT_EQ(message(R"({"network": {"kind": "cnn"}, "epochs": 5})"), "");
    EXPECT_EQ(Recipe::read(folder / "mine.json").epochs, 5);
    EXPECT_THAT(message("{"), HasSubstr("mine.json: "));
    EXPECT_THAT(message(R"({"network": {"kind": "cnn"}, "epoch": 5})"),
                AllOf(HasSubstr("mine.json: recipe: 'epoch'")));
    EXPECT_THAT(complaint([&] { Recipe::read(folder / "gone.json"); }),
                AllOf(HasSubstr("cannot open"), HasSubstr("gone.json")));
}

}  // namespace
}  // namespace emotiond::model
