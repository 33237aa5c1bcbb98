/// Runs what docs/clients.md tells people to copy.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/integration/credentials.hpp"
#include "tests/integration/daemon_process.hpp"
#include "tests/support/files.hpp"

namespace emotiond::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Strings = std::vector<std::string>;

constexpr auto kDeadline = 60s;

std::string document() {
    std::string text = read_bytes(EMOTIOND_SOURCE_DIR "/docs/clients.md");
    EXPECT_FALSE(text.empty());
    return text;
}

/// Whole lines only: the last one may still be in the making.
Strings lines_of(const std::string& text) {
    Strings lines;
    for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
        lines.push_back(text.substr(begin, end - begin));
    }
    return lines;
}

/// ```<language> <name>, as "<language> <name>", and what the block holds.
std::map<std::string, std::string> blocks() {
    std::map<std::string, std::string> result;
    std::string* inside = nullptr;
    for (const std::string& line : lines_of(document())) {
        if (!line.starts_with("```")) {
            if (inside != nullptr) {
                *inside += line + "\n";
            }
        } else if (inside != nullptr) {
            inside = nullptr;
        } else {
            inside = &result[line.substr(3)];
            EXPECT_EQ(*inside, "") << "a second block " << line;
        }
    }
    return result;
}

int replace_all(std::string& text, const std::string& from, const std::string& to) {
    int count = 0;
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
        text.replace(at, from.size(), to);
        ++count;
    }
    return count;
}

struct Ports {
    explicit Ports(const DaemonProcess& daemon)
        : tcp(std::to_string(daemon.tcp_port())), http(std::to_string(daemon.http_port())) {}

    std::string tcp;
    std::string http;
};

/// The block as a stranger copies it, but for the ports.
std::string block(const std::string& name, const Ports& ports) {
    std::string text = blocks()[name];
    const int endpoints = replace_all(text, "127.0.0.1:8790", "127.0.0.1:" + ports.http) +
                          replace_all(text, "127.0.0.1 8791", "127.0.0.1 " + ports.tcp);
    EXPECT_EQ(endpoints, 1) << name << ":\n" << text;
    return text;
}

bool has_program(const std::string& name) {
    return run_to_end({"sh", "-c", "command -v " + name}).exit_code == 0;
}

/// A client that runs until this is destroyed, and all that it has started with it: `timeout` ends
/// its process group, also where the test itself is killed.
class RunningClient {
 public:
    explicit RunningClient(Strings command, const ChildProcess::Environment& environment = {})
        : process_(
              [&] {
                  command.insert(command.begin(), {"timeout", "150"});
                  return std::move(command);
              }(),
              scratch_folder(), "client", environment) {}
    ~RunningClient() { stop(); }
    RunningClient(const RunningClient&) = delete;
    RunningClient& operator=(const RunningClient&) = delete;

    void stop() {
        if (process_.wait(0s) == -1) {
            process_.signal(SIGTERM);
            EXPECT_NE(process_.wait(20s), -1);
        }
    }
    std::string out() const { return process_.out(); }
    Strings lines() const { return lines_of(out()); }
    /// Whether what it printed fulfils the condition before the deadline.
    template <typename Condition>
    testing::AssertionResult wait_for(Condition&& condition) {
        const auto end = std::chrono::steady_clock::now() + kDeadline;
        while (std::chrono::steady_clock::now() < end) {
            if (condition(out())) {
                return testing::AssertionSuccess();
            }
            if (const int exit_code = process_.wait(20ms); exit_code != -1) {
                return testing::AssertionFailure() << "ended with " << exit_code << "\n"
                                                   << out() << process_.err();
            }
        }
        return testing::AssertionFailure() << "printed only\n" << out() << process_.err();
    }
    testing::AssertionResult wait_for_lines(std::size_t count) {
        return wait_for([&](const std::string& out) { return lines_of(out).size() >= count; });
    }

 private:
    ChildProcess process_;
};

