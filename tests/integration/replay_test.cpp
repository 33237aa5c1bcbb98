#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "tests/integration/daemon_process.hpp"
#include "tests/integration/wire_client.hpp"

namespace emotiond::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

json classified(const std::string& file) {
    const Finished finished = run_to_end({emotiond_binary(), "classify", "--json", file});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return json::parse(finished.out);
}

/// Windows that were live, as `classify` tells them.
std::vector<json> live_entries(const json& file) {
    std::vector<json> live;
    for (const json& entry : file.at("timeline")) {
        if (entry.at("state") == "live") {
            live.push_back(entry);
        }
    }
    return live;
}

void expect_same(const std::vector<json>& emotions, const std::vector<json>& entries) {
    ASSERT_EQ(emotions.size(), entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        EXPECT_EQ(emotions[i]["start_ms"], entries[i]["start_ms"]);
        EXPECT_EQ(emotions[i]["end_ms"], entries[i]["end_ms"]);
        EXPECT_EQ(emotions[i]["level_dbfs"], entries[i]["level_dbfs"]);
        // All that is told of the scores is told of a file too; near a threshold it may round over.
        for (const char* key : {"label", "confidence", "uncertain", "affect", "speech"}) {
            EXPECT_EQ(emotions[i].contains(key), entries[i].contains(key)) << key;
        }
        for (const auto& [label, score] : entries[i]["scores"].items()) {
            // Windows go through the network alone or together, which may round differently.
            EXPECT_NEAR(emotions[i]["scores"][label].get<double>(), score.get<double>(), 2e-4)
                << label << " at " << entries[i]["end_ms"];
        }
    }
}

std::vector<json> parse_lines(const std::string& text) {
    std::vector<json> messages;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        messages.push_back(json::parse(line));
    }
    return messages;
}

TEST(Replay, LiveEqualsFile) {
    const std::string file = clip("14a02Nc.flac");
    DaemonProcess daemon({"--source", "file:" + file});
    TcpClient tcp(daemon.tcp_port());
    const std::vector<json> messages = tcp.read_to_end(30s);
    EXPECT_EQ(daemon.process().wait(10s), 0);
    expect_same(of_type(messages, "emotion"), live_entries(classified(file)));
    EXPECT_EQ(messages.back()["state"], "ended");
    EXPECT_EQ(messages.back()["reason"], "end of source");
}

TEST(Replay, AsFastAsItGoesLosesNothingAndEqualsTheFile) {
    const std::string file = clip("demo.flac");
    const Finished finished =
        run_to_end({emotiond_binary(), "run", "--source", "file:" + file, "--speed", "max",
                    "--print", "json", "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0"});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    const std::vector<json> messages = parse_lines(finished.out);
    EXPECT_THAT(of_type(messages, "gap"), testing::IsEmpty());
    expect_same(of_type(messages, "emotion"), live_entries(classified(file)));
}

const char* kAngerRule = "[[alerts]]\nname = \"anger\"\nlabels = [\"angry\"]\nthreshold = 0.3\n";

std::filesystem::path rules_file(const std::string& text) {
    static int count = 0;
    const auto path = scratch_folder() / ("rules-" + std::to_string(++count) + ".toml");
    std::ofstream(path) << text;
    return path;
}

// The demo is neutral until 6.8 s, angry until 16.7 s and sad after that.
TEST(Replay, RulesAreHeldAgainstFilesAndOfTwoEachIsAStream) {
    const Finished finished =
        run_to_end({emotiond_binary(), "replay", clip("demo.flac"), clip("demo.flac"), "--json",
                    "--rules", rules_file(kAngerRule).string()});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_EQ(finished.err, "anger: 2 raised\n");
    std::map<std::string, std::vector<json>> alerts;
    std::map<std::string, std::int64_t> last_end;
    for (const json& message : parse_lines(finished.out)) {
        if (message["type"] == "emotion") {
            last_end[message["stream"]] = message["end_ms"];
        } else if (message["type"] == "alert") {
            alerts[message["stream"]].push_back(message);
            alerts[message["stream"]].back()["at"] = last_end[message["stream"]];
        }
    }
    ASSERT_EQ(alerts.size(), 2U);
    for (const auto& [stream, pair] : alerts) {
        ASSERT_EQ(pair.size(), 2U) << stream;
        EXPECT_EQ(pair[0]["state"], "raised");
        EXPECT_TRUE(pair[0]["alert"].get<std::string>().starts_with("anger-" + stream + "-"));
        EXPECT_GT(pair[0]["at"], 6767);
        EXPECT_LT(pair[0]["at"], 6767 + 3000);
        EXPECT_EQ(pair[1]["state"], "cleared");
        EXPECT_EQ(pair[1]["alert"], pair[0]["alert"]);
        EXPECT_EQ(pair[1]["reason"], "below");
        EXPECT_GT(pair[1]["at"], 16741);
        EXPECT_LT(pair[1]["at"], 16741 + 8000);
    }
}

