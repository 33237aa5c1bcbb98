#include "protocol/tcp_server.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "protocol/endpoint.hpp"
#include "protocol/session.hpp"
#include "tests/protocol/clients.hpp"
#include "tests/protocol/network_thread.hpp"

namespace emotiond::protocol {
namespace {

using nlohmann::json;

/// A server on a network thread; what all servers promise is in server_test.cpp.
struct Served {
    explicit Served(ServerOptions options = {})
        : server(network.io(), parse_endpoint("127.0.0.1:0"), network.hub(), std::move(options)) {
        network.start();
    }
    ~Served() {
        network.call([this] { server.stop(std::chrono::milliseconds(0)); });
        network.ends();
    }

    NetworkThread network;
    TcpServer server;
};

TEST(TcpServer, TakesLinesThatArriveTogetherAndLinesThatArriveInPieces) {
    Served served;
    TcpClient client(served.server.local_endpoint());
    receive_json(client);
    client.send_raw("one\r\n\r\n\n\ntwo\nthr");
    EXPECT_EQ(receive_json(client)["code"], "unknown_command");
    EXPECT_EQ(receive_json(client)["code"], "unknown_command");
    client.send_raw("ee\n");
    EXPECT_EQ(receive_json(client)["code"], "unknown_command");
    served.network.call([&] { served.network.hub().publish(event()); });
    EXPECT_EQ(receive_json(client)["seq"], 1);
}

TEST(TcpServer, TakesALineOfTheLongestKind) {
    Served served;
    TcpClient client(served.server.local_endpoint());
    receive_json(client);
    client.send(std::string(Session::kMaxCommandBytes - 1, 'x'));
    EXPECT_EQ(receive_json(client)["code"], "unknown_command");
}

TEST(TcpServer, RefusesALineThatIsTooLongAndEndsTheConnection) {
    Served served;
    TcpClient client(served.server.local_endpoint());
    receive_json(client);
    client.send_meanwhile(std::string(20 * Session::kMaxCommandBytes, 'x'));
    const json refusal = receive_json(client);
    EXPECT_EQ(refusal["code"], "too_big");
    EXPECT_EQ(refusal["message"], "a line has at most 65536 bytes");
    EXPECT_EQ(refusal["fatal"], true);
    EXPECT_EQ(client.receive(), std::nullopt);
    served.network.wait_until([](const Counters& counters) { return counters.subscribers == 0; });
}

// Answers outgrow commands a hundredfold, and all of them would not fit into an outbox and the
// kernel's buffers: without back-pressure some would be dropped.
TEST(TcpServer, LetsAFloodOfCommandsWaitUntilItsAnswersAreTaken) {
    constexpr int kCommands = 40000;
    ServerOptions options;
    options.max_queue_bytes = 16 * 1024;
    Served served(options);
    TcpClient client(served.server.local_endpoint(), kSmallReceiveBuffer);
    receive_json(client);
    std::string flood;
    for (int i = 0; i < kCommands; ++i) {
        flood += "x\n";
    }
    client.send_meanwhile(std::move(flood));
    for (int i = 0; i < kCommands; ++i) {
        ASSERT_EQ(receive_json(client)["code"], "unknown_command");
    }
    EXPECT_EQ(served.network.counters().messages_dropped, 0U);
}

TEST(TcpServer, EndsAConnectionThatTheClientHalfCloses) {
    Served served;
    TcpClient client(served.server.local_endpoint());
    receive_json(client);
    client.end_sending();
    EXPECT_EQ(client.receive(), std::nullopt);
    EXPECT_EQ(served.network.counters().subscribers, 0U);
}

}  // namespace
}  // namespace emotiond::protocol
