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
#include <map>
#include <memory>
#include <thread>

#include "model/audio_file.hpp"
#include "tests/integration/daemon_process.hpp"
#include "tests/integration/wire_client.hpp"
#include "tests/support/files.hpp"

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

    static std::string headset_channel(const std::string& id, int channel) {
        return "[[channels]]\nid = \"" + id +
               "\"\nsource = \"mic:headset\"\nchannel = " + std::to_string(channel) + "\n";
    }
    std::string write_floor(const std::string& channels) const {
        const auto config = folder_ / "floor.toml";
        std::ofstream(config) << channels;
        return config;
    }

    static std::string other() { return "[[channels]]\nid = \"other\"\nsource = \"mic\"\n"; }
    /// Beside other(), whose stream is told of, channel 0 of the headset comes as `desk`. While its
    /// device is being opened, which hangs with the sound server, the configuration becomes
    /// `channels`.
    void reload_while_desk_opens(DaemonProcess& daemon, TcpClient& tcp,
                                 const std::string& channels) {
        tcp.read_until(is_state("other", "live"), 20s);
        pulse_->signal(SIGSTOP);
        write_floor(other() + headset_channel("desk", 0));
        daemon.process().signal(SIGHUP);
        ASSERT_TRUE(daemon.process().wait_for_err("stream desk added", 10s));
        tcp.read_until(is_state("other", "lost"), 20s);  // desk is being opened by now
        write_floor(channels);
        daemon.process().signal(SIGHUP);
        ASSERT_TRUE(daemon.process().wait_for_err("stream desk removed", 10s));
        pulse_->signal(SIGCONT);
    }

    /// Of two channels.
    std::string left_speaks() const {
        std::vector<float> samples;
        for (const float sample : model::read_recording(clip("12a02Wc.flac")).samples) {
            samples.insert(samples.end(), {sample, 0.0F});
        }
        const auto path = folder_ / "left.wav";
        write_wav(path, samples, 2);
        return path;
    }

    /// How many streams the sound server brings samples to.
    int listeners() const {
        const std::string lines =
            run_to_end({"pactl", "list", "short", "source-outputs"}, environment_).out;
        return static_cast<int>(std::ranges::count(lines, '\n'));
    }

    std::filesystem::path folder_;
    ChildProcess::Environment environment_;
    std::unique_ptr<ChildProcess> pulse_;
};

std::map<std::string, int> count_by_stream(const std::vector<json>& messages) {
    std::map<std::string, int> counts;
    for (const json& message : messages) {
        ++counts[message.at("stream").get<std::string>()];
    }
    return counts;
}

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
    const std::string config =
        write_floor("[[channels]]\nid = \"desk07\"\nsource = \"mic\"\nrole = \"customer\"\n");
    DaemonProcess daemon({"--config", config}, environment_);
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
    tcp.read_until([](const json& message) { return message["type"] == "stream"; }, 20s);
    play(left_speaks(), "stereo");
    std::this_thread::sleep_for(1s);
    daemon.process().signal(SIGTERM);
    auto emotions = count_by_stream(of_type(tcp.read_to_end(20s), "emotion"));
    EXPECT_GT(emotions["headset-0"], 0);
    EXPECT_EQ(emotions["headset-1"], 0);
}

TEST_F(VirtualMicrophone, AChannelThatIsAddedToAnOpenDeviceInterruptsTheOthersOnce) {
    const std::string config = write_floor(headset_channel("left", 0));
    DaemonProcess daemon({"--config", config}, environment_);
    TcpClient tcp(daemon.tcp_port());
    tcp.read_until(is_state("left", "live"), 20s);
    write_floor(headset_channel("left", 0) + headset_channel("right", 1));
    daemon.process().signal(SIGHUP);
    std::vector<json> messages = tcp.read_until(is_state("right", "live"), 30s);
    std::this_thread::sleep_for(3s);
    daemon.process().signal(SIGTERM);
    for (json& message : tcp.read_to_end(20s)) {
        messages.push_back(std::move(message));
    }
    std::erase_if(messages, [](const json& message) {
        return message.value("reason", "") != "its device is opened again for another channel";
    });
    ASSERT_EQ(messages.size(), 1U) << json(messages);
    EXPECT_EQ(messages[0].at("stream"), "left");
    EXPECT_EQ(messages[0].at("state"), "lost");
}

