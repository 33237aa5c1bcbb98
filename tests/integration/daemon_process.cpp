#include "tests/integration/daemon_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

namespace emotiond::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kPoll = 10ms;

std::string read_text(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

void send_to_file(const std::filesystem::path& path, int descriptor) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, descriptor);
    close(file);
}

std::string next_name(const std::string& name) {
    static int count = 0;
    return name + "-" + std::to_string(++count);
}

}  // namespace

ChildProcess::ChildProcess(std::vector<std::string> command, const std::filesystem::path& folder,
                           const std::string& name, const Environment& environment) {
    const std::string unique = next_name(name);
    out_ = folder / (unique + ".out");
    err_ = folder / (unique + ".err");
    pid_ = fork();
    if (pid_ != 0) {
        return;
    }
    send_to_file(out_, STDOUT_FILENO);
    send_to_file(err_, STDERR_FILENO);
    send_to_file("/dev/null", STDIN_FILENO);
    for (const auto& [key, value] : environment) {
        setenv(key.c_str(), value.c_str(), 1);
    }
    std::vector<char*> arguments;
    for (std::string& argument : command) {
        arguments.push_back(argument.data());
    }
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
}

ChildProcess::~ChildProcess() {
    if (!has_ended()) {
        kill(pid_, SIGCONT);
        kill(pid_, SIGKILL);
        wait(5s);
    }
}

void ChildProcess::signal(int number) const {
    kill(pid_, number);
}

bool ChildProcess::has_ended() {
    int status = 0;
    if (!ended_ && waitpid(pid_, &status, WNOHANG) == pid_) {
        ended_ = true;
        exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return ended_;
}

int ChildProcess::wait(std::chrono::milliseconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!has_ended() && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(kPoll);
    }
    return ended_ ? exit_code_ : -1;
}

std::string ChildProcess::out() const {
    return read_text(out_);
}
std::string ChildProcess::err() const {
    return read_text(err_);
}

bool ChildProcess::wait_for_err(const std::string& text, std::chrono::milliseconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (std::chrono::steady_clock::now() < end) {
        const bool is_over = has_ended();  // before the last look, so that none is missed
        if (err().find(text) != std::string::npos) {
            return true;
        }
        if (is_over) {
            return false;
        }
        std::this_thread::sleep_for(kPoll);
    }
    return false;
}

Finished run_to_end(const std::vector<std::string>& command,
                    const ChildProcess::Environment& environment) {
    ChildProcess process(command, scratch_folder(), "command", environment);
    const int exit_code = process.wait(60s);
    return {exit_code, process.out(), process.err()};
}

DaemonProcess::DaemonProcess(std::vector<std::string> arguments,
                             const ChildProcess::Environment& environment)
    : process_(
          [&] {
              std::vector<std::string> command{emotiond_binary(), "run", "--server.tcp=127.0.0.1:0",
                                               "--server.http=127.0.0.1:0"};
              command.insert(command.end(), arguments.begin(), arguments.end());
              return command;
          }(),
          scratch_folder(), "emotiond", environment) {
    EXPECT_TRUE(process_.wait_for_err("/v1/stream", 30s)) << process_.err();
    tcp_port_ = port_behind("NDJSON on ");
    http_port_ = port_behind("WebSocket on ");
}

int DaemonProcess::port_behind(const std::string& text) const {
    const std::string log = process_.err();
    const std::string host = "127.0.0.1:";
    const std::size_t at = log.find(host, log.find(text));
    return at == std::string::npos ? 0 : std::atoi(log.c_str() + at + host.size());
}

std::string emotiond_binary() {
    return EMOTIOND_BINARY;
}

std::string clip(const std::string& name) {
    return std::string(EMOTIOND_SOURCE_DIR) + "/tests/data/clips/" + name;
}

const std::filesystem::path& scratch_folder() {
    struct Folder {
        std::filesystem::path path;
        Folder() {
            std::string pattern = std::filesystem::temp_directory_path() / "emotiond-test-XXXXXX";
            path = mkdtemp(pattern.data());
        }
        ~Folder() { std::filesystem::remove_all(path); }
    };
    static const Folder folder;
    return folder.path;
}

}  // namespace emotiond::test
