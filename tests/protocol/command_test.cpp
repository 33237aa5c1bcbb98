#include "protocol/command.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <iterator>
#include <string>
#include <utility>

namespace emotiond::protocol {
namespace {

using namespace std::chrono_literals;

Command command(std::string_view text) {
    const auto decoded = decode_command(text);
    if (const auto* error = std::get_if<CommandError>(&decoded)) {
        ADD_FAILURE() << text << ": " << error->message;
        return {};
    }
    return std::get<Command>(decoded);
}

CommandError error(std::string_view text) {
    const auto decoded = decode_command(text);
    if (std::holds_alternative<Command>(decoded)) {
        ADD_FAILURE() << text << " is a command";
        return {};
    }
    return std::get<CommandError>(decoded);
}

TEST(DecodeCommand, KnowsEveryCommand) {
    EXPECT_EQ(command(R"({"type":"ping"})"), (Command{"", Ping{}}));
    EXPECT_EQ(command(R"({"type":"close","request_id":"7"})"), (Command{"7", Close{}}));
    EXPECT_EQ(command(R"({"type":"unsubscribe"})"), (Command{"", Unsubscribe{}}));
    EXPECT_EQ(command(R"({"type":"auth","token":"t"})"), (Command{"", Auth{"t"}}));
    EXPECT_EQ(command(R"({"type":"subscribe"})"), (Command{"", Subscribe{}}));
}

TEST(DecodeCommand, ReadsAllThatASubscriptionMaySay) {
    const Subscribe wanted{.streams = {"desk*", "hall"},
                           .types = {std::begin(kEventTypes), std::end(kEventTypes)},
                           .min_interval = 1500ms,
                           .on_overflow = Overflow::LatestOnly,
                           .resume = {{"E", "desk07", 960}, {"F", "hall", 0}}};
    EXPECT_EQ(command(R"({"type":"subscribe","request_id":"a","streams":["desk*","hall"],
                          "types":["emotion","gap","stream","error","utterance","alert","overload"],"min_interval_ms":1500,
                          "on_overflow":"latest_only",
                          "resume":[{"epoch":"E","stream":"desk07","after_seq":960},
                                    {"epoch":"F","stream":"hall","after_seq":0}]})"),
              (Command{"a", wanted}));
}

TEST(DecodeCommand, ReadsWhatControlsTheAnalysis) {
    EXPECT_EQ(command(R"({"type":"pause","streams":["a","b","a"],"reason":"r"})"),
              (Command{"", ControlCommand{ControlAction::Pause, {"a", "b"}, "r"}}));
    EXPECT_EQ(command(R"({"type":"object","request_id":"7","streams":"a","reason":"r"})"),
              (Command{"7", ControlCommand{ControlAction::Object, {"a"}, "r"}}));
    EXPECT_EQ(command(R"({"type":"resume_analysis","streams":"a","reason":"r"})"),
              (Command{"", ControlCommand{ControlAction::Resume, {"a"}, "r"}}));
    EXPECT_EQ(
        command(R"({"type":"resume_analysis","streams":"a","reason":"r","lift_objection":true})"),
        (Command{"", ControlCommand{ControlAction::Resume, {"a"}, "r", true}}));
}

TEST(DecodeCommand, WantsStreamsAndAReasonOfWhoControls) {
    for (const auto& [text, message] : {
             std::pair<std::string, std::string>{R"({"type":"pause","reason":"r"})",
                                                 "'streams' is missing"},
             {R"({"type":"pause","streams":[],"reason":"r"})", "'streams' names no stream"},
             {R"({"type":"pause","streams":["a"]})", "'reason' is missing"},
             {R"({"type":"object","streams":["a"],"reason":" \n"})",
              "'reason' is empty: it stands in the audit log"},
             {R"({"type":"object","streams":["a"],"reason":")" + std::string(501, 'x') + "\"}",
              "'reason' has more than 500 bytes"},
             {R"({"type":"object","streams":["a"],"reason":"r","lift_objection":true})",
              "unknown field \"lift_objection\", expected some of 'type', 'request_id', "
              "'streams', 'reason'"},
             {R"({"type":"resume_analysis","streams":["a"],"reason":"r","lift_objection":1})",
              "'lift_objection' must be true or false, got 1"},
         }) {
        EXPECT_EQ(error(text).code, "bad_command") << text;
        EXPECT_EQ(error(text).message, message) << text;
    }
}

TEST(DecodeCommand, TakesOneWhereAListIsExpected) {
    const Subscribe wanted{.streams = {"desk07"},
                           .types = {EventType::Emotion},
                           .min_interval = {},
                           .on_overflow = Overflow::Disconnect,
                           .resume = {{"E", "desk07", 1}}};
    EXPECT_EQ(command(R"({"type":"subscribe","streams":"desk07","types":"emotion",
                          "on_overflow":"disconnect",
                          "resume":{"epoch":"E","stream":"desk07","after_seq":1}})"),
              (Command{"", wanted}));
}

