// What happens when things go wrong: each fault ends in the message, event or exit code that
// docs/operations.md tells.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/integration/daemon_process.hpp"
#include "tests/integration/wire_client.hpp"

namespace emotiond::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

std::string read_bytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    return bytes.str();
}

std::filesystem::path write_bytes(const std::string& name, const std::string& bytes) {
    const auto path = scratch_folder() / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
}

Finished run_with(std::vector<std::string> arguments) {
    std::vector<std::string> command{emotiond_binary(), "run", "--server.tcp=127.0.0.1:0",
                                     "--server.http=127.0.0.1:0"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_to_end(command);
}

TEST(Fault, APortInUseIsNamed) {
    const int holder = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(holder, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(holder, 1), 0);
    ASSERT_EQ(getsockname(holder, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const std::string place = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    const Finished finished =
        run_with({"--source", "file:" + clip("demo.flac"), "--server.tcp=" + place});
    close(holder);
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.err, HasSubstr("cannot listen on " + place + ": Address already in use"));
}

TEST(Fault, ADamagedBundleIsRefused) {
    const std::string good =
        read_bytes(std::string(EMOTIOND_SOURCE_DIR) + "/model/pretrained/default.safetensors");
    ASSERT_GT(good.size(), 100000U);
    std::string flipped = good;
    flipped[good.size() - 1000] = static_cast<char>(flipped[good.size() - 1000] ^ 1);
    const std::pair<std::string, const char*> cases[]{
        {flipped, "is damaged: SHA-256"},
        {good.substr(0, good.size() / 2), "is truncated"},
        {good.substr(0, 4), "is truncated"},
        {"RIFF this is no bundle", "is not a model bundle"},
    };
    int count = 0;
    for (const auto& [bytes, message] : cases) {
        const auto path = write_bytes("bundle-" + std::to_string(++count), bytes);
        const Finished finished =
            run_with({"--source", "file:" + clip("demo.flac"), "--model.bundle=" + path.string()});
        EXPECT_EQ(finished.exit_code, 1);
        EXPECT_THAT(finished.err, AllOf(HasSubstr(path.string()), HasSubstr(message)));
    }
}

TEST(Fault, UnreadableAudioIsNamed) {
    const auto path = write_bytes("noise.wav", "this is not audio");
    for (const std::string& source : {path.string(), std::string("/nonexistent.wav")}) {
        const Finished finished = run_with({"--source", "file:" + source});
        EXPECT_EQ(finished.exit_code, 1);
        EXPECT_THAT(finished.err, HasSubstr("cannot read audio from " + source));
    }
}

TEST(Fault, TruncatedAudioIsPlayedAsFarAsItGoesAndThenToldAsLost) {
    const std::string whole = read_bytes(clip("demo.flac"));
    const auto path = write_bytes("cut.flac", whole.substr(0, whole.size() / 4));
    DaemonProcess daemon({"--source", "file:" + path.string()});
    TcpClient tcp(daemon.tcp_port());
    const std::vector<json> messages = tcp.read_to_end(60s);
    EXPECT_GT(of_type(messages, "emotion").size(), 5U);
    EXPECT_EQ(messages.back()["state"], "lost");
    EXPECT_THAT(messages.back()["reason"],
                testing::ContainsRegex("(truncated|damaged) audio in .*cut.flac"));
    EXPECT_EQ(daemon.process().wait(10s), 69);
}

TEST(Fault, AMissingGpuFallsBackToTheCpuWithTheReason) {
    DaemonProcess daemon({"--source", "file:" + clip("12a02Wc.flac"), "--model.device=cuda:7"});
    EXPECT_EQ(daemon.process().wait(20s), 0);
    EXPECT_THAT(daemon.process().err(), HasSubstr("inference on cpu: cuda:7 is not available"));
}

TEST(Fault, ASubscriberThatStopsReadingDisturbsNobody) {
    // Short windows, so that there are many events soon.
    DaemonProcess daemon({"--source", "file:" + clip("demo.flac"), "--loop", "--speed", "max",
                          "--server.max_queue_bytes=65536", "--analysis.window_ms=200",
                          "--analysis.first_window_ms=200", "--analysis.hop_ms=20"});
    TcpClient sleeper(daemon.tcp_port(), 4096);
    TcpClient reader(daemon.tcp_port());
    // Far more than the outbox and the kernel's buffers hold.
    std::size_t read = 0;
    std::uint64_t last_seq = 0;
    const auto count = [&](const json& message) {
        if (message["type"] == "emotion" || message["type"] == "stream") {
            last_seq = message["seq"];
            ++read;
        }
        return read >= 15000;
    };
    const std::vector<json> read_messages = reader.read_until(count, 120s);
    EXPECT_THAT(of_type(read_messages, "error"), testing::IsEmpty());

    // The sleeper wakes up: what it missed is told, in its place, and nothing else is missing.
    std::uint64_t expected = 0;
    std::uint64_t dropped = 0;
    const auto until_now = [&](const json& message) {
        if (message["type"] == "hello") {
            expected = message["streams"][0]["newest_seq"].get<std::uint64_t>() + 1;
            return false;
        }
        if (message["type"] == "gap" && message["scope"] == "queue") {
            EXPECT_EQ(message["reason"], "slow_consumer");
            EXPECT_EQ(message["from_seq"], expected);
            expected = message["to_seq"].get<std::uint64_t>() + 1;
            dropped += message["dropped"].get<std::uint64_t>();
            return false;
        }
        EXPECT_EQ(message["seq"], expected);
        expected = message["seq"].get<std::uint64_t>() + 1;
        return message["seq"] > last_seq;
    };
    sleeper.read_until(until_now, 60s);
    EXPECT_GT(dropped, 0U);
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(30s), 0);
}

TEST(Fault, AStoppedServiceLosesNothingOfAFileAndGoesOn) {
    DaemonProcess daemon({"--source", "file:" + clip("12a02Wc.flac"), "--loop"});
    TcpClient tcp(daemon.tcp_port());
    const auto is_emotion = [](const json& message) { return message["type"] == "emotion"; };
    tcp.read_until(is_emotion, 20s);
    daemon.process().signal(SIGSTOP);
    std::this_thread::sleep_for(2s);
    daemon.process().signal(SIGCONT);
    tcp.read_until(is_emotion, 20s);
    daemon.process().signal(SIGTERM);
    const std::vector<json> messages = tcp.read_to_end(20s);
    EXPECT_THAT(of_type(messages, "error"), testing::IsEmpty());
    EXPECT_THAT(of_type(messages, "gap"), testing::IsEmpty());
    EXPECT_EQ(daemon.process().wait(20s), 0);
}

}  // namespace
}  // namespace emotiond::test
