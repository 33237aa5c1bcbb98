// A real microphone path without a microphone: PortAudio -> ALSA -> PulseAudio's null sink, whose
// monitor hears what a player plays into it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <memory>
#include <thread>

#include "model/audio_file.hpp"
#include "tests/integration/daemon_process.hpp"
#include "tests/integration/wire_client.hpp"

namespace emotiond::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// A PulseAudio of the test's own, whose null sink `mic` is the default microphone, and an ALSA
/// configuration that leads there.
class VirtualMicrophone : public testing::Test {
 protected:
    void SetUp() override {
        static int count = 0;
        folder_ = scratch_folder() / ("pulse-" + std::to_string(++count));
        std::filesystem::create_directories(folder_);
        const std::string socket = (folder_ / "native").string();
        std::ofstream(folder_ / "asoundrc")
            << "</usr/share/alsa/alsa.conf>\n"
               "pcm.!default { type pulse device \"mic.monitor\" }\n"
               "pcm.headset { type pulse device \"stereo.monitor\"\n"
               "              hint { show on description \"Virtual headset\" } }\n";
        environment_ = {{"HOME", folder_},
                        {"XDG_RUNTIME_DIR", folder_},
                        {"PULSE_SERVER", "unix:" + socket},
                        {"ALSA_CONFIG_PATH", (folder_ / "asoundrc").string()}};
        start_pulse();
    }

    void start_pulse() {
        const std::string socket = (folder_ / "native").string();
        std::filesystem::remove(socket);  // of one that was killed
        pulse_.reset();
        pulse_ = std::make_unique<ChildProcess>(
            std::vector<std::string>{
                "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
                "--disallow-exit=no", "--disable-shm=yes", "-L",
                "module-native-protocol-unix auth-anonymous=1 socket=" + socket, "-L",
                "module-null-sink sink_name=mic rate=48000 channels=1", "-L",
                "module-null-sink sink_name=stereo rate=48000 channels=2"},
            folder_, "pulseaudio", environment_);
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (run_to_end({"pactl", "info"}, environment_).exit_code != 0) {
            ASSERT_LT(std::chrono::steady_clock::now(), end) << pulse_->err();
            std::this_thread::sleep_for(100ms);
        }
    }

    static auto is_state(const std::string& stream, const std::string& state) {
        return [stream, state](const json& message) {
            return message["type"] == "stream" && message["stream"] == stream &&
                   message["state"] == state;
        };
    }

    /// Plays to its end.
    void play(const std::string& file, const std::string& sink = "mic") {
        const Finished player = run_to_end({"paplay", "-d", sink, file}, environment_);
        ASSERT_EQ(player.exit_code, 0) << player.err;
    }

    std::filesystem::path folder_;
    ChildProcess::Environment environment_;
    std::unique_ptr<ChildProcess> pulse_;
};

std::chrono::sys_time<std::chrono::milliseconds> parse_time(const std::string& text) {
    std::tm parts{};
    int ms = 0;
    if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &parts.tm_year, &parts.tm_mon,
                    &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &ms) != 7) {
        ADD_FAILURE() << "not RFC 3339: " << text;
    }
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::seconds(timegm(&parts)) +
                                                            std::chrono::milliseconds(ms));
}

/// The label that most windows between the two times have.
std::string most_frequent_label(const std::vector<json>& emotions, std::int64_t from_ms,
                                std::int64_t to_ms) {
    std::map<std::string, int> counts;
    for (const json& emotion : emotions) {
        if (emotion.at("start_ms") >= from_ms && emotion.at("end_ms") <= to_ms) {
            ++counts[emotion.at("label").get<std::string>()];
        }
    }
    const auto best = std::ranges::max_element(
        counts, [](const auto& a, const auto& b) { return a.second < b.second; });
    return best == counts.end() ? "(no window)" : best->first;
}