Strings shell(const std::string& script) {
    return {"sh", "-c", script};
}

/// With an input that stays open, as that of a terminal does.
Strings shell_at_terminal(const std::string& script) {
    return shell("sleep infinity | {\n" + script + "}");
}

/// The system's Python: the package python3-websockets is for no other.
Strings python(const std::string& script) {
    return {"/usr/bin/python3", "-c", script};
}

/// "desk angry 0.71"
std::string said(const std::string& stream, const std::string& label, double confidence) {
    return stream + " " + label + " " + json(confidence).dump();
}

std::string said(const json& emotion) {
    return said(emotion["stream"], emotion["label"], emotion["confidence"]);
}

/// The same of a line that a client printed, whose language may print 1.0 as 1.
std::string said(const std::string& line) {
    std::istringstream in(line);
    std::string stream;
    std::string label;
    double confidence = -1;
    in >> stream >> label >> confidence;
    return in && in.peek() == EOF ? said(stream, label, confidence) : "no emotion: " + line;
}

template <typename Each>
Strings said_of(const Each& each) {
    Strings result;
    for (const auto& one : each) {
        result.push_back(said(one));
    }
    return result;
}

/// The emotions among messages that stand on a line each.
std::vector<json> emotions(const Strings& lines) {
    std::vector<json> result;
    for (const std::string& line : lines) {
        if (json message = json::parse(line); message.at("type") == "emotion") {
            result.push_back(std::move(message));
        }
    }
    return result;
}

/// The emotions of server-sent events.
std::vector<json> streamed_emotions(const std::string& out) {
    Strings data;
    for (const std::string& line : lines_of(out)) {
        if (line.starts_with("data: ")) {
            data.push_back(line.substr(6));
        }
    }
    return emotions(data);
}

testing::AssertionResult wait_for_streamed(RunningClient& client, std::size_t count) {
    return client.wait_for(
        [&](const std::string& out) { return streamed_emotions(out).size() >= count; });
}

/// A daemon that plays a recording in which somebody speaks, and tells all events on its output
/// too: what a client should have got.
class Talking : public DaemonProcess {
 public:
    explicit Talking(Strings more = {})
        : DaemonProcess([&] {
              more.insert(more.begin(),
                          {"--source", "file:" + clip("demo.flac"), "--loop", "--print", "json"});
              return std::move(more);
          }()) {}

    /// Ends it. All its emotions, in order.
    std::vector<json> emotions_to_the_end() {
        process().signal(SIGTERM);
        EXPECT_EQ(process().wait(20s), 0);
        return emotions(lines_of(process().out()));
    }
};

/// Whether somebody has said all this in a row, with labels that there are.
void expect_in_a_row(const Strings& printed, const std::vector<json>& emotions) {
    const Strings all = said_of(emotions);
    EXPECT_FALSE(std::ranges::search(all, printed).empty())
        << testing::PrintToString(printed) << "\nis no part of\n"
        << testing::PrintToString(all);
    for (const json& emotion : emotions) {
        EXPECT_THAT(emotion["label"].get<std::string>(),
                    testing::AnyOf("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust",
                                   "surprised", "no_speech"));
    }
}

/// Also where the test is repeated.
std::filesystem::path empty_folder(const std::string& name) {
    const auto folder = scratch_folder() / name;
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    return folder;
}

/// A client that prints a line for every emotion prints those that there are.
void expect_heard(const Strings& client_command, Talking& daemon) {
    RunningClient client(client_command);
    ASSERT_TRUE(client.wait_for_lines(3));
    client.stop();
    expect_in_a_row(said_of(client.lines()), daemon.emotions_to_the_end());
}

TEST(Clients, EveryBlockIsOneThatATestRuns) {
    Strings names;
    for (const auto& [name, text] : blocks()) {
        names.push_back(name);
    }
    EXPECT_THAT(names, testing::UnorderedElementsAre(
                           "python resume", "js fetch", "sh events", "sh streams", "sh history",
                           "sh nc", "sh nc-subscribe", "html websocket", "html event-source",
                           "sh token-events", "sh token-nc", "python token-resume"));
}

