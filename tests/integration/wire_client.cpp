#include "tests/integration/wire_client.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

namespace emotiond::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// Prints each message on a line of its own until the server closes.
constexpr const char* kPythonClient = R"(
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1], max_size=None) as socket:
        async for message in socket:
            print(message, flush=True)
        print("closed", socket.close_code, file=sys.stderr, flush=True)
asyncio.run(main())
)";

}  // namespace

TcpClient::TcpClient(int port, int receive_buffer_bytes)
    : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer_bytes > 0) {
        setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("cannot connect to port " + std::to_string(port));
    }
}

TcpClient::~TcpClient() {
    close(socket_);
}

void TcpClient::send(const std::string& command) {
    const std::string line = command + "\n";
    if (::send(socket_, line.data(), line.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(line.size())) {
        throw std::runtime_error("the server does not take a command");
    }
}

bool TcpClient::fill(std::chrono::steady_clock::time_point end) {
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        if (left <= 0ms) {
            throw std::runtime_error("no message before the deadline; rest: " + buffer_);
        }
        pollfd in{socket_, POLLIN, 0};
        if (poll(&in, 1, static_cast<int>(left.count())) > 0) {
            char piece[65536];
            const ssize_t got = recv(socket_, piece, sizeof piece, 0);
            if (got > 0) {
                buffer_.append(piece, static_cast<std::size_t>(got));
            }
            return got > 0;
        }
    }
}

json TcpClient::read_message(std::chrono::steady_clock::time_point end) {
    std::size_t line_end = 0;
    while ((line_end = buffer_.find('\n')) == std::string::npos) {
        if (!fill(end)) {
            throw std::runtime_error("the server closed; rest: " + buffer_);
        }
    }
    const json message = json::parse(buffer_.substr(0, line_end));
    buffer_.erase(0, line_end + 1);
    received_at_.push_back(std::chrono::steady_clock::now());
    return message;
}

std::vector<json> TcpClient::read_to_end(std::chrono::milliseconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    std::vector<json> messages;
    for (;;) {
        while (buffer_.find('\n') == std::string::npos) {
            if (!fill(end)) {
                return messages;
            }
        }
        messages.push_back(read_message(end));
    }
}

PythonWebSocketClient::PythonWebSocketClient(int port)
    // The system's Python: the package python3-websockets is for no other.
    : process_({"/usr/bin/python3", "-c", kPythonClient,
                "ws://127.0.0.1:" + std::to_string(port) + "/v1/stream"},
               scratch_folder(), "websocket") {}

std::vector<json> PythonWebSocketClient::messages() const {
    std::vector<json> messages;
    const std::string out = process_.out();
    for (std::size_t begin = 0, end = 0; (end = out.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
        messages.push_back(json::parse(out.substr(begin, end - begin)));
    }
    return messages;
}

bool PythonWebSocketClient::wait_for_first(std::chrono::milliseconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (messages().empty() && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(20ms);
    }
    return !messages().empty();
}

bool PythonWebSocketClient::wait_for_close(std::chrono::milliseconds deadline) {
    return process_.wait_for_err("closed 1001", deadline);
}

std::vector<json> of_type(const std::vector<json>& messages, const std::string& type) {
    std::vector<json> chosen;
    for (const json& message : messages) {
        if (message.at("type") == type) {
            chosen.push_back(message);
        }
    }
    return chosen;
}

}  // namespace emotiond::test