TEST_F(VirtualMicrophone, EventsDescribeTheClipThatIsPlayedIntoIt) {
    DaemonProcess daemon({"--source", "mic"}, environment_);
    TcpClient tcp(daemon.tcp_port());
    PythonWebSocketClient websocket(daemon.http_port());
    ASSERT_TRUE(websocket.wait_for_first(20s));
    // The stream is live once PulseAudio brings samples.
    const auto is_live = [](const json& message) {
        return (message["type"] == "stream" && message["state"] != "lost");
    };
    std::vector<json> messages = tcp.read_until(is_live, 20s);

    // Read while it plays, so that the time of receipt means something.
    ChildProcess player({"paplay", "-d", "mic", clip("demo.flac")}, folder_, "paplay",
                        environment_);
    const auto has_ended = [&player](const json&) { return player.wait(0ms) != -1; };
    for (json& message : tcp.read_until(has_ended, 120s)) {
        messages.push_back(std::move(message));
    }
    const std::size_t read_while_playing = messages.size();
    EXPECT_EQ(player.wait(0ms), 0) << player.err();
    std::this_thread::sleep_for(1s);
    const auto stopped_at = std::chrono::system_clock::now();
    daemon.process().signal(SIGTERM);
    for (json& message : tcp.read_to_end(20s)) {
        messages.push_back(std::move(message));
    }
    EXPECT_EQ(daemon.process().wait(20s), 0) << daemon.process().err();

    // Nothing was lost, and the log says so.
    EXPECT_THAT(of_type(messages, "gap"), testing::IsEmpty());
    EXPECT_THAT(of_type(messages, "error"), testing::IsEmpty());
    EXPECT_THAT(daemon.process().err(), testing::HasSubstr(" 0 samples dropped"));

    // Both clients heard the same, whole and in order. What a slow machine makes the service say of
    // itself is no event of the stream.
    ASSERT_TRUE(websocket.wait_for_close(10s));
    const std::vector<json> by_websocket = websocket.messages();
    ASSERT_EQ(messages.front().at("type"), "hello");
    std::int64_t seq = messages.front().at("streams").at(0).at("newest_seq");
    for (std::size_t i = 1; i < messages.size(); ++i) {
        if (messages[i].at("type") != "overload") {
            EXPECT_EQ(messages[i].at("seq"), ++seq);
        }
    }
    const std::size_t shared = std::min(messages.size(), by_websocket.size()) - 1;
    ASSERT_GT(shared, 50U);
    EXPECT_TRUE(std::equal(messages.end() - static_cast<std::ptrdiff_t>(shared), messages.end(),
                           by_websocket.end() - static_cast<std::ptrdiff_t>(shared)));
    EXPECT_EQ(messages.back().at("state"), "ended");

    // The sample clock runs with the wall clock: between any two events as much time went by here
    // as they say, but for what a busy machine is late, and what they say of the hour is true.
    const std::vector<json> emotions = of_type(messages, "emotion");
    ASSERT_GT(emotions.size(), 40U);
    std::vector<double> lags_ms;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (messages[i]["type"] == "emotion" && i < read_while_playing) {
            const auto at = tcp.received_at()[i].time_since_epoch();
            lags_ms.push_back(std::chrono::duration<double, std::milli>(at).count() -
                              messages[i]["end_ms"].get<double>());
        }
    }
    const double first_lag = lags_ms.front();
    std::ranges::sort(lags_ms);
    EXPECT_NEAR(lags_ms[lags_ms.size() / 2], first_lag, 500.0);
    EXPECT_LT(lags_ms.back() - lags_ms.front(), 2000.0);
    EXPECT_LE(parse_time(messages.back()["time"]), stopped_at + 3s);
    EXPECT_GE(parse_time(messages.back()["time"]), stopped_at - 3s);

    // What was said, in the order in which it was said. The clip's place on the sample clock is
    // where its silence is: it ends the only silent stretch between two voices.
    std::int64_t silence_begins = 0;
    for (std::size_t i = 1; i + 1 < messages.size(); ++i) {
        if (messages[i]["type"] == "stream" && messages[i]["state"] == "silent" &&
            messages[i - 1]["type"] == "emotion") {
            silence_begins = messages[i - 1]["end_ms"];
            break;
        }
    }
    ASSERT_GT(silence_begins, 0);
    // demo.csv: angry is 6.8 to 16.7 s, sad 16.7 to 27.3 s, then silence; the last window that
    // still counts as voiced ends about 2.2 s into it.
    const std::int64_t clip_begins = silence_begins - 29500;
    EXPECT_EQ(most_frequent_label(emotions, clip_begins + 7000, clip_begins + 16500), "angry");
    EXPECT_EQ(most_frequent_label(emotions, clip_begins + 17000, clip_begins + 27000), "sad");
}

TEST_F(VirtualMicrophone, HearsWhatTheFileHolds) {
    // The same clip through the microphone and from the file: other rate, other cut, same answer.
    DaemonProcess daemon({"--source", "mic"}, environment_);
    TcpClient tcp(daemon.tcp_port());
    tcp.read_until([](const json& message) { return message["type"] == "stream"; }, 20s);
    play(clip("13a02Ta.flac"));
    const auto is_sad = [](const json& message) {
        return message["type"] == "emotion" && message["label"] == "sad";
    };
    EXPECT_NO_THROW(tcp.read_until(is_sad, 10s));
}

