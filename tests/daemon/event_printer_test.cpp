#include "daemon/event_printer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace emotiond::daemon {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(EventPrinter, AnEmotionIsALineWithTimeLabelAndRunnersUp) {
    const json message{{"type", "emotion"},
                       {"stream", "desk07"},
                       {"start_ms", 61500},
                       {"end_ms", 64500},
                       {"label", "angry"},
                       {"confidence", 0.71},
                       {"scores", {{"angry", 0.71}, {"sad", 0.2}, {"happy", 0.09}, {"calm", 0.0}}}};
    const std::string line = to_line(message, false);
    EXPECT_THAT(line, AllOf(HasSubstr("desk07"), HasSubstr("1:01.5-1:04.5"), HasSubstr("angry"),
                            HasSubstr("0.71"), HasSubstr("sad 0.20  happy 0.09")));
    EXPECT_THAT(line, AllOf(Not(HasSubstr("calm")), Not(HasSubstr("\033"))));
    EXPECT_THAT(to_line(message, true), AllOf(HasSubstr("\033[31m"), HasSubstr("\033[0m")));
}

TEST(EventPrinter, WhatIsUncertainHasAQuestionMarkAndNoSpeechIsNoEmotion) {
    json message{{"type", "emotion"},
                 {"stream", "desk07"},
                 {"label", "surprised"},
                 {"confidence", 0.31},
                 {"scores", {{"surprised", 0.31}, {"sad", 0.3}}},
                 {"uncertain", true}};
    EXPECT_THAT(to_line(message, false), HasSubstr("surprised? 0.31 "));
    message["label"] = "no_speech";
    message["confidence"] = 0.97;
    EXPECT_THAT(to_line(message, false),
                AllOf(HasSubstr("no speech  0.97"), Not(HasSubstr("?")), Not(HasSubstr("sad"))));
    EXPECT_THAT(to_line(message, true), HasSubstr("\033[90mno speech"));
}

TEST(EventPrinter, AnAlertSaysSinceWhenAndWhyItIsOver) {
    nlohmann::json message{{"type", "alert"}, {"stream", "desk"},  {"state", "raised"},
                           {"rule", "anger"}, {"start_ms", 63500}, {"value", 0.714}};
    EXPECT_THAT(to_line(message, false), HasSubstr("alert anger raised: 0.71, since 1:03.5"));
    EXPECT_THAT(to_line(message, true), HasSubstr("\033[1;31malert"));
    message["state"] = "cleared";
    message["reason"] = "silence";
    EXPECT_THAT(to_line(message, true),
                HasSubstr("alert anger cleared: 0.71, since 1:03.5 (silence)"));
}

TEST(EventPrinter, StatesGapsAndErrorsSayWhatHappened) {
    EXPECT_THAT(
        to_line({{"type", "stream"}, {"stream", "a"}, {"state", "lost"}, {"reason", "gone"}},
                false),
        HasSubstr("is lost: gone"));
    EXPECT_THAT(to_line({{"type", "gap"},
                         {"stream", "a"},
                         {"scope", "audio"},
                         {"lost_ms", 120},
                         {"reason", "ring_overflow"}},
                        false),
                HasSubstr("120 ms of audio lost: ring_overflow"));
    EXPECT_THAT(to_line({{"type", "gap"},
                         {"stream", "a"},
                         {"scope", "queue"},
                         {"dropped", 7},
                         {"reason", "slow_consumer"}},
                        false),
                HasSubstr("7 messages lost: slow_consumer"));
    EXPECT_THAT(to_line({{"type", "error"}, {"message", "no"}}, false), HasSubstr("error: no"));
    EXPECT_EQ(to_line({{"type", "hello"}}, false), "");
}

TEST(EventPrinter, UtterancesAndOverloadAreLinesToo) {
    EXPECT_THAT(to_line({{"type", "utterance"},
                         {"stream", "a"},
                         {"start_ms", 1200},
                         {"end_ms", 9900},
                         {"utterance", 12},
                         {"label", "angry"},
                         {"confidence", 0.68}},
                        false),
                AllOf(HasSubstr("0:01.2-0:09.9"), HasSubstr("angry      0.68"),
                      HasSubstr("(utterance 12)")));
    EXPECT_THAT(
        to_line({{"type", "overload"}, {"level", 2}, {"action", "shed"}, {"reason", "r"}}, false),
        HasSubstr("overload 2, shed: r"));
    EXPECT_THAT(
        to_line({{"type", "overload"}, {"level", 0}, {"action", ""}, {"reason", "r"}}, false),
        HasSubstr("overload is over: r"));
}

}  // namespace
}  // namespace emotiond::daemon
