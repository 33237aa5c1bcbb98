// The real program under a service manager that is this test: readiness, watchdog, sockets that
// were there before it, and what systemd itself says of the units.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <regex>
#include <thread>

#include "tests/integration/daemon_process.hpp"
#include "tests/integration/wire_client.hpp"
#include "tests/support/files.hpp"
#include "tests/support/notify_socket.hpp"

namespace emotiond::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kSource = "file:" + clip("demo.flac");

/// All threads of a process but the first, which serves the network, stand still while this lives.
class OtherThreadsFrozen {
 public:
    explicit OtherThreadsFrozen(pid_t process) {
        for (const auto& entry :
             std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
            const pid_t thread = std::stoi(entry.path().filename());
            if (thread != process && ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) == 0) {
                ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
                waitpid(thread, nullptr, __WALL);
                threads_.push_back(thread);
            }
        }
    }
    ~OtherThreadsFrozen() {
        for (const pid_t thread : threads_) {
            ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
        }
    }
    OtherThreadsFrozen(const OtherThreadsFrozen&) = delete;
    OtherThreadsFrozen& operator=(const OtherThreadsFrozen&) = delete;

    [[nodiscard]] std::size_t count() const { return threads_.size(); }

 private:
    std::vector<pid_t> threads_;
};

TEST(ServiceManager, HearsOfReadinessReloadAndStop) {
    NotifySocket manager;
    DaemonProcess daemon({"--source", kSource, "--loop"}, {{"NOTIFY_SOCKET", manager.path()}});
    manager.read_until("READY=1", 10s);
    // Ready means ready: who connects now is served.
    TcpClient(daemon.tcp_port()).read_until([](const json& m) { return m["type"] == "hello"; }, 5s);
    manager.read_until("STATUS=1 of 1 stream live", 5s);
    daemon.process().signal(SIGHUP);
    manager.read_until("RELOADING=1", 5s);
    manager.read_until("READY=1", 5s);
    daemon.process().signal(SIGTERM);
    EXPECT_THAT(manager.read_until("STOPPING=1", 5s), Not(Contains("WATCHDOG=1")));
    EXPECT_EQ(daemon.process().wait(20s), 0);
}

TEST(ServiceManager, IsPingedWhileSoundComesAndNotByAnIdleNetworkThread) {
    NotifySocket manager;
    DaemonProcess daemon({"--source", kSource, "--loop"},
                         {{"NOTIFY_SOCKET", manager.path()}, {"WATCHDOG_USEC", "1000000"}});
    manager.read_until("WATCHDOG=1", 10s);
    manager.read_until("WATCHDOG=1", 5s);
    {
        const OtherThreadsFrozen frozen(daemon.process().pid());
        if (frozen.count() == 0) {
            GTEST_SKIP() << "ptrace is not allowed here";
        }
        std::this_thread::sleep_for(600ms);
        manager.read_all();  // what was on its way
        std::this_thread::sleep_for(2s);
        EXPECT_THAT(manager.read_all(), IsEmpty());
        // The network thread lives, which is why it alone proves nothing.
        TcpClient(daemon.tcp_port())
            .read_until([](const json& m) { return m["type"] == "hello"; }, 5s);
    }
    manager.read_until("WATCHDOG=1", 5s);
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(20s), 0);
}

/// Listens where it is told to, and becomes the program with these sockets as 3, 4, ...
/// sockets: name=host, separated by spaces. The ports are printed on stderr.
ChildProcess with_sockets(const std::string& sockets, std::vector<std::string> arguments) {
    static const char* const kLauncher = R"(
import os, socket, sys
names = []
for at, (name, host) in enumerate(s.split("=") for s in sys.argv[1].split()):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((host, 0))
    if name != "deaf":
        listener.listen()
    print(name, "is", listener.getsockname()[1], file=sys.stderr, flush=True)
    os.dup2(listener.fileno(), 20 + at)
    names.append(name if name != "deaf" else "tcp")
for at in range(len(names)):
    os.dup2(20 + at, 3 + at)
    os.close(20 + at)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
os.execv(sys.argv[2], sys.argv[2:])
)";
    std::vector<std::string> command{"python3",
                                     "-c",
                                     kLauncher,
                                     sockets,
                                     emotiond_binary(),
                                     "run",
                                     "--server.tcp=127.0.0.1:0",
                                     "--server.http=127.0.0.1:0",
                                     "--source",
                                     kSource};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return {command, scratch_folder(), "launched"};
}

int number_behind(const std::string& text, const std::string& log) {
    const std::size_t at = log.find(text);
    return at == std::string::npos ? 0 : std::atoi(log.c_str() + at + text.size());
}