TEST(DecodeCommand, SaysWhatIsNoJson) {
    for (const char* text : {"", "x", "{", "[]", "7", "\"ping\"", "{\"type\":\"ping\"}x",
                             "{\"type\":\"\xff\"}", "nan"}) {
        EXPECT_EQ(error(text).code, "bad_json") << text;
    }
}

TEST(DecodeCommand, RefusesDeepNestingWithoutRecursion) {
    std::string deep = R"({"type":"ping","x":)";
    deep += std::string(60000, '[');
    EXPECT_EQ(error(deep).code, "bad_json");
    EXPECT_EQ(error(deep + std::string(60000, ']') + "}").code, "bad_json");
}

TEST(DecodeCommand, SaysWhichCommandsThereAre) {
    const CommandError unknown = error(R"({"type":"sing","request_id":"7"})");
    EXPECT_EQ(unknown.code, "unknown_command");
    EXPECT_EQ(unknown.request_id, "7");
    EXPECT_EQ(
        unknown.message,
        R"(unknown type "sing", expected auth, subscribe, unsubscribe, ping, close, pause, resume_analysis or object)");
}

TEST(DecodeCommand, SaysWhatDoesNotFit) {
    const std::pair<const char*, const char*> wrong[]{
        {R"({})", "'type' is missing"},
        {R"({"type":7})", "'type' must be a text, got 7"},
        {R"({"type":"auth"})", "'token' is missing"},
        {R"({"type":"ping","x":1})", R"(unknown field "x", expected some of 'type', 'request_id')"},
        {R"({"type":"ping","request_id":7})", "'request_id' must be a text, got 7"},
        {R"({"type":"subscribe","streams":[1]})", "'streams' must be a list of texts, got [1]"},
        {R"({"type":"subscribe","types":["anger"]})",
         R"('types' must be some of emotion, gap, stream, error, utterance, alert, overload, got "anger")"},
        {R"({"type":"subscribe","min_interval_ms":-1})",
         "'min_interval_ms' must be a whole number from 0 on, got -1"},
        {R"({"type":"subscribe","min_interval_ms":99999999999})",
         "'min_interval_ms' must be at most a day, got 99999999999"},
        {R"({"type":"subscribe","on_overflow":"wait"})",
         R"('on_overflow' must be drop_oldest, latest_only or disconnect, got "wait")"},
        {R"({"type":"subscribe","resume":[7]})", "'resume' must be a list of objects, got [7]"},
        {R"({"type":"subscribe","resume":{"epoch":"E","stream":"s"}})", "'after_seq' is missing"},
        {R"({"type":"subscribe","resume":{"epoch":"E","stream":"s","after_seq":1.5}})",
         "'after_seq' must be a whole number from 0 on, got 1.5"},
    };
    for (const auto& [text, message] : wrong) {
        EXPECT_EQ(error(text).code, "bad_command") << text;
        EXPECT_EQ(error(text).message, message) << text;
    }
}

TEST(DecodeCommand, ShowsLittleOfAWrongValue) {
    const CommandError long_one =
        error(R"({"type":"subscribe","on_overflow":")" + std::string(60000, 'x') + "\"}");
    EXPECT_LT(long_one.message.size(), 200U);
    const CommandError long_id =
        error(R"({"type":"ping","request_id":")" + std::string(129, 'x') + "\"}");
    EXPECT_EQ(long_id.message, "'request_id' has more than 128 bytes");
    EXPECT_EQ(long_id.request_id, "");
}

TEST(SubscribeFromQuery, MeansTheSameAsTheCommand) {
    const auto wanted = subscribe_from_query({{"streams", "desk*,hall"},
                                              {"types", "emotion,gap"},
                                              {"min_interval_ms", "1500"},
                                              {"on_overflow", "disconnect"}});
    EXPECT_EQ(std::get<Subscribe>(wanted), (Subscribe{.streams = {"desk*", "hall"},
                                                      .types = {EventType::Emotion, EventType::Gap},
                                                      .min_interval = 1500ms,
                                                      .on_overflow = Overflow::Disconnect,
                                                      .resume = {}}));
}

TEST(SubscribeFromQuery, SaysWhatDoesNotFit) {
    EXPECT_EQ(std::get<CommandError>(subscribe_from_query({{"stream", "x"}})).message,
              "unknown parameter \"stream\", expected some of 'streams', 'types', "
              "'min_interval_ms', 'on_overflow'");
    EXPECT_EQ(std::get<CommandError>(subscribe_from_query({{"min_interval_ms", "soon"}})).message,
              "'min_interval_ms' must be a whole number from 0 on, got \"soon\"");
}

}  // namespace
}  // namespace emotiond::protocol
