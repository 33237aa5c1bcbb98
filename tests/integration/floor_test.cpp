// A floor of channels on the real program: who may be analysed, pause and objection, and what a
// reload changes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "model/audio_file.hpp"
#include "tests/integration/daemon_process.hpp"
#include "tests/integration/wire_client.hpp"
#include "tests/support/files.hpp"

namespace emotiond::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

class Floor : public testing::Test {
 protected:
    void SetUp() override {
        static int count = 0;
        folder_ = scratch_folder() / ("floor-" + std::to_string(++count));
        std::filesystem::create_directories(folder_);
    }

    static std::string channel(const std::string& id, const std::string& more = "") {
        return "[[channels]]\nid = \"" + id + "\"\nsource = \"file:" + clip("demo.flac") + "\"\n" +
               more + "\n";
    }

    /// A channel of a recording of these samples; two_channels: interleaved.
    std::string channel_of(const std::string& id, const std::string& file,
                           const std::vector<float>& samples, bool two_channels,
                           int channel = 0) const {
        const auto path = folder_ / (file + ".wav");
        write_wav(path, samples, two_channels ? 2 : 1);
        return "[[channels]]\nid = \"" + id + "\"\nsource = \"file:" + path.string() +
               "\"\nchannel = " + std::to_string(channel) + "\n";
    }

    std::string write(const std::string& text) {
        const auto path = folder_ / "floor.toml";
        std::ofstream(path) << text;
        return path.string();
    }

    std::vector<std::string> arguments(const std::string& config) {
        return {"--config",
                config,
                "--loop",
                "--print",
                "none",
                "--audit.path=" + (folder_ / "audit.jsonl").string(),
                "--history.path=" + (folder_ / "history.db").string()};
    }

    static auto is(const std::string& type, const std::string& stream) {
        return [type, stream](const json& message) {
            return message["type"] == type && message.value("stream", "") == stream;
        };
    }
    static auto is_state(const std::string& stream, const std::string& state) {
        return [stream, state](const json& message) {
            return message["type"] == "stream" && message.value("stream", "") == stream &&
                   message["state"] == state;
        };
    }
    static auto is_answer(const std::string& request_id) {
        return [request_id](const json& message) {
            return message.value("request_id", "") == request_id;
        };
    }

    std::filesystem::path folder_;
};

TEST_F(Floor, AnAgentIsNotAnalysedWithoutAnException) {
    DaemonProcess daemon(arguments(write(
        channel("customer", "role = \"customer\"\ndisclosed = true") +
        channel("agent", "role = \"agent\"") + channel("both", "mixed = true") +
        channel("driver", "role = \"agent\"\nexception = \"safety: fatigue at the wheel\""))));
    TcpClient tcp(daemon.tcp_port());
    std::set<std::string> heard;
    std::map<std::string, json> streams;
    const auto all_heard = [&](const json& message) {
        if (message["type"] == "hello") {
            for (const json& stream : message["streams"]) {
                streams[stream["stream"]] = stream;
            }
        }
        if (message["type"] == "emotion") {
            heard.insert(message["stream"]);
        }
        return heard.contains("customer") && heard.contains("driver");
    };
    tcp.read_until(all_heard, 30s);
    tcp.read_until(is("utterance", "customer"), 40s);
    EXPECT_THAT(heard, testing::UnorderedElementsAre("customer", "driver"));
    EXPECT_EQ(streams["customer"]["disclosed"], true);
    EXPECT_EQ(streams["agent"]["analysed"], false);
    EXPECT_THAT(streams["agent"]["reason"], HasSubstr("without an exception"));
    EXPECT_EQ(streams["agent"]["state"], "paused");
    EXPECT_EQ(streams["both"]["analysed"], false);
    EXPECT_EQ(streams["driver"]["analysed"], true);
}

