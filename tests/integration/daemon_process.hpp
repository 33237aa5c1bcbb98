#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace emotiond::test {

/// A child process with its output in files. It is killed when this is destroyed.
class ChildProcess {
 public:
    using Environment = std::map<std::string, std::string>;

    /// The program is looked up in PATH. Its stdout and stderr go to <folder>/<name>.out and .err.
    ChildProcess(std::vector<std::string> command, const std::filesystem::path& folder,
                 const std::string& name, const Environment& environment = {});
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    void signal(int number) const;
    /// Exit code, 128 + signal, or -1 where it still runs after `deadline`.
    int wait(std::chrono::milliseconds deadline);
    [[nodiscard]] std::string out() const;
    [[nodiscard]] std::string err() const;
    /// Waits until stderr contains the text; false at the deadline or where the process ends first.
    bool wait_for_err(const std::string& text, std::chrono::milliseconds deadline);

 private:
    bool has_ended();

    std::filesystem::path out_;
    std::filesystem::path err_;
    pid_t pid_ = -1;
    int exit_code_ = -1;
    bool ended_ = false;
};

/// Runs a command to its end.
struct Finished {
    int exit_code = -1;
    std::string out;
    std::string err;
};
Finished run_to_end(const std::vector<std::string>& command,
                    const ChildProcess::Environment& environment = {});

/// The real `emotiond`, serving on free ports.
class DaemonProcess {
 public:
    /// arguments: behind `emotiond run`. Waits until it serves; fails the test where it does not.
    explicit DaemonProcess(std::vector<std::string> arguments,
                           const ChildProcess::Environment& environment = {});

    [[nodiscard]] int tcp_port() const { return tcp_port_; }
    [[nodiscard]] int http_port() const { return http_port_; }
    [[nodiscard]] ChildProcess& process() { return process_; }

 private:
    [[nodiscard]] int port_behind(const std::string& text) const;

    ChildProcess process_;
    int tcp_port_ = 0;
    int http_port_ = 0;
};

/// The binary under test.
std::string emotiond_binary();
/// A clip of the repository.
std::string clip(const std::string& name);
/// A folder of this process's own, removed at its end.
const std::filesystem::path& scratch_folder();

}  // namespace emotiond::test