// What comes of the opening is for a channel that is no more: the one that has its name now is
// another.
TEST_F(VirtualMicrophone, AChannelThatIsChangedWhileItsDeviceOpensIsNotHeardThroughTheOldOne) {
    DaemonProcess daemon({"--config", write_floor(other())}, environment_);
    TcpClient tcp(daemon.tcp_port());
    reload_while_desk_opens(daemon, tcp, other() + headset_channel("desk", 1));
    std::vector<json> messages = tcp.read_until(is_state("desk", "live"), 40s);
    play(left_speaks(), "stereo");
    std::this_thread::sleep_for(1s);
    daemon.process().signal(SIGTERM);
    for (json& message : tcp.read_to_end(20s)) {
        messages.push_back(std::move(message));
    }
    EXPECT_EQ(count_by_stream(of_type(messages, "emotion"))["desk"], 0);
}

TEST_F(VirtualMicrophone, AChannelThatIsRemovedWhileItsDeviceOpensLeavesItClosed) {
    DaemonProcess daemon({"--config", write_floor(other())}, environment_);
    TcpClient tcp(daemon.tcp_port());
    reload_while_desk_opens(daemon, tcp, other());
    tcp.read_until(is_state("other", "live"), 40s);
    std::this_thread::sleep_for(2s);
    EXPECT_EQ(listeners(), 1);
    EXPECT_THAT(daemon.process().err(), testing::Not(testing::HasSubstr("stream desk: device")));
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(20s), 0) << daemon.process().err();
}

TEST_F(VirtualMicrophone, ADeviceThatOpensAndBringsNothingIsNotLive) {
    DaemonProcess daemon({"--source", "mic:headset"}, environment_);
    TcpClient tcp(daemon.tcp_port());
    tcp.read_until(is_state("headset", "live"), 20s);
    const std::string url = "http://127.0.0.1:" + std::to_string(daemon.http_port()) + "/readyz";
    const auto is_ready = [&] { return run_to_end({"curl", "-s", url}).out == "ready\n"; };
    const auto patience = std::chrono::steady_clock::now() + 5s;
    while (!is_ready()) {
        ASSERT_LT(std::chrono::steady_clock::now(), patience);
        std::this_thread::sleep_for(50ms);
    }
    run_to_end({"pactl", "suspend-sink", "stereo", "1"}, environment_);
    tcp.read_until(is_state("headset", "lost"), 20s);
    // It is opened again meanwhile, more than once.
    const auto end = std::chrono::steady_clock::now() + 12s;
    while (std::chrono::steady_clock::now() < end) {
        ASSERT_FALSE(is_ready()) << daemon.process().err();
        std::this_thread::sleep_for(50ms);
    }
    run_to_end({"pactl", "suspend-sink", "stereo", "0"}, environment_);
    tcp.read_until(is_state("headset", "live"), 20s);
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(20s), 0) << daemon.process().err();
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

/// A JACK server of the test's own, without a sound card, at 48 kHz.
class JackServer {
 public:
    explicit JackServer(ChildProcess::Environment environment)
        : environment_(std::move(environment)) {
        forget_dead_jack_servers();
        const std::string server = "emotiond-test-" + std::to_string(getpid());
        environment_["JACK_DEFAULT_SERVER"] = server;
        environment_["JACK_NO_AUDIO_RESERVATION"] = "1";
        jack_ = std::make_unique<ChildProcess>(
            std::vector<std::string>{"jackd", "--no-realtime", "-n", server, "-d", "dummy", "-r",
                                     "48000", "-C", "2", "-P", "2"},
            scratch_folder(), "jackd", environment_);
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (run_to_end({"jack_wait", "-s", server, "-c"}, environment_).out.find("not") !=
               std::string::npos) {
            if (std::chrono::steady_clock::now() > end) {
                throw std::runtime_error(jack_->out() + jack_->err());
            }
            std::this_thread::sleep_for(100ms);
        }
    }
    ~JackServer() {
        jack_->signal(SIGTERM);  // which takes it from the list
        jack_->wait(20s);
    }
    JackServer(const JackServer&) = delete;
    JackServer& operator=(const JackServer&) = delete;