TEST(ServiceManager, ItsSocketsAreServed) {
    ChildProcess daemon = with_sockets("http=127.0.0.1 tcp=127.0.0.1", {"--loop"});
    ASSERT_TRUE(daemon.wait_for_err("/v1/stream", 30s)) << daemon.err();
    const int tcp = number_behind("tcp is ", daemon.err());
    const int http = number_behind("http is ", daemon.err());
    ASSERT_NE(tcp, 0);
    EXPECT_EQ(number_behind("NDJSON on tcp 127.0.0.1:", daemon.err()), tcp);
    EXPECT_EQ(number_behind("dashboard on http://127.0.0.1:", daemon.err()), http);
    TcpClient(tcp).read_until([](const json& m) { return m["type"] == "hello"; }, 5s);
    PythonWebSocketClient websocket(http);
    EXPECT_TRUE(websocket.wait_for_first(20s));
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait(20s), 0) << daemon.err();
}

TEST(ServiceManager, AnotherPortIsBoundAsTheSettingsSay) {
    ChildProcess daemon = with_sockets("tcp=127.0.0.1", {"--loop"});
    ASSERT_TRUE(daemon.wait_for_err("/v1/stream", 30s)) << daemon.err();
    PythonWebSocketClient websocket(number_behind("dashboard on http://127.0.0.1:", daemon.err()));
    EXPECT_TRUE(websocket.wait_for_first(20s));
}

TEST(ServiceManager, ASocketThatItCannotUseIsAWrongConfiguration) {
    const std::pair<std::string, std::string> cases[]{
        {"web=127.0.0.1", "a socket named 'web'"},
        {"tcp=127.0.0.1 tcp=127.0.0.1", "two sockets named 'tcp'"},
        {"deaf=127.0.0.1", "is not a TCP socket that listens"},
        {"tcp=0.0.0.0", "can be reached from other machines"},
    };
    for (const auto& [sockets, message] : cases) {
        ChildProcess daemon = with_sockets(sockets, {});
        EXPECT_EQ(daemon.wait(30s), 78) << sockets;
        EXPECT_THAT(daemon.err(), HasSubstr(message));
    }
    ChildProcess daemon = with_sockets("tcp=0.0.0.0", {"--server.insecure=true", "--loop"});
    EXPECT_TRUE(daemon.wait_for_err("/v1/stream", 30s)) << daemon.err();
}

// --- the units, as systemd reads them ---

const std::filesystem::path kUnits = std::filesystem::path(EMOTIOND_SOURCE_DIR) / "systemd";

bool has_systemd_analyze() {
    return run_to_end({"systemd-analyze", "--version"}).exit_code == 0;
}

/// A folder with all units, whose program is the one under test.
std::filesystem::path units_of_this_build(const std::filesystem::path& from) {
    const auto folder = scratch_folder() / ("units-" + from.filename().string());
    std::filesystem::create_directories(folder);
    for (const auto& entry : std::filesystem::directory_iterator(from)) {
        if (entry.path().extension() == ".service" || entry.path().extension() == ".socket") {
            write_bytes(folder / entry.path().filename(),
                        std::regex_replace(read_bytes(entry.path()),
                                           std::regex("/usr/bin/emotiond"), emotiond_binary()));
        }
    }
    return folder;
}

TEST(Units, AreWhatSystemdUnderstands) {
    if (!has_systemd_analyze()) {
        GTEST_SKIP() << "no systemd-analyze here";
    }
    const auto system = units_of_this_build(kUnits);
    const Finished verified =
        run_to_end({"systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                    system / "emotiond.service", system / "emotiond-tcp.socket",
                    system / "emotiond-http.socket"});
    EXPECT_EQ(verified.exit_code, 0);
    EXPECT_EQ(verified.err, "");
    const Finished user =
        run_to_end({"systemd-analyze", "--user", "verify", "--man=no", "--recursive-errors=no",
                    units_of_this_build(kUnits / "user") / "emotiond.service"},
                   {{"XDG_RUNTIME_DIR", scratch_folder()}});
    EXPECT_EQ(user.exit_code, 0);
    EXPECT_EQ(user.err, "");
}

TEST(Units, TheSystemServiceIsExposedBelowTwo) {
    if (!has_systemd_analyze()) {
        GTEST_SKIP() << "no systemd-analyze here";
    }
    const Finished finished = run_to_end({"systemd-analyze", "security", "--offline=yes",
                                          "--threshold=19", kUnits / "emotiond.service"});
    EXPECT_EQ(finished.exit_code, 0) << finished.out;
    EXPECT_THAT(finished.out, HasSubstr("Overall exposure level"));
}

// What keeps sound off the disk must not get lost in a tidying of the unit.
TEST(Units, TheSystemServiceKeepsSoundOffTheDisk) {
    const std::string unit = read_bytes(kUnits / "emotiond.service");
    for (const char* line : {"ProtectSystem=strict", "ProtectHome=yes", "StateDirectory=emotiond",
                             "MemorySwapMax=0", "LimitCORE=0", "CoredumpFilter=0"}) {
        EXPECT_THAT(unit, HasSubstr("\n" + std::string(line) + "\n"));
    }
    EXPECT_THAT(unit, Not(HasSubstr("ReadWritePaths=")));
    EXPECT_THAT(unit, Not(HasSubstr("BindPaths=")));
}

}  // namespace
}  // namespace emotiond::test