TEST_F(Floor, APauseHoldsAtOnceAndAnObjectionOverARestart) {
    const std::string config = write(channel("desk", "role = \"customer\"") + channel("other"));
    {
        DaemonProcess daemon(arguments(config));
        TcpClient tcp(daemon.tcp_port());
        tcp.read_until(is("emotion", "desk"), 30s);
        tcp.send(R"({"type":"pause","request_id":"p","streams":["desk"],"reason":"a break"})");
        tcp.read_until(is_state("desk", "paused"), 10s);
        // Nothing of it comes while the other goes on.
        for (int i = 0; i < 4; ++i) {
            for (const json& message : tcp.read_until(is("emotion", "other"), 10s)) {
                EXPECT_FALSE(message.value("stream", "") == "desk" && message["type"] != "stream")
                    << message;
            }
        }
        tcp.send(
            R"({"type":"resume_analysis","request_id":"r","streams":["desk"],"reason":"over"})");
        tcp.read_until(is("emotion", "desk"), 20s);
        tcp.send(R"({"type":"object","request_id":"o","streams":["desk"],"reason":"no"})");
        tcp.read_until(is_state("desk", "paused"), 10s);
        tcp.send(
            R"({"type":"resume_analysis","request_id":"no","streams":["desk"],"reason":"please"})");
        EXPECT_EQ(tcp.read_until(is_answer("no"), 10s).back()["code"], "objected");
        daemon.process().signal(SIGTERM);
        EXPECT_EQ(daemon.process().wait(20s), 0) << daemon.process().err();
    }
    // What was known of it is gone, and it stays unheard.
    DaemonProcess daemon(arguments(config));
    TcpClient tcp(daemon.tcp_port());
    const json hello =
        tcp.read_until([](const json& m) { return m["type"] == "hello"; }, 10s).back();
    EXPECT_EQ(hello["streams"][0]["analysed"], false);
    tcp.read_until(is("emotion", "other"), 30s);
    const Finished past = run_to_end({"curl", "-s",
                                      "http://127.0.0.1:" + std::to_string(daemon.http_port()) +
                                          "/v1/history?stream=desk&type=emotion"});
    EXPECT_EQ(json::parse(past.out)["events"].size(), 0U) << past.out;
    const Finished audit =
        run_to_end({emotiond_binary(), "audit", "show", (folder_ / "audit.jsonl").string()});
    EXPECT_EQ(audit.exit_code, 0) << audit.err;
    for (const char* act : {"pause desk", "resume_analysis desk", "object desk", "erased desk"}) {
        EXPECT_THAT(audit.out, HasSubstr(act));
    }
}

TEST_F(Floor, AReloadAddsAndRemovesChannelsAndLeavesTheOthersAlone) {
    const std::string config = write(channel("stays") + channel("goes"));
    DaemonProcess daemon(arguments(config));
    TcpClient tcp(daemon.tcp_port());
    tcp.read_until(is("emotion", "goes"), 30s);
    write(channel("stays") + channel("comes") +
          "[[alerts]]\nname = \"anything\"\nlabels = [\"angry\", \"happy\", \"sad\", \"neutral\", "
          "\"calm\", \"fearful\", \"disgust\", \"surprised\"]\nthreshold = 0.5\n");
    daemon.process().signal(SIGHUP);
    std::vector<json> messages = tcp.read_until(is_state("goes", "ended"), 20s);
    EXPECT_EQ(messages.back()["reason"], "removed from the configuration");
    for (json& message : tcp.read_until(is("alert", "comes"), 30s)) {
        messages.push_back(std::move(message));
    }
    std::int64_t last = -1;
    for (const json& message : messages) {
        EXPECT_NE(message["type"], "gap") << message;
        if (message.value("stream", "") == "stays") {
            const std::int64_t seq = message["seq"];
            EXPECT_TRUE(last == -1 || seq == last + 1) << message;
            last = seq;
        }
    }
    // A file that says nonsense changes nothing.
    write("[[channels]]\nid = \"stays\"\n");
    daemon.process().signal(SIGHUP);
    EXPECT_TRUE(daemon.process().wait_for_err("what was in force stays", 10s));
    tcp.read_until(is("emotion", "comes"), 20s);
}

TEST_F(Floor, ARemovedChannelIsToldToItsEnd) {
    const std::string config = write(channel("stays") + channel("goes"));
    DaemonProcess daemon(arguments(config));
    TcpClient tcp(daemon.tcp_port());
    // In the middle of what somebody says.
    const auto lies_in_utterance = [](const json& message) {
        return message["type"] == "emotion" && message["stream"] == "goes" &&
               message.contains("utterance");
    };
    std::vector<json> messages = tcp.read_until(lies_in_utterance, 30s);
    write(channel("stays"));
    daemon.process().signal(SIGHUP);
    for (json& message : tcp.read_until(is_state("goes", "ended"), 20s)) {
        messages.push_back(std::move(message));
    }
    std::int64_t begun = 0;
    std::int64_t told = 0;
    for (const json& message : messages) {
        if (message.value("stream", "") == "goes") {
            begun = message["type"] == "emotion" ? message.value("utterance", begun) : begun;
            told = message["type"] == "utterance" ? message["utterance"].get<std::int64_t>() : told;
        }
    }
    EXPECT_GT(begun, 0);
    EXPECT_EQ(told, begun);
}

