#include "model/network_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace emotiond::model {
namespace {

using nlohmann::ordered_json;
using testing::AllOf;
using testing::HasSubstr;

std::string complaint(const ordered_json& json) {
    try {
        NetworkOptions::from_json(json);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(NetworkOptions, ComeBackFromTheirJson) {
    for (const std::string& kind : network_kinds()) {
        NetworkOptions options = NetworkOptions::of_kind(kind);
        options.num_features = 43;
        options.num_labels = 8;
        EXPECT_EQ(NetworkOptions::from_json(options.to_json()), options) << kind;
        options.speech_output = true;
        options.centre_window = !options.centre_window;
        options.energy_column = 40;
        options.zeroth_column = 3;
        options.num_cepstra = 37;
        options.voicing_column = 41;
        options.voiced_above = 0.25;
        options.functionals = 32;
        options.functionals_dropout = 0.25;
        options.silence_below = 6.5;
        options.rows_per_step = 4;
        options.channels = 12;
        options.layers = 3;
        options.hidden = 20;
        options.heads = 2;
        options.dense = 24;
        options.dropout = 0.125;
        const auto json = ordered_json::parse(options.to_json().dump());
        EXPECT_EQ(NetworkOptions::from_json(json), options) << kind;
    }
}

TEST(NetworkOptions, WhatIsMissingHasTheUsualSizesOfTheKind) {
    const auto options = NetworkOptions::from_json(
        {{"kind", "dnn"}, {"num_features", 5}, {"num_labels", 2}, {"dense", 7}});
    NetworkOptions expected = NetworkOptions::of_kind("dnn");
    expected.num_features = 5;
    expected.num_labels = 2;
    expected.dense = 7;
    EXPECT_EQ(options, expected);
    EXPECT_THAT(complaint({{"kind", "dnn"}, {"num_labels", 2}}), HasSubstr("num_features"));
    EXPECT_THAT(complaint({{"kind", "dnn"}, {"num_features", 2}}), HasSubstr("num_labels"));
    EXPECT_THAT(complaint({{"num_features", 5}, {"num_labels", 2}}), HasSubstr("kind"));
}

TEST(NetworkOptions, WhatIsImpossibleIsRefusedByName) {
    const auto message = [](const std::string& name, const ordered_json& value) {
        ordered_json json{{"kind", "crnn"}, {"num_features", 43}, {"num_labels", 8}};
        EXPECT_EQ(complaint(json), "");
        json[name] = value;
        return complaint(json);
    };
    EXPECT_THAT(message("kind", "transformer"),
                AllOf(HasSubstr("must be one of lstm, cnn"), HasSubstr("got 'transformer'")));
    EXPECT_THAT(message("kind", 3), HasSubstr("network options: "));
    EXPECT_THAT(message("width", 3), HasSubstr("'width' is not known to this build"));
    for (const char* size : {"num_features", "num_labels", "rows_per_step", "channels", "layers",
                             "hidden", "heads", "dense"}) {
        EXPECT_THAT(message(size, 0), HasSubstr(std::string(size) + " must be 1 to")) << size;
        EXPECT_THAT(message(size, -1), HasSubstr("got -1")) << size;
        EXPECT_THAT(message(size, 1 << 20), HasSubstr("got 1048576")) << size;
        EXPECT_THAT(message(size, "8"), HasSubstr("network options: ")) << size;
    }
    EXPECT_THAT(message("energy_column", -2), HasSubstr("energy_column must be -1 to"));
    EXPECT_THAT(message("energy_column", 43),
                HasSubstr("energy_column must be below num_features, got 43"));
    EXPECT_EQ(message("energy_column", 42), "");
    EXPECT_THAT(message("zeroth_column", 43), HasSubstr("zeroth_column must be below"));
    EXPECT_THAT(message("voicing_column", 43), HasSubstr("voicing_column must be below"));
    EXPECT_THAT(message("num_cepstra", -1), HasSubstr("num_cepstra must be 0 to"));
    EXPECT_THAT(message("num_cepstra", 1), HasSubstr("num_cepstra must be 0 without a zeroth"));
    const auto cepstra = [](int number) {
        return complaint({{"kind", "crnn"},
                          {"num_features", 43},
                          {"num_labels", 8},
                          {"zeroth_column", 40},
                          {"num_cepstra", number}});
    };
    EXPECT_EQ(cepstra(3), "");
    EXPECT_THAT(cepstra(4), HasSubstr("end within num_features, got 4"));
    EXPECT_THAT(message("functionals", 0), HasSubstr("functionals must be 1 to"));
    EXPECT_THAT(message("functionals_dropout", 1.0), HasSubstr("dropout 0 to below 1"));
    EXPECT_THAT(message("silence_below", 0.0), HasSubstr("silence_below must be above 0"));
    EXPECT_THAT(message("dropout", 1.0), HasSubstr("dropout 0 to below 1"));
    EXPECT_THAT(message("dropout", -0.1), HasSubstr("dropout 0 to below 1"));
    EXPECT_THAT(message("dropout", nullptr), HasSubstr("network options: "));
    EXPECT_THAT(message("speech_output", 1), HasSubstr("network options: "));
    EXPECT_THAT(message("heads", 5), HasSubstr("heads must divide 2 hidden, got 5 and 64"));
    EXPECT_THAT(complaint(ordered_json::array()), HasSubstr("network options: "));
}

TEST(NetworkOptions, WhatAKindDoesNotNeedItIgnores) {
    EXPECT_EQ(complaint({{"kind", "lstm"}, {"num_features", 5}, {"num_labels", 2}, {"hidden", 3}}),
              "");
}

}  // namespace
}  // namespace emotiond::model
