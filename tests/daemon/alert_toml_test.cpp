#include "daemon/alert_toml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "daemon/config.hpp"
#include "tests/support/files.hpp"

namespace emotiond::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::filesystem::path write_rules(const std::string& text) {
    const auto path = std::filesystem::path(testing::TempDir()) /
                      ("emotiond-rules-" + std::to_string(getpid()) + ".toml");
    test::write_bytes(path, text);
    return path;
}

/// What reading the rules complains of; empty where it does not.
std::string complaint(const std::string& text) {
    try {
        read_alert_rules(write_rules(text));
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "";
}

const std::string kShort = R"([[alerts]]
name = "anger"
labels = ["angry"]
threshold = 0.5
)";

TEST(AlertToml, ReadsEveryKey) {
    const auto rules = read_alert_rules(write_rules(R"(
[[alerts]]
name = "upset"
labels = ["angry", "disgust"]
threshold = 0.6
clear_below = 0.4
min_duration_ms = 1500
clear_after_ms = 4000
cooldown_ms = 60000
streams = ["desk*", "hall"]
roles = ["customer"]
[[alerts]]
name = "sure"
labels = ["sad"]
threshold = 1
)"));
    ASSERT_EQ(rules.size(), 2U);
    EXPECT_EQ(rules[0].name, "upset");
    EXPECT_THAT(rules[0].labels, ElementsAre("angry", "disgust"));
    EXPECT_DOUBLE_EQ(rules[0].threshold, 0.6);
    EXPECT_DOUBLE_EQ(rules[0].clear_below, 0.4);
    EXPECT_EQ(rules[0].min_duration_ms, 1500);
    EXPECT_EQ(rules[0].clear_after_ms, 4000);
    EXPECT_EQ(rules[0].cooldown_ms, 60000);
    EXPECT_THAT(rules[0].streams, ElementsAre("desk*", "hall"));
    EXPECT_THAT(rules[0].roles, ElementsAre("customer"));
    EXPECT_DOUBLE_EQ(rules[1].threshold, 1.0);
}

TEST(AlertToml, WhatIsNotSaidHasADefault) {
    const AlertRule rule = read_alert_rules(write_rules(kShort)).at(0);
    AlertRule expected;
    expected.name = "anger";
    expected.labels = {"angry"};
    expected.threshold = 0.5;
    expected.clear_below = 0.35;
    EXPECT_EQ(rule, expected);
    EXPECT_THAT(rule.streams, ElementsAre("*"));
}

TEST(AlertToml, ComplaintsNameFileLineRuleAndKey) {
    const auto more = [](const std::string& line) { return complaint(kShort + line + "\n"); };
    EXPECT_EQ(more(""), "");
    EXPECT_THAT(more("treshold = 0.5"),
                HasSubstr(".toml:5: alert 'anger': unknown key 'treshold' in [[alerts]]"));
    EXPECT_THAT(more("cooldown_ms = \"long\""),
                HasSubstr(".toml:5: alert 'anger': cooldown_ms must be a whole number"));
    EXPECT_THAT(more("streams = \"desk\""), HasSubstr("streams must be a list of texts"));
    EXPECT_THAT(more("streams = []"), HasSubstr("streams must have at least one glob"));
    EXPECT_THAT(more("clear_below = 0.6"), HasSubstr("clear_below must be above 0 and at most"));
    EXPECT_THAT(more("clear_below = nan"), HasSubstr("clear_below must be"));
    EXPECT_THAT(more("min_duration_ms = -1"), HasSubstr("min_duration_ms must be 0 to 3600000"));
    EXPECT_THAT(more("roles = [\"boss\"]"), HasSubstr("roles must be customer, agent or"));
    EXPECT_THAT(more("[[alerts]]\nname = \"anger\"\nlabels = [\"sad\"]\nthreshold = 0.5"),
                HasSubstr(":5: alert 'anger' is there twice"));
    EXPECT_THAT(complaint("[[alerts]]\nname = \"x\"\nlabels = [\"sad\"]\n"),
                HasSubstr(":1: alert 'x': an alert needs `threshold`"));
    EXPECT_THAT(complaint("[[alerts]]\nname = \"x\"\nlabels = [\"sad\", \"sad\"]\nthreshold = 0.5"),
                HasSubstr("label 'sad' is there twice"));
    EXPECT_THAT(complaint("[[alerts]]\nname = \"x\"\nlabels = []\nthreshold = 0.5"),
                HasSubstr("at least one emotion"));
    EXPECT_THAT(complaint("[alerts]\nname = \"x\"\n"), HasSubstr(":1: alerts are written as"));
    EXPECT_THAT(complaint(kShort + "[server]\n"), HasSubstr(":5: a file of rules has nothing but"));
    EXPECT_THAT(complaint(""), HasSubstr("there are no [[alerts]] in it"));
    EXPECT_THAT(complaint("[[alerts"), HasSubstr(".toml:1: "));
}

TEST(AlertToml, AMissingFileIsNamed) {
    try {
        read_alert_rules(std::filesystem::path("/nonexistent/rules.toml"));
        FAIL() << "it was taken";
    } catch (const ConfigError& error) {
        EXPECT_THAT(error.what(), testing::StartsWith("/nonexistent/rules.toml: File could not"));
    }
}

TEST(AlertToml, PrintsWhatItReadsBack) {
    const auto rules = read_alert_rules(write_rules(kShort + R"(
roles = ["agent", "customer"]
[[alerts]]
name = "with \"quotes\""
labels = ["sad", "fearful"]
threshold = 0.7
clear_below = 0.1
)"));
    EXPECT_EQ(read_alert_rules(write_rules(to_toml(rules))), rules);
}

TEST(AlertToml, AConfigurationHasThemBesideItsSections) {
    Config config;
    config.read_file(write_rules("[analysis]\nhop_ms = 250\n" + kShort));
    ASSERT_EQ(config.alerts.size(), 1U);
    EXPECT_EQ(config.analysis.hop_ms, 250);
    Config again;
    again.read_file(write_rules(config.to_toml()));
    EXPECT_EQ(again, config);
}

TEST(AlertToml, TheDocumentsExampleIsTaken) {
    const std::string document = test::read_bytes(EMOTIOND_SOURCE_DIR "/docs/configuration.md");
    const std::size_t begin = document.find("```toml\n[[alerts]]");
    ASSERT_NE(begin, std::string::npos);
    const std::size_t end = document.find("```", begin + 3);
    const auto rules = read_alert_rules(write_rules(document.substr(begin + 8, end - begin - 8)));
    EXPECT_EQ(rules.size(), 2U);
    const std::vector<std::string> labels{"neutral", "calm",    "happy",   "sad",
                                          "angry",   "fearful", "disgust", "surprised"};
    EXPECT_NO_THROW(require_known_labels(rules, labels));
}

TEST(AlertToml, ALabelThatTheModelLacksIsNamedWithThoseItHas) {
    const auto rules = read_alert_rules(write_rules(kShort));
    try {
        require_known_labels(rules, {"neutral", "sad"});
        FAIL() << "it was taken";
    } catch (const ConfigError& error) {
        EXPECT_STREQ(error.what(),
                     "alert 'anger': the model has no label 'angry'; it has neutral, sad");
    }
}

}  // namespace
}  // namespace emotiond::daemon