TEST(Clients, Python) {
    Talking daemon;
    expect_heard(python(block("python resume", Ports(daemon))), daemon);
}

TEST(Clients, PythonGetsEveryEventOnceAcrossRestarts) {
    const auto folder = empty_folder("restarts");
    for (const auto& [name, played] :
         {std::pair("first", "demo.flac"), {"second", "13a02Ta.flac"}}) {
        std::filesystem::create_directories(folder / name);
        std::filesystem::copy_file(clip(played), folder / name / "desk.flac");
    }
    const Strings first{"--source", "file:" + (folder / "first/desk.flac").string(),
                        "--history.path=" + (folder / "history.db").string(), "--print", "json"};
    const auto end = [](DaemonProcess& daemon) {
        daemon.process().signal(SIGTERM);
        EXPECT_EQ(daemon.process().wait(20s), 0);
        return emotions(lines_of(daemon.process().out()));
    };

    DaemonProcess before(first);
    RunningClient client(python(block("python resume", Ports(before))));
    ASSERT_TRUE(client.wait_for_lines(3));
    std::vector<json> all = end(before);
    const auto heard_before = static_cast<std::ptrdiff_t>(all.size());

    // A run that the client never sees: only the history knows it.
    const Finished meanwhile =
        run_to_end({emotiond_binary(), "run", "--source",
                    "file:" + (folder / "second/desk.flac").string(), first[2], "--print", "json",
                    "--speed", "max", "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0"});
    ASSERT_EQ(meanwhile.exit_code, 0) << meanwhile.err;
    const std::vector<json> missed = emotions(lines_of(meanwhile.out));
    ASSERT_GE(missed.size(), 2U);
    all.insert(all.end(), missed.begin(), missed.end());

    Strings again = first;
    again.push_back("--server.http=127.0.0.1:" + std::to_string(before.http_port()));
    DaemonProcess after(again);
    ASSERT_EQ(after.http_port(), before.http_port());
    const std::size_t lines_before = client.lines().size();
    ASSERT_TRUE(client.wait_for_lines(lines_before + missed.size() + 4)) << after.process().err();
    const std::vector<json> last = end(after);
    all.insert(all.end(), last.begin(), last.end());

    // From the event on that was the next when the client first came.
    const Strings expected = said_of(all);
    const auto begin = std::ranges::find(expected, said(client.lines().front()));
    EXPECT_LE(begin + 3 - expected.begin(), heard_before);
    const Strings owed(begin, expected.end());
    EXPECT_TRUE(client.wait_for_lines(owed.size()));
    client.stop();
    EXPECT_EQ(said_of(client.lines()), owed);
}

TEST(Clients, Node) {
    if (!has_program("node")) {
        GTEST_SKIP() << "this machine has no node";
    }
    Talking daemon;
    const auto script = scratch_folder() / "client.mjs";
    std::ofstream(script) << block("js fetch", Ports(daemon));
    expect_heard({"node", script}, daemon);
}

TEST(Clients, CurlGetsEventsAsTheyCome) {
    if (!has_program("curl")) {
        GTEST_SKIP() << "this machine has no curl";
    }
    Talking daemon;
    RunningClient client(shell(block("sh events", Ports(daemon))));
    ASSERT_TRUE(wait_for_streamed(client, 3));
    client.stop();
    expect_in_a_row(said_of(streamed_emotions(client.out())), daemon.emotions_to_the_end());
}

TEST(Clients, CurlGetsTheStreams) {
    if (!has_program("curl")) {
        GTEST_SKIP() << "this machine has no curl";
    }
    Talking daemon;
    const Finished finished = run_to_end(shell(block("sh streams", Ports(daemon))));
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    const json answer = json::parse(finished.out);
    ASSERT_EQ(answer.at("streams").size(), 1U) << answer;
    EXPECT_EQ(answer["streams"][0]["stream"], "demo");
    EXPECT_THAT(answer["streams"][0]["state"], testing::AnyOf("live", "silent"));
}

