#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace emotiond::test {

/// The service manager's end of sd_notify(3): a datagram socket in a folder of its own.
class NotifySocket {
 public:
    NotifySocket() {
        std::string folder = std::filesystem::temp_directory_path() / "emotiond-notify-XXXXXX";
        folder_ = mkdtemp(folder.data());
        path_ = folder_ / "notify";
        descriptor_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ~NotifySocket() {
        close(descriptor_);
        std::filesystem::remove_all(folder_);
    }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    /// What has come, a datagram each.
    std::vector<std::string> read_all() {
        std::vector<std::string> messages;
        char buffer[4096];
        for (ssize_t size = 0; (size = recv(descriptor_, buffer, sizeof buffer, 0)) >= 0;) {
            messages.emplace_back(buffer, static_cast<std::size_t>(size));
        }
        return messages;
    }

    /// What comes until one begins with the text, that one last; all that came where none does.
    std::vector<std::string> read_until(const std::string& beginning,
                                        std::chrono::milliseconds deadline) {
        const auto end = std::chrono::steady_clock::now() + deadline;
        std::vector<std::string> messages;
        char buffer[4096];
        while (std::chrono::steady_clock::now() < end) {
            const ssize_t size = recv(descriptor_, buffer, sizeof buffer, 0);
            if (size < 0) {
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
                continue;
            }
            messages.emplace_back(buffer, static_cast<std::size_t>(size));
            if (messages.back().starts_with(beginning)) {
                return messages;
            }
        }
        ADD_FAILURE() << "no " << beginning;
        return messages;
    }

 private:
    std::filesystem::path folder_;
    std::filesystem::path path_;
    int descriptor_ = -1;
};

}  // namespace emotiond::test