TEST_F(Floor, AChannelThatChangesEndsWithItsAlertsAndBeginsAgain) {
    const std::string rule =
        "[[alerts]]\nname = \"anything\"\nlabels = [\"angry\", \"happy\", \"sad\", \"neutral\", "
        "\"calm\", \"fearful\", \"disgust\", \"surprised\"]\nthreshold = 0.5\n";
    DaemonProcess daemon(arguments(write(channel("desk") + rule)));
    TcpClient tcp(daemon.tcp_port());
    const json raised = tcp.read_until(is("alert", "desk"), 30s).back();
    EXPECT_EQ(raised["state"], "raised");
    write(channel("desk", "labels = {team = \"billing\"}") + rule);
    daemon.process().signal(SIGHUP);
    std::vector<std::string> order;
    const auto is_heard_again = [&](const json& message) {
        if (message["type"] == "alert" || message["type"] == "stream") {
            order.push_back(message["type"].get<std::string>() + " " +
                            message["state"].get<std::string>());
        }
        return message["type"] == "alert" && message["state"] == "raised";
    };
    const json again = tcp.read_until(is_heard_again, 30s).back();
    EXPECT_NE(again["alert"], raised["alert"]);
    EXPECT_THAT(order, testing::ElementsAre("stream ended", "alert cleared", "stream live",
                                            "alert raised"));
}

TEST_F(Floor, AChannelWhoseSamplesCannotBeRightIsTold) {
    const std::vector<float> speech = model::read_recording(clip("demo.flac")).samples;
    std::vector<float> loud;
    std::vector<float> alike;
    std::vector<float> apart;
    for (std::size_t i = 0; i < speech.size(); ++i) {
        loud.push_back(std::clamp(40.0F * speech[i], -1.0F, 1.0F));
        alike.insert(alike.end(), {speech[i], speech[i]});
        apart.insert(apart.end(), {speech[i], speech[speech.size() - 1 - i]});
    }
    const std::vector<float> dead(160000, 0.0F);
    DaemonProcess daemon(arguments(write(
        channel_of("loud", "loud", loud, false) + channel_of("dead", "dead", dead, true, 0) +
        channel_of("dead-too", "dead", dead, true, 1) + channel_of("one", "alike", alike, true, 0) +
        channel_of("two", "alike", alike, true, 1) +
        channel_of("customer", "apart", apart, true, 0) +
        channel_of("agent", "apart", apart, true, 1) + channel("well"))));
    TcpClient tcp(daemon.tcp_port());
    std::multiset<std::string> errors;  // code and stream
    std::map<std::string, std::string> messages;
    std::multiset<std::string> dead_streams;
    const auto note = [&](const json& message) {
        const std::string stream = message.value("stream", "");
        if (message["type"] == "error") {
            errors.insert(message.value("code", "") + " " + stream);
            messages[stream] = message["message"];
            EXPECT_EQ(message["fatal"], false);
        }
        if (message["type"] == "stream" && message.contains("reason") &&
            message["reason"].get<std::string>().starts_with("nothing but one value")) {
            EXPECT_EQ(message["state"], "silent");
            dead_streams.insert(stream);
        }
        return errors.size() >= 3 && dead_streams.size() >= 2;
    };
    tcp.read_until(note, 60s);
    // And each of it once.
    for (int i = 0; i < 6; ++i) {
        tcp.read_until(
            [&](const json& message) {
                note(message);
                return message["type"] == "emotion" && message["stream"] == "well";
            },
            20s);
    }
    EXPECT_THAT(errors, testing::UnorderedElementsAre("clipped loud", "identical_channels one",
                                                      "identical_channels two"));
    EXPECT_THAT(messages["one"], HasSubstr("the same samples as two"));
    EXPECT_THAT(messages["two"], HasSubstr("the same samples as one"));
    EXPECT_THAT(dead_streams, testing::UnorderedElementsAre("dead", "dead-too"));
}

}  // namespace
}  // namespace emotiond::test