TEST(Clients, CurlGetsThePastAsATable) {
    if (!has_program("curl")) {
        GTEST_SKIP() << "this machine has no curl";
    }
    Talking daemon({"--history.path=" + (empty_folder("table") / "history.db").string()});
    const std::string script = block("sh history", Ports(daemon));
    const auto fields = [](const std::string& line) {
        Strings result;
        std::istringstream in(line.substr(0, line.find('\r')));
        for (std::string field; std::getline(in, field, ',');) {
            result.push_back(field);
        }
        return result;
    };
    Strings lines;
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    while (lines.size() < 4 && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(100ms);
        const Finished finished = run_to_end(shell(script));
        ASSERT_EQ(finished.exit_code, 0) << finished.err;
        lines = lines_of(finished.out);
    }
    ASSERT_GE(lines.size(), 4U);
    const Strings columns = fields(lines[0]);
    Strings printed;
    for (std::size_t i = lines.size() - 1; i > 0; --i) {  // the newest comes first
        std::map<std::string, std::string> row;
        const Strings values = fields(lines[i]);
        for (std::size_t column = 0; column < values.size(); ++column) {
            row[columns.at(column)] = values[column];
        }
        printed.push_back(said(row["stream"] + " " + row["label"] + " " + row["confidence"]));
    }
    expect_in_a_row(printed, daemon.emotions_to_the_end());
}

TEST(Clients, NetcatGetsAll) {
    if (!has_program("nc") || !has_program("jq")) {
        GTEST_SKIP() << "this machine has no nc or no jq";
    }
    Talking daemon;
    expect_heard(shell_at_terminal(block("sh nc", Ports(daemon))), daemon);
}

TEST(Clients, NetcatGetsWhatItSubscribesTo) {
    if (!has_program("nc") || !has_program("jq")) {
        GTEST_SKIP() << "this machine has no nc or no jq";
    }
    Talking daemon;
    RunningClient client(shell(block("sh nc-subscribe", Ports(daemon))));
    ASSERT_TRUE(client.wait_for_lines(5));
    client.stop();
    std::map<std::string, json> at;
    for (const json& emotion : daemon.emotions_to_the_end()) {
        at[emotion["time"].get<std::string>() + " " + said(emotion)] = emotion;
    }
    std::vector<std::int64_t> ends_ms;
    for (const std::string& line : client.lines()) {
        const std::size_t space = line.find(' ');
        const auto emotion = at.find(line.substr(0, space + 1) + said(line.substr(space + 1)));
        ASSERT_NE(emotion, at.end()) << line;
        ends_ms.push_back(emotion->second["end_ms"]);
    }
    // One or two may come before the command is read.
    for (std::size_t i = 3; i < ends_ms.size(); ++i) {
        EXPECT_GE(ends_ms[i] - ends_ms[i - 1], 1000);
    }
}

// tests in web/ run a browser; what it is given here is only looked at.
TEST(Clients, PagesHaveTheRightAddresses) {
    EXPECT_THAT(blocks()["html websocket"],
                testing::HasSubstr("new WebSocket(\"ws://127.0.0.1:8790/v1/stream\")"));
    EXPECT_THAT(
        blocks()["html event-source"],
        testing::HasSubstr("new EventSource(\"http://127.0.0.1:8790/v1/events?types=emotion\")"));
    EXPECT_THAT(document(), testing::HasSubstr("`server.origins = [\"http://localhost:8000\"]`"));
}

