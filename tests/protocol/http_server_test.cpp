#include "protocol/http_server.hpp"

#include <gtest/gtest.h>

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

    /// The whole answer to an HTTP request.
    std::string answer(const std::string& request) {
        TcpClient client(server.local_endpoint());
        client.send_raw(request);
        return client.receive_rest();
    }

    NetworkThread network;
    HttpServer server;
};

ServerOptions idle_timeout(std::chrono::milliseconds timeout) {
    ServerOptions options;
    options.idle_timeout = timeout;
    return options;
}

std::string upgrade_of(const std::string& target) {
    return "GET " + target +
           " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

TEST(HttpServer, IgnoresAQueryInThePath) {
    Served served;
    WebSocketClient client(served.server.local_endpoint(), "/v1/stream?from=test", 0);
    EXPECT_EQ(receive_json(client)["type"], "hello");
}

TEST(HttpServer, AnswersOtherPathsWith404) {
    Served served;
    for (const char* target : {"/", "/v1/streams", "/v1/stream/", "/v1"}) {
        const std::string answer =
            served.answer("GET " + std::string(target) +
                          " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 404 Not Found\r\n")) << answer;
        EXPECT_TRUE(
            answer.ends_with("{\"error\":{\"code\":\"not_found\",\"message\":"
                             "\"there is nothing at " +
                             std::string(target) + "\"}}\n"))
            << answer;
    }
}

TEST(HttpServer, AnswersAnUpgradeElsewhereWith404) {
    Served served;
    EXPECT_TRUE(served.answer(upgrade_of("/elsewhere")).starts_with("HTTP/1.1 404 "));
}

TEST(HttpServer, AnswersAnotherMethodWith405) {
    Served served;
    const std::string answer = served.answer("POST /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nAllow: GET"), std::string::npos) << answer;
}

TEST(HttpServer, RefusesARequestWithABody) {
    Served served;
    EXPECT_TRUE(
        served
            .answer("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n" +
                    std::string(2000000, 'x'))
            .starts_with("HTTP/1.1 413 "));
}

TEST(HttpServer, AnswersARequestWithoutUpgradeWith426) {
    Served served;
    const std::string answer = served.answer("GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nUpgrade: websocket\r\n"), std::string::npos) << answer;
}

TEST(HttpServer, AnswersHeadWithoutABody) {
    Served served;
    const std::string answer = served.answer("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 404 ")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST(HttpServer, AnswersWhatIsNotHttpWith400) {
    Served served;
    EXPECT_TRUE(served.answer("{\"type\":\"ping\"}\n\r\n\r\n").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(served.answer("GET / HTTP/1.1\r\nx: " + std::string(100000, 'x') + "\r\n\r\n")
                    .starts_with("HTTP/1.1 431 "));
}

TEST(HttpServer, SubscribesNobodyWhoOnlySpokeHttp) {
    Served served;
    served.answer("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(served.network.counters().subscribers_total, 0U);
}

TEST(HttpServer, TakesAFrameOfTheLongestKind) {
    Served served;
    WebSocketClient client(served.server.local_endpoint());
    receive_json(client);
    client.send(std::string(EventSession::kMaxCommandBytes, 'x'));
    EXPECT_EQ(receive_json(client)["code"], "bad_json");
}

TEST(HttpServer, ClosesWith1009OnAFrameThatIsTooLong) {
    Served served;
    WebSocketClient client(served.server.local_endpoint());
    receive_json(client);
    client.send(std::string(EventSession::kMaxCommandBytes + 1, 'x'));
    EXPECT_EQ(client.receive(), std::nullopt);
    EXPECT_EQ(client.close_code(), 1009);
    served.network.wait_until([](const Counters& counters) { return counters.subscribers == 0; });
}

TEST(HttpServer, AnswersTheCloseOfAClient) {
    Served served;
    WebSocketClient client(served.server.local_endpoint());
    receive_json(client);
    EXPECT_FALSE(client.close());
    served.network.wait_until([](const Counters& counters) { return counters.subscribers == 0; });
}

TEST(HttpServer, PingsAClientThatIsSilent) {
    Served served(idle_timeout(500ms));
    WebSocketClient client(served.server.local_endpoint());
    receive_json(client);
    client.on_ping(
        [&] { served.network.call([&] { served.network.hub().publish(event("pinged")); }); });
    EXPECT_EQ(receive_json(client)["message"], "pinged");
}

TEST(HttpServer, ClosesAClientThatAnswersNoPing) {
    Served served(idle_timeout(100ms));
    const WebSocketClient never_reads(served.server.local_endpoint());
    served.network.wait_until([](const Counters& counters) {
        return counters.subscribers_total == 1 && counters.subscribers == 0;
    });
}

TEST(HttpServer, StopsAtOnceWhileAClientHasNotFinishedItsRequest) {
    Served served;
    TcpClient client(served.server.local_endpoint());
    client.send_raw("GET /v1/stream HTTP/1.1\r\n");
    {
        WebSocketClient next(served.server.local_endpoint());
        receive_json(next);  // so the server has accepted the one before it too
    }
    served.network.call([&] { served.server.stop(10 * kPatience); });
    EXPECT_TRUE(served.network.ends());
}

}  // namespace
}  // namespace emotiond::protocol