TEST(Replay, ForPeopleItIsALineAnEvent) {
    const Finished finished = run_to_end({emotiond_binary(), "replay", clip("demo.flac"), "--rules",
                                          rules_file(kAngerRule).string()});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.out, testing::HasSubstr("alert anger raised: 0."));
    EXPECT_THAT(finished.out, testing::HasSubstr("(below)"));
}

TEST(Replay, RulesOfOtherLabelsAndAbsentFilesAreRefused) {
    const auto rules =
        rules_file("[[alerts]]\nname = \"x\"\nlabels = [\"bemused\"]\nthreshold = 0.5\n");
    const Finished unknown =
        run_to_end({emotiond_binary(), "replay", clip("demo.flac"), "--rules", rules.string()});
    EXPECT_EQ(unknown.exit_code, 78);
    EXPECT_THAT(unknown.err, testing::HasSubstr("alert 'x': the model has no label 'bemused'"));
    EXPECT_EQ(run_to_end({emotiond_binary(), "check-config", rules.string()}).exit_code, 78);
    EXPECT_EQ(run_to_end({emotiond_binary(), "replay", "/nonexistent.wav"}).exit_code, 1);
    EXPECT_EQ(run_to_end({emotiond_binary(), "replay"}).exit_code, 64);
}

TEST(Replay, SilenceIsAStateAndNotAnEmotion) {
    const Finished finished = run_to_end(
        {emotiond_binary(), "run", "--source", "file:" + clip("demo.flac"), "--speed", "max",
         "--print", "json", "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0"});
    std::vector<std::string> states;
    for (const json& message : of_type(parse_lines(finished.out), "stream")) {
        states.push_back(message.at("state"));
    }
    EXPECT_THAT(states, testing::ElementsAre("live", "silent", "live", "ended"));
}

TEST(Replay, SeveralSourcesAreSeveralStreams) {
    DaemonProcess daemon({"--source", "file:" + clip("12a02Wc.flac"), "--source",
                          "file:" + clip("13a02Ta.flac"), "--source",
                          "file:" + clip("12a02Wc.flac")});
    TcpClient tcp(daemon.tcp_port());
    const std::vector<json> messages = tcp.read_to_end(30s);
    EXPECT_EQ(daemon.process().wait(10s), 0);
    std::vector<std::string> names;
    for (const json& stream : messages.front().at("streams")) {
        names.push_back(stream.at("stream"));
    }
    EXPECT_THAT(names, testing::ElementsAre("12a02wc", "13a02ta", "12a02wc-2"));
    std::map<std::string, int> ended;
    for (const json& message : messages) {
        if (message["type"] == "stream" && message["state"] == "ended") {
            ++ended[message["stream"].get<std::string>()];
        }
    }
    EXPECT_EQ(ended.size(), 3U);
}

TEST(Replay, SigintDeliversTheLastEventsAndEndsCleanly) {
    DaemonProcess daemon({"--source", "file:" + clip("demo.flac")});
    TcpClient tcp(daemon.tcp_port());
    tcp.read_until([](const json& message) { return message["type"] == "emotion"; }, 20s);
    daemon.process().signal(SIGINT);
    const std::vector<json> messages = tcp.read_to_end(20s);
    ASSERT_FALSE(messages.empty());
    EXPECT_EQ(messages.back()["type"], "stream");
    EXPECT_EQ(messages.back()["state"], "ended");
    EXPECT_EQ(messages.back()["reason"], "service is stopping");
    EXPECT_EQ(daemon.process().wait(20s), 0);
}

TEST(Replay, LoopsUntilItIsStopped) {
    DaemonProcess daemon({"--source", "file:" + clip("12a02Wc.flac"), "--loop"});
    TcpClient tcp(daemon.tcp_port());
    const auto is_past_the_end = [](const json& message) {
        return message["type"] == "emotion" && message["end_ms"] > 4000;
    };
    EXPECT_NO_THROW(tcp.read_until(is_past_the_end, 30s));
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(20s), 0);
}

}  // namespace
}  // namespace emotiond::test
