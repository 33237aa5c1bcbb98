#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/endpoint.hpp"
#include "protocol/http_server.hpp"
#include "protocol/tcp_server.hpp"
#include "tests/protocol/clients.hpp"
#include "tests/protocol/network_thread.hpp"

namespace emotiond::protocol {

struct OverTcp {
    using Server = TcpServer;
    using Client = TcpClient;
    static constexpr const char* kName = "Tcp";
};

struct OverWebSocket {
    using Server = HttpServer;
    using Client = WebSocketClient;
    static constexpr const char* kName = "WebSocket";
};

struct TransportName {
    template <class Transport>
    static std::string GetName(int) {
        return Transport::kName;
    }
};

/// What both servers promise.
template <class Transport>
class EveryServer : public ::testing::Test {
 protected:
    using Client = typename Transport::Client;

    void serve(ServerOptions options = {}, std::string_view endpoint = "127.0.0.1:0") {
        options.on_problem = [this](std::string_view problem) { problems_.emplace_back(problem); };
        server_ = std::make_unique<typename Transport::Server>(
            network_.io(), parse_endpoint(endpoint), network_.hub(), std::move(options));
        endpoint_ = server_->local_endpoint();
        network_.start();
    }

    ~EveryServer() override {
        network_.call([this] { server_.reset(); });
    }

    void publish(std::size_t events, const std::string& text = "x") {
        network_.call([&] {
            for (std::size_t i = 0; i < events; ++i) {
                network_.hub().publish(event(text));
            }
        });
    }

    std::vector<std::string> problems() {
        return network_.call([this] { return problems_; });
    }

    /// Publishes until something is dropped for a client that does not read: never more at a time
    /// than the outbox of the prompt one, which does read, can hold. Returns the last seq.
    std::uint64_t publish_until_dropped(Client& prompt) {
        constexpr std::size_t kEvents = 8;
        std::uint64_t seq = 0;
        while (network_.counters().messages_dropped == 0) {
            publish(kEvents, std::string(8192, 'x'));
            for (std::size_t i = 0; i < kEvents; ++i) {
                ++seq;
                EXPECT_EQ(receive_json(prompt)["seq"], seq);
            }
        }
        return seq;
    }

    static ServerOptions small_queue() {
        ServerOptions options;
        options.max_queue_bytes = 256 * 1024;
        options.idle_timeout =
            std::chrono::minutes(10);  // who does not read answers no ping either
        return options;
    }

    NetworkThread network_;
    std::vector<std::string> problems_;
    std::unique_ptr<typename Transport::Server> server_;
    boost::asio::ip::tcp::endpoint endpoint_;
};

using Transports = ::testing::Types<OverTcp, OverWebSocket>;
}  // namespace emotiond::protocol