TEST_F(VirtualMicrophone, ADeviceThatVanishesIsToldAndHeardAgainWhenItIsBack) {
    DaemonProcess daemon({"--source", "mic", "--source", "file:" + clip("demo.flac"), "--loop"},
                         environment_);
    TcpClient tcp(daemon.tcp_port());
    tcp.read_until(is_state("mic", "live"), 20s);
    for (int round = 0; round < 2; ++round) {
        const auto killed_at = std::chrono::steady_clock::now();
        pulse_->signal(SIGKILL);
        const json lost = tcp.read_until(is_state("mic", "lost"), 20s).back();
        EXPECT_THAT(lost.at("reason"), testing::HasSubstr("device 'default'"));
        // Two seconds, and what a busy machine is late.
        EXPECT_LT(std::chrono::steady_clock::now() - killed_at, 10s);
        std::this_thread::sleep_for(1s);
        start_pulse();
        const std::vector<json> messages = tcp.read_until(is_state("mic", "live"), 30s);
        EXPECT_EQ(messages.back().at("reason"), "its device is back");
        // What was not heard is a hole of the same clock.
        std::vector<json> gaps;
        for (const json& gap : of_type(messages, "gap")) {
            if (gap.at("stream") == "mic") {
                gaps.push_back(gap);
            }
        }
        ASSERT_EQ(gaps.size(), 1U);
        EXPECT_EQ(gaps[0].at("reason"), "device_lost");
        EXPECT_GT(gaps[0].at("lost_ms"), 1000);
        // The other channel did not notice.
        for (const json& message : messages) {
            EXPECT_TRUE(message.at("stream") == "mic" || message.at("type") == "emotion" ||
                        (message.at("type") == "stream" && message.at("state") != "lost"))
                << message;
        }
    }
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(20s), 0) << daemon.process().err();
}

// The sound server hangs, so closing the device hangs too: it is told all the same, heard again
// when the server goes on, and left where the service is to end meanwhile.
TEST_F(VirtualMicrophone, ADeviceThatHangsIsToldAndHeardAgain) {
    DaemonProcess daemon({"--source", "mic"}, environment_);
    TcpClient tcp(daemon.tcp_port());
    tcp.read_until(is_state("mic", "live"), 20s);
    pulse_->signal(SIGSTOP);
    // Either we notice first, or the sound library gives up.
    EXPECT_THAT(tcp.read_until(is_state("mic", "lost"), 20s).back().at("reason"),
                testing::AnyOf(testing::HasSubstr("has brought no audio for 1.5 s"),
                               testing::HasSubstr("is gone")));
    pulse_->signal(SIGCONT);
    tcp.read_until(is_state("mic", "live"), 40s);
    pulse_->signal(SIGSTOP);
    tcp.read_until(is_state("mic", "lost"), 20s);
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(20s), 0) << daemon.process().err();
}

TEST_F(VirtualMicrophone, AChannelOfTheConfigurationMayComeLater) {
    pulse_->signal(SIGKILL);
    pulse_->wait(10s);
    const auto config = folder_ / "floor.toml";
    std::ofstream(config) << "[[channels]]\nid = \"desk07\"\nsource = \"mic\"\nrole = "
                             "\"customer\"\n";
    DaemonProcess daemon({"--config", config.string()}, environment_);
    TcpClient tcp(daemon.tcp_port());
    const std::vector<json> first =
        tcp.read_until([](const json& message) { return message["type"] == "hello"; }, 20s);
    EXPECT_EQ(first.back().at("streams").at(0).at("role"), "customer");
    start_pulse();
    tcp.read_until(is_state("desk07", "live"), 30s);
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(20s), 0) << daemon.process().err();
}

TEST_F(VirtualMicrophone, ChannelsOfOneDeviceAreSplitIntoStreams) {
    DaemonProcess daemon({"--source", "mic:headset#0", "--source", "mic:headset#1"}, environment_);
    TcpClient tcp(daemon.tcp_port());
    // Only the left channel speaks.
    const model::Recording mono = model::read_recording(clip("12a02Wc.flac"));
    const auto path = scratch_folder() / "left.wav";
    {
        std::ofstream out(path, std::ios::binary);
        const auto put = [&out](auto value) {
            out.write(reinterpret_cast<const char*>(&value), sizeof value);
        };
        const auto bytes = static_cast<std::uint32_t>(mono.samples.size() * 4);
        out << "RIFF";
        put(bytes + 36);
        out << "WAVEfmt ";
        put(std::uint32_t{16});
        put(std::uint16_t{1});
        put(std::uint16_t{2});
        put(static_cast<std::uint32_t>(mono.rate_hz));
        put(static_cast<std::uint32_t>(mono.rate_hz * 4));
        put(std::uint16_t{4});
        put(std::uint16_t{16});
        out << "data";
        put(bytes);
        for (const float sample : mono.samples) {
            put(static_cast<std::int16_t>(std::lround(sample * 32767.0F)));
            put(std::int16_t{0});
        }
    }
    tcp.read_until([](const json& message) { return message["type"] == "stream"; }, 20s);
    play(path, "stereo");
    std::this_thread::sleep_for(1s);
    daemon.process().signal(SIGTERM);
    std::map<std::string, int> emotions;
    for (const json& message : of_type(tcp.read_to_end(20s), "emotion")) {
        ++emotions[message.at("stream").get<std::string>()];
    }
    EXPECT_GT(emotions["headset-0"], 0);
    EXPECT_EQ(emotions["headset-1"], 0);
}