TEST(Clients, PythonShowsItsToken) {
    const auto tokens = scratch_folder() / "tokens.toml";
    const std::string token = new_token(tokens, "desk");
    Talking daemon({"--server.tokens=" + tokens.string()});
    const std::string behind = "hello = json.loads(await socket.recv())\n";
    const std::string without = block("python resume", Ports(daemon));
    ASSERT_NE(without.find(behind), std::string::npos);
    std::string script = without;
    script.insert(script.find(behind) + behind.size(), blocks()["python token-resume"]);
    const Finished no_token = run_to_end(python(without));
    EXPECT_EQ(no_token.exit_code, 1);
    EXPECT_THAT(no_token.err, testing::HasSubstr("a token must come first"));
    const Finished wrong_token = run_to_end(python(script));
    EXPECT_EQ(wrong_token.exit_code, 1);
    EXPECT_THAT(wrong_token.err, testing::HasSubstr("this token is not known"));
    ASSERT_EQ(replace_all(script, "the token", token), 1);
    expect_heard(python(script), daemon);
}

TEST(Clients, TheShellShowsItsToken) {
    if (!has_program("curl") || !has_program("nc") || !has_program("jq")) {
        GTEST_SKIP() << "this machine has no curl, no nc or no jq";
    }
    const auto tokens = scratch_folder() / "shell-tokens.toml";
    const std::string token = new_token(tokens, "desk");
    Talking daemon({"--server.tokens=" + tokens.string()});
    const Ports ports(daemon);
    RunningClient curl(shell(block("sh token-events", ports)), {{"TOKEN", token}});
    RunningClient nc(shell(block("sh token-nc", ports)), {{"TOKEN", token}});
    RunningClient refused(shell(block("sh token-nc", ports)), {{"TOKEN", "guessed"}});
    ASSERT_TRUE(wait_for_streamed(curl, 3));
    ASSERT_TRUE(nc.wait_for_lines(3));
    curl.stop();
    nc.stop();
    refused.stop();
    EXPECT_EQ(refused.out(), "");
    const std::vector<json> all = daemon.emotions_to_the_end();
    expect_in_a_row(said_of(streamed_emotions(curl.out())), all);
    expect_in_a_row(said_of(nc.lines()), all);
}

TEST(Clients, OverTlsOnlyTheAddressChanges) {
    if (!has_program("curl") || !has_program("openssl") || !has_program("jq")) {
        GTEST_SKIP() << "this machine has no curl, no openssl or no jq";
    }
    const Certificate made("clients");
    const std::string certificate = made.certificate.string();
    Talking daemon(
        {"--server.tls_certificate=" + certificate, "--server.tls_key=" + made.key.string()});
    const Ports ports(daemon);

    std::string script = block("python resume", ports);
    ASSERT_EQ(replace_all(script, "ws://", "wss://"), 1);
    RunningClient client(python(script), {{"SSL_CERT_FILE", certificate}});

    std::string curl_script = block("sh events", ports);
    ASSERT_EQ(replace_all(curl_script, "http://", "https://"), 1);
    ASSERT_EQ(replace_all(curl_script, "curl ", "curl --cacert " + certificate + " "), 1);
    RunningClient curl(shell(curl_script));

    const std::string openssl = "openssl s_client -quiet -verify_return_error -connect 127.0.0.1:";
    ASSERT_THAT(document(), testing::HasSubstr("`" + openssl + "8791`"));
    std::string tcp_script = block("sh nc", ports);
    ASSERT_EQ(replace_all(tcp_script, "nc 127.0.0.1 " + ports.tcp,
                          openssl + ports.tcp + " -CAfile " + certificate),
              1);
    RunningClient tcp(shell_at_terminal(tcp_script));

    ASSERT_TRUE(client.wait_for_lines(3));
    ASSERT_TRUE(wait_for_streamed(curl, 3));
    ASSERT_TRUE(tcp.wait_for_lines(3));
    client.stop();
    curl.stop();
    tcp.stop();
    const std::vector<json> all = daemon.emotions_to_the_end();
    expect_in_a_row(said_of(client.lines()), all);
    expect_in_a_row(said_of(streamed_emotions(curl.out())), all);
    expect_in_a_row(said_of(tcp.lines()), all);
}

}  // namespace
}  // namespace emotiond::test
