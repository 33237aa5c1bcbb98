// The network side of the real program: HTTP, TLS, tokens, history and `emotiond watch`.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <map>
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
using testing::HasSubstr;
using testing::StartsWith;

const std::string kClip = "file:" + clip("demo.flac");

/// The whole answer.
std::string get(int port, const std::string& target) {
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    if (connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
        const std::string request =
            "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        EXPECT_EQ(write(connection, request.data(), request.size()),
                  static_cast<ssize_t>(request.size()));
        char part[65536];
        for (ssize_t got = 0; (got = read(connection, part, sizeof part)) > 0;) {
            answer.append(part, static_cast<std::size_t>(got));
        }
    }
    close(connection);
    return answer;
}

std::string body(const std::string& answer) {
    const std::size_t at = answer.find("\r\n\r\n");
    return at == std::string::npos ? "" : answer.substr(at + 4);
}

/// Events among the lines.
std::vector<json> events(const std::string& lines) {
    std::vector<json> result;
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line);) {
        const json message = json::parse(line, nullptr, false);
        if (message.is_object() && message.contains("seq")) {
            result.push_back(message);
        }
    }
    return result;
}

TEST(Serving, AnswersOverHttp) {
    DaemonProcess daemon({"--source", kClip, "--loop", "--print", "none",
                          "--history.path=" + (scratch_folder() / "http.db").string()});
    EXPECT_THAT(body(get(daemon.http_port(), "/healthz")), "ok\n");
    EXPECT_THAT(body(get(daemon.http_port(), "/readyz")), "ready\n");
    const std::string page = get(daemon.http_port(), "/");
    EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(page, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
    EXPECT_THAT(page, HasSubstr("<title>"));
    for (const char* file : {"/app.js", "/app.css"}) {
        EXPECT_THAT(page, HasSubstr(file + 1));
        EXPECT_THAT(get(daemon.http_port(), file), StartsWith("HTTP/1.1 200 OK\r\n"));
    }
    const json models = json::parse(body(get(daemon.http_port(), "/v1/models")));
    EXPECT_EQ(models["models"][0]["licence"], "CC-BY-NC-SA-4.0");
    EXPECT_TRUE(models["models"][0]["figures"].is_object());
    json past;
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    do {
        std::this_thread::sleep_for(100ms);
        past = json::parse(body(get(daemon.http_port(), "/v1/history?type=emotion")));
    } while (past["events"].size() < 3 && std::chrono::steady_clock::now() < deadline);
    ASSERT_GE(past["events"].size(), 3U);
    EXPECT_EQ(past["events"][0]["stream"], "demo");
    const std::string csv =
        body(get(daemon.http_port(), "/v1/history?type=emotion&format=csv&limit=1"));
    EXPECT_THAT(csv, StartsWith("time,epoch,stream,seq,type,role,"));
    EXPECT_EQ(std::ranges::count(csv, '\n'), 2);
    EXPECT_THAT(get(daemon.http_port(), "/v1/history?from=yesterday"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(get(daemon.http_port(), "/v1/history?cursor=x"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(body(get(daemon.http_port(), "/metrics")),
                HasSubstr("\nemotiond_samples_dropped_total{stream=\"demo\"} 0"));
    EXPECT_THAT(get(daemon.http_port(), "/../etc/passwd"), StartsWith("HTTP/1.1 404 "));
}

TEST(Serving, SaysThatItKeepsNoHistory) {
    DaemonProcess daemon({"--source", kClip, "--loop", "--print", "none"});
    EXPECT_THAT(get(daemon.http_port(), "/v1/history"), StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(get(daemon.http_port(), "/v1/history"), HasSubstr("no_history"));
}

TEST(Serving, RefusesToBeReachedFromElsewhereWithoutProtection) {
    const Finished finished =
        run_to_end({emotiond_binary(), "run", "--source", kClip, "--server.http=0.0.0.0:0"});
    EXPECT_EQ(finished.exit_code, 78);
    EXPECT_THAT(finished.err, HasSubstr("can be reached from other machines"));
}

TEST(Serving, SpeaksTlsToWhoShowsATokenAndReadsBothAgainAtSighup) {
    const Certificate first("first");
    const Certificate second("second");
    const auto live = scratch_folder() / "live.pem";
    const auto live_key = scratch_folder() / "live.key";
    constexpr auto kOverwrite = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy(first.certificate, live, kOverwrite);
    std::filesystem::copy(first.key, live_key, kOverwrite);
    const auto token_file = scratch_folder() / "tokens.toml";
    const std::string token = new_token(token_file, "one");
    DaemonProcess daemon({"--source", kClip, "--loop", "--print", "none",
                          "--server.tls_certificate=" + live.string(),
                          "--server.tls_key=" + live_key.string(),
                          "--server.tokens=" + token_file.string()});
    const auto watch = [&](const Certificate& ca, const std::string& shown) {
        return run_to_end(
            {emotiond_binary(), "watch", "wss://127.0.0.1:" + std::to_string(daemon.http_port()),
             "--json", "--seconds", "3", "--ca", ca.certificate.string()},
            {{"EMOTIOND_TOKEN", shown}});
    };
    const Finished right = watch(first, token);
    EXPECT_EQ(right.exit_code, 0) << right.err;
    EXPECT_FALSE(events(right.out).empty());
    const Finished none = watch(first, "");
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_THAT(none.err, HasSubstr("wants a token"));
    const Finished wrong = watch(first, "wrong");
    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_THAT(wrong.err, HasSubstr("401"));
    EXPECT_EQ(watch(second, token).exit_code, 69);

    std::filesystem::copy(second.certificate, live, kOverwrite);
    std::filesystem::copy(second.key, live_key, kOverwrite);
    const std::string other_token = new_token(token_file, "two");
    daemon.process().signal(SIGHUP);
    ASSERT_TRUE(daemon.process().wait_for_err("read again", 10s));
    EXPECT_EQ(watch(second, other_token).exit_code, 0);
    EXPECT_EQ(watch(second, token).exit_code, 1);

    write_bytes(live, "no certificate");
    daemon.process().signal(SIGHUP);
    ASSERT_TRUE(daemon.process().wait_for_err("what was in force stays", 10s));
    EXPECT_EQ(watch(second, other_token).exit_code, 0);
    EXPECT_EQ(daemon.process().err().find(token), std::string::npos);
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(20s), 0);
}

TEST(Serving, WatchGoesOnWhereItWasAfterARestart) {
    const std::string history = "--history.path=" + (scratch_folder() / "watch.db").string();
    auto daemon = std::make_unique<DaemonProcess>(
        std::vector<std::string>{"--source", kClip, "--loop", "--print", "none", history});
    const std::string tcp = "--server.tcp=127.0.0.1:" + std::to_string(daemon->tcp_port());
    const std::string http = "--server.http=127.0.0.1:" + std::to_string(daemon->http_port());
    ChildProcess watch({emotiond_binary(), "watch", "--json", "--seconds", "14",
                        "ws://127.0.0.1:" + std::to_string(daemon->http_port())},
                       scratch_folder(), "watch");
    const auto seen = [&] { return events(watch.out()); };
    const auto wait_for = [&](auto condition) {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::sleep_for(50ms);
        }
        return condition();
    };
    ASSERT_TRUE(wait_for([&] { return seen().size() >= 4; }));
    daemon->process().signal(SIGKILL);
    daemon->process().wait(10s);
    daemon = std::make_unique<DaemonProcess>(std::vector<std::string>{
        "--source", kClip, "--loop", "--print", "none", history, tcp, http});
    const std::string first_epoch = seen().front()["epoch"];
    EXPECT_TRUE(wait_for(
        [&] { return seen().back()["epoch"] != first_epoch && seen().back()["seq"] >= 4; }));
    EXPECT_EQ(watch.wait(30s), 0);
    std::map<std::string, std::uint64_t> last;
    for (const json& event : seen()) {
        std::uint64_t& seq = last[event["epoch"]];
        if (seq > 0 || event["epoch"] != first_epoch) {
            EXPECT_EQ(event["seq"], seq + 1) << event;
        }
        seq = event["seq"];
    }
    EXPECT_EQ(last.size(), 2U);
    // What was told just before the kill may be on no disk.
    EXPECT_THAT(watch.out(), HasSubstr(R"({"v":1,"type":"gap","epoch":")" + first_epoch +
                                       R"(","stream":"demo","scope":"queue","reason":"not_held",)"
                                       R"("truncated":true,"from_seq":)" +
                                       std::to_string(last[first_epoch] + 1) + "}"));
}

TEST(Serving, AKilledServiceKeepsItsHistory) {
    const Finished finished =
        run_to_end({"python3", EMOTIOND_SOURCE_DIR "/bench/history_survival.py", "--rounds", "3",
                    "--emotiond", emotiond_binary()});
    EXPECT_EQ(finished.exit_code, 0) << finished.out << finished.err;
}

TEST(Serving, SendsWhatTheSchemaDescribes) {
    const auto messages = scratch_folder() / "messages.ndjson";
    {
        DaemonProcess daemon({"--source", kClip, "--source", "file:" + clip("12a02Wc.flac"),
                              "--loop", "--print", "none"});
        const Finished watched =
            run_to_end({emotiond_binary(), "watch", "--json", "--seconds", "6",
                        "ws://127.0.0.1:" + std::to_string(daemon.http_port())});
        EXPECT_GT(events(watched.out).size(), 10U) << watched.err;
        write_bytes(messages, watched.out);
    }
    const std::string root = EMOTIOND_SOURCE_DIR;
    const Finished checked =
        run_to_end({"python3", root + "/tests/integration/check_schema.py",
                    root + "/docs/protocol.md", root + "/docs/schema", messages.string()});
    EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

}  // namespace
}  // namespace emotiond::test
