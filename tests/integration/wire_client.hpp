#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/integration/daemon_process.hpp"

namespace emotiond::test {

/// A subscriber over plain TCP that speaks POSIX sockets and none of our own code.
class TcpClient {
 public:
    /// receive_buffer_bytes: how much the kernel keeps for a client that does not read; 0: its
    /// default.
    explicit TcpClient(int port, int receive_buffer_bytes = 0);
    ~TcpClient();
    TcpClient(const TcpClient&) = delete;
    TcpClient& operator=(const TcpClient&) = delete;

    /// A line.
    void send(const std::string& command);

    /// Reads on until a message satisfies the condition, it included; throws at the deadline or the
    /// end of the connection, telling what came.
    template <typename Condition>
    std::vector<nlohmann::json> read_until(Condition&& condition,
                                           std::chrono::milliseconds deadline) {
        std::vector<nlohmann::json> messages;
        const auto end = std::chrono::steady_clock::now() + deadline;
        do {
            messages.push_back(read_message(end));
        } while (!condition(messages.back()));
        return messages;
    }
    /// When each message was received, of all that were read.
    [[nodiscard]] const std::vector<std::chrono::steady_clock::time_point>& received_at() const {
        return received_at_;
    }
    /// Everything until the server closes.
    std::vector<nlohmann::json> read_to_end(std::chrono::milliseconds deadline);

 private:
    nlohmann::json read_message(std::chrono::steady_clock::time_point end);
    /// False at the end of the connection.
    bool fill(std::chrono::steady_clock::time_point end);

    int socket_;
    std::string buffer_;
    std::vector<std::chrono::steady_clock::time_point> received_at_;
};

/// A WebSocket subscriber not written here: the command line client of Python's `websockets`.
class PythonWebSocketClient {
 public:
    explicit PythonWebSocketClient(int port);
    /// The messages that came until now.
    [[nodiscard]] std::vector<nlohmann::json> messages() const;
    /// Waits for at least one message.
    bool wait_for_first(std::chrono::milliseconds deadline);
    /// Waits until the server has closed.
    bool wait_for_close(std::chrono::milliseconds deadline);

 private:
    ChildProcess process_;
};

/// Those of the type ("emotion", "gap", ...).
std::vector<nlohmann::json> of_type(const std::vector<nlohmann::json>& messages,
                                    const std::string& type);

}  // namespace emotiond::test
