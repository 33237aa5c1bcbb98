#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

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