TEST_F(VirtualMicrophone, DevicesListsItWithoutNoise) {
    const Finished text = run_to_end({emotiond_binary(), "devices"}, environment_);
    EXPECT_EQ(text.exit_code, 0);
    EXPECT_THAT(text.out, testing::HasSubstr("* default"));
    EXPECT_EQ(text.err, "");
    const Finished as_json = run_to_end({emotiond_binary(), "devices", "--json"}, environment_);
    const json devices = json::parse(as_json.out);
    const auto headset = std::ranges::find_if(
        devices, [](const json& device) { return device.at("name") == "headset"; });
    ASSERT_NE(headset, devices.end()) << as_json.out;
    EXPECT_EQ(headset->at("host_api"), "ALSA");
    EXPECT_GE(headset->at("channels"), 2);
    EXPECT_GT(headset->at("rate_hz"), 0);
    EXPECT_EQ(as_json.err, "");
}

TEST_F(VirtualMicrophone, AnUnknownDeviceIsRefusedWithTheNamesThatThereAre) {
    const Finished finished = run_to_end({emotiond_binary(), "run", "--source", "mic:Studio 5000",
                                          "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0"},
                                         environment_);
    EXPECT_EQ(finished.exit_code, 69);
    EXPECT_THAT(finished.err,
                testing::AllOf(testing::HasSubstr("no input device is named 'Studio 5000'"),
                               testing::HasSubstr("'headset'")));
}

/// JACK keeps a list of at most eight servers in shared memory, from which one that was killed is
/// never taken. Where no server runs, what the list holds is rubbish.
void forget_dead_jack_servers() {
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
        std::string name;
        std::getline(std::ifstream(process.path() / "comm") >> std::ws, name);
        if (name == "jackd" || name == "jackdbus") {
            return;
        }
    }
    std::error_code ignored;
    std::filesystem::remove("/dev/shm/jack-shm-registry", ignored);
}

// JACK runs at one rate and takes no other: a device that refuses.
TEST(JackMicrophone, ARateThatTheDeviceRefusesIsAnsweredWithThoseItTakes) {
    forget_dead_jack_servers();
    const std::string server = "emotiond-test-" + std::to_string(getpid());
    const auto no_sound = scratch_folder() / "no-alsa.conf";
    std::ofstream(no_sound) << "</usr/share/alsa/alsa.conf>\npcm.!default { type hw card 99 }\n";
    const ChildProcess::Environment environment{{"JACK_DEFAULT_SERVER", server},
                                                {"JACK_NO_AUDIO_RESERVATION", "1"},
                                                {"ALSA_CONFIG_PATH", no_sound.string()}};
    ChildProcess jack({"jackd", "--no-realtime", "-n", server, "-d", "dummy", "-r", "48000", "-C",
                       "2", "-P", "2"},
                      scratch_folder(), "jackd", environment);
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (run_to_end({"jack_wait", "-s", server, "-c"}, environment).out.find("not") !=
           std::string::npos) {
        ASSERT_LT(std::chrono::steady_clock::now(), end) << jack.out() << jack.err();
        std::this_thread::sleep_for(100ms);
    }
    const Finished refused =
        run_to_end({emotiond_binary(), "run", "--source", "mic:system", "--audio.rate_hz=16000",
                    "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0"},
                   environment);
    EXPECT_EQ(refused.exit_code, 69);
    EXPECT_THAT(refused.err,
                testing::HasSubstr("device 'system' refuses 16000 Hz with 1 channels; it takes: "
                                   "48000 Hz"));
    // Left to itself, the service opens it at its own rate.
    DaemonProcess daemon({"--source", "mic:system#1"}, environment);
    EXPECT_THAT(daemon.process().err(), testing::HasSubstr("device 'system' opened at 48000 Hz"));
    TcpClient tcp(daemon.tcp_port());
    const auto is_silent = [](const json& message) {
        return message["type"] == "stream" && message["state"] == "silent";
    };
    EXPECT_NO_THROW(tcp.read_until(is_silent, 20s));
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(20s), 0);
    jack.signal(SIGTERM);  // which takes it from the list
    jack.wait(20s);
}

}  // namespace
}  // namespace emotiond::test