    [[nodiscard]] const ChildProcess::Environment& environment() const { return environment_; }

 private:
    ChildProcess::Environment environment_;
    std::unique_ptr<ChildProcess> jack_;
};

// JACK runs at one rate and takes no other: a device that refuses.
TEST(JackMicrophone, ARateThatTheDeviceRefusesIsAnsweredWithThoseItTakes) {
    const auto no_sound = scratch_folder() / "no-alsa.conf";
    std::ofstream(no_sound) << "</usr/share/alsa/alsa.conf>\npcm.!default { type hw card 99 }\n";
    const JackServer jack({{"ALSA_CONFIG_PATH", no_sound.string()}});
    const Finished refused =
        run_to_end({emotiond_binary(), "run", "--source", "mic:system", "--audio.rate_hz=16000",
                    "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0"},
                   jack.environment());
    EXPECT_EQ(refused.exit_code, 69);
    EXPECT_THAT(refused.err,
                testing::HasSubstr("device 'system' refuses 16000 Hz with 1 channels; it takes: "
                                   "48000 Hz"));
    // Left to itself, the service opens it at its own rate.
    DaemonProcess daemon({"--source", "mic:system#1"}, jack.environment());
    EXPECT_THAT(daemon.process().err(), testing::HasSubstr("device 'system' opened at 48000 Hz"));
    TcpClient tcp(daemon.tcp_port());
    const auto is_silent = [](const json& message) {
        return message["type"] == "stream" && message["state"] == "silent";
    };
    EXPECT_NO_THROW(tcp.read_until(is_silent, 20s));
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(20s), 0);
}

// Once PulseAudio is gone, the default is ALSA's way to JACK, which has its one rate and can be
// another channel's.
TEST_F(VirtualMicrophone, AChannelThatBeganAtAnotherRateIsRefusedAndDisturbsNobody) {
    const JackServer jack(environment_);
    const std::string desk = "[[channels]]\nid = \"desk\"\nsource = \"mic\"\n";
    DaemonProcess daemon({"--config", write_floor(desk)}, jack.environment());
    TcpClient tcp(daemon.tcp_port());
    tcp.read_until(is_state("desk", "live"), 20s);
    EXPECT_THAT(daemon.process().err(), testing::HasSubstr("opened at 44100 Hz"));
    pulse_->signal(SIGKILL);
    pulse_->wait(10s);
    EXPECT_TRUE(daemon.process().wait_for_err(
        "stream desk: device 'jack' refuses 44100 Hz with 1 channels; it takes: 48000 Hz", 20s));
    write_floor(desk + "[[channels]]\nid = \"phone\"\nsource = \"mic:jack\"\nchannel = 1\n");
    daemon.process().signal(SIGHUP);
    tcp.read_until(is_state("phone", "live"), 20s);
    EXPECT_TRUE(
        daemon.process().wait_for_err("stream desk: device 'jack' is open at 48000 Hz for "
                                      "other channels, and this one goes on at 44100 Hz",
                                      20s));
    daemon.process().signal(SIGTERM);
    for (const json& message : tcp.read_to_end(20s)) {
        EXPECT_NE(message.value("state", ""), "lost") << message;
    }
    EXPECT_EQ(daemon.process().wait(20s), 0) << daemon.process().err();
}

}  // namespace
}  // namespace emotiond::test
