#include "protocol/tcp_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>

#include "protocol/endpoint.hpp"
#include "protocol/event_session.hpp"
#include "tests/protocol/clients.hpp"
#include "tests/protocol/network_thread.hpp"

namespace emotiond::protocol {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

/// A server on a network thread; what all servers promise is in server_test.cpp.
struct Served {
    explicit Served(ServerOptions options = {})
        : server(network.io(), parse_endpoint("127.0.0.1:0"), network.hub(), std::move(options)) {
        network.start();
    }
    ~Served() {
        network.call([this] { server.stop(0ms); });
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
    EXPECT_EQ(receive_json(client)["code"], "bad_json");
    EXPECT_EQ(receive_json(client)["code"], "bad_json");
    client.send_raw("ee\n");
    EXPECT_EQ(receive_json(client)["code"], "bad_json");
    served.network.call([&] { served.network.hub().publish(event()); });
    EXPECT_EQ(receive_json(client)["seq"], 1);
}

TEST(TcpServer, TakesALineOfTheLongestKind) {
    Served served;
    TcpClient client(served.server.local_endpoint());
    receive_json(client);
    client.send(std::string(EventSession::kMaxCommandBytes - 1, 'x'));
    EXPECT_EQ(receive_json(client)["code"], "bad_json");
}

TEST(TcpServer, RefusesALineThatIsTooLongAndEndsTheConnection) {
    Served served;
    TcpClient client(served.server.local_endpoint());
    receive_json(client);
    client.send_raw(std::string(20 * EventSession::kMaxCommandBytes, 'x'));
    const json refusal = receive_json(client);
    EXPECT_EQ(refusal["code"], "too_big");
    EXPECT_EQ(refusal["message"], "a line has at most 65536 bytes");
    EXPECT_EQ(refusal["fatal"], true);
    EXPECT_EQ(client.receive(), std::nullopt);
    served.network.wait_until([](const Counters& counters) { return counters.subscribers == 0; });
}

// Answers outgrow commands a hundredfold and do not all fit into the outbox and the kernel's
// buffers: a server that kept on reading would have to drop some.
struct Flood {
    static constexpr int kCommands = 40000;

    Flood() : served(small_queue()), client(served.server.local_endpoint(), kSmallReceiveBuffer) {
        receive_json(client);
        std::string flood;
        for (int i = 0; i < kCommands; ++i) {
            flood += "x\n";
        }
        client.send_meanwhile(std::move(flood));
    }

    /// Nobody reads the answers until the server reads no more commands.
    void settle() {
        std::uint64_t before = 0;
        std::uint64_t answers = 0;
        do {
            before = answers;
            client.wait(200ms);
            const Counters counters = served.network.counters();
            answers = counters.messages_delivered + counters.messages_dropped;
        } while (answers != before);
    }

    static ServerOptions small_queue() {
        ServerOptions options;
        options.max_queue_bytes = 16 * 1024;
        return options;
    }

    Served served;
    TcpClient client;
};

TEST(TcpServer, LetsAFloodOfCommandsWaitUntilItsAnswersAreTaken) {
    Flood flood;
    flood.settle();
    for (int i = 0; i < Flood::kCommands; ++i) {
        ASSERT_EQ(receive_json(flood.client)["code"], "bad_json");
    }
    EXPECT_EQ(flood.served.network.counters().messages_dropped, 0U);
}

std::ptrdiff_t open_files() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

TEST(TcpServer, ClosesTheSocketOfAClientThatVanishesWhileItsCommandsWait) {
    Flood flood;
    flood.settle();
    const auto before = open_files();
    flood.client.vanish();
    flood.served.network.wait_until(
        [&](const Counters&) { return open_files() == before - 2; });  // the client's and ours
}

TEST(TcpServer, ClosesTheSocketOfAClientThatVanishesWhileItsCommandsAreRead) {
    Flood flood;
    const auto before = open_files();
    flood.client.wait(10ms);
    flood.client.vanish();
    flood.served.network.wait_until([&](const Counters&) { return open_files() == before - 2; });
}

TEST(TcpServer, EndsAConnectionThatTheClientHalfCloses) {
    Served served;
    TcpClient client(served.server.local_endpoint());
    receive_json(client);
    client.end_sending();
    EXPECT_EQ(client.receive(), std::nullopt);
    EXPECT_EQ(served.network.counters().subscribers, 0U);
}

// A page can have a browser post any text to any port: the commands in it must not be obeyed.
TEST(TcpServer, ClosesABrowserThatSpeaksHttp) {
    Served served;
    TcpClient client(served.server.local_endpoint());
    receive_json(client);
    client.send_raw("POST / HTTP/1.1\r\nHost: x\r\n\r\n{\"type\":\"ping\"}\n");
    const json error = receive_json(client);
    EXPECT_EQ(error["code"], "bad_json");
    EXPECT_EQ(error["fatal"], true);
    EXPECT_EQ(client.receive(), std::nullopt);
}

}  // namespace
}  // namespace emotiond::protocol
