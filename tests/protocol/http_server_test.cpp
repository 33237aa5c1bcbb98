#include "protocol/http_server.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

std::string get(const std::string& target, const std::string& headers = "Host: localhost\r\n") {
    return "GET " + target + " HTTP/1.1\r\n" + headers + "Connection: close\r\n\r\n";
}

/// Answers with what was asked.
ServerOptions with_handler() {
    ServerOptions options;
    options.http = [](const HttpRequest& request, const auto& respond) {
        std::string body = request.method + " " + request.path;
        for (const auto& [name, value] : request.query) {
            body += " " + name + "=" + value;
        }
        respond({.content_type = "text/plain", .body = body + "\n", .headers = {}});
    };
    return options;
}

TEST(HttpServer, HandsRequestsOn) {
    Served served(with_handler());
    const std::string answer = served.answer(get("/a%20b?x=1%2B&y=%C3%A4"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nGET /a b x=1+ y=\xc3\xa4\n")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Security-Policy: default-src 'none';"), std::string::npos);
    EXPECT_NE(answer.find("\r\nX-Content-Type-Options: nosniff\r\n"), std::string::npos);
}

TEST(HttpServer, AnswersOneRequestAfterAnotherOnAConnection) {
    Served served(with_handler());
    const std::string answers =
        served.answer("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/2"));
    EXPECT_NE(answers.find("GET /1\n"), std::string::npos) << answers;
    EXPECT_TRUE(answers.ends_with("GET /2\n")) << answers;
}

TEST(HttpServer, AnswersNoPageOfAnotherOrigin) {
    Served served(with_handler());
    const std::string local = "Host: 127.0.0.1:8790\r\n";
    for (const auto& [headers, status] :
         {std::pair<std::string, int>{local, 200},
          {local + "Origin: http://127.0.0.1:8790\r\n", 200},
          {local + "Origin: http://evil.example\r\n", 403},
          {local + "Origin: null\r\n", 403},
          {"Host: evil.example:8790\r\nOrigin: http://evil.example:8790\r\n", 403},
          {"Host: evil.example\r\n", 403},
          {"Host: [::1]:8790\r\n", 200},
          {"Host: localhost:8790\r\n", 200}}) {
        EXPECT_TRUE(served.answer(get("/", headers))
                        .starts_with("HTTP/1.1 " + std::to_string(status) + " "))
            << headers;
    }
    const std::string upgrade = served.answer(
        "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n");
    EXPECT_TRUE(upgrade.starts_with("HTTP/1.1 403 ")) << upgrade;
    EXPECT_EQ(served.network.counters().subscribers_total, 0U);
}

TEST(HttpServer, AnswersPagesOfOriginsThatAreListed) {
    ServerOptions options = with_handler();
    options.origins = {"https://desk.example"};
    Served served(options);
    for (const char* headers :
         {"Host: desk.example\r\nOrigin: https://desk.example\r\n", "Host: desk.example:8790\r\n",
          "Host: 10.0.0.7:8790\r\nOrigin: https://desk.example\r\n"}) {
        EXPECT_TRUE(served.answer(get("/", headers)).starts_with("HTTP/1.1 200 ")) << headers;
    }
}

TEST(HttpServer, StreamsServerSentEvents) {
    Served served;
    TcpClient client(served.server.local_endpoint());
    client.send_raw(get("/v1/events?types=error"));
    EXPECT_EQ(client.receive(), "HTTP/1.1 200 OK\r");
    std::string line;
    while (line != "\r") {
        line = client.receive().value();
    }
    EXPECT_TRUE(client.receive().value().starts_with("data: {\"v\":1,\"type\":\"hello\""));
    EXPECT_EQ(client.receive(), "");
    EXPECT_TRUE(client.receive().value().starts_with("data: {\"v\":1,\"type\":\"subscribed\""));
    EXPECT_EQ(client.receive(), "");
    served.network.call([&] { served.network.hub().publish(event()); });
    const std::string epoch = served.network.call([&] { return served.network.hub().epoch(); });
    EXPECT_EQ(client.receive(), "id: " + epoch + ":1");
    EXPECT_EQ(json::parse(client.receive().value().substr(6))["seq"], 1);
    EXPECT_EQ(client.receive(), "");
}

/// The events' data that come after the hello and the answer, up to the one with this seq.
std::vector<json> server_sent(TcpClient& client, std::uint64_t last) {
    std::vector<json> events;
    do {
        const std::string line = client.receive().value();
        if (line.starts_with("data: ")) {
            const json event = json::parse(line.substr(6));
            if (event["type"] == "error" || event["type"] == "gap") {
                events.push_back(event);
            }
        }
    } while (events.empty() || events.back().value("seq", std::uint64_t{0}) < last);
    return events;
}

TEST(HttpServer, ResumesServerSentEventsAfterTheLastId) {
    Served served;
    const std::string epoch = served.network.call([&] {
        for (int i = 0; i < 5; ++i) {
            served.network.hub().publish(event());
        }
        return served.network.hub().epoch();
    });
    TcpClient client(served.server.local_endpoint());
    client.send_raw(get("/v1/events", "Host: localhost\r\nLast-Event-ID: " + epoch + ":3\r\n"));
    const auto events = server_sent(client, 5);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0]["seq"], 4);

    TcpClient stranger(served.server.local_endpoint());
    stranger.send_raw(get("/v1/events", "Host: localhost\r\nLast-Event-ID: another:3\r\n"));
    const auto all = server_sent(stranger, 5);
    ASSERT_EQ(all.size(), 6U);
    EXPECT_EQ(all[0]["reason"], "not_held");
    EXPECT_EQ(all[1]["seq"], 1);
}

std::string next_line(TcpClient& client) {
    std::optional<std::string> line = client.receive();
    if (!line) {
        throw std::runtime_error("the server hung up");
    }
    return std::move(*line);
}

// One id stands for the places in all streams, so they must come in the order of publication.
TEST(HttpServer, ResumesSeveralStreamsExactlyOnceOverManyCuts) {
    Served served;
    served.network.call([&] { served.network.hub().add_stream({.stream = "hall"}); });
    std::map<std::string, std::uint64_t> seen;
    std::map<std::string, std::uint64_t> published;
    const auto publish = [&](int events) {
        served.network.call([&] {
            for (int i = 0; i < events; ++i) {
                Event one = event();
                one.stream = i % 3 == 0 ? "hall" : "desk07";
                ++published[one.stream];
                served.network.hub().publish(one);
            }
        });
    };
    std::string last_id = served.network.call([&] { return served.network.hub().epoch(); }) + ":0";
    publish(7);
    for (int cut = 0; cut < 50; ++cut) {
        TcpClient client(served.server.local_endpoint());
        client.send_raw(get("/v1/events", "Host: localhost\r\nLast-Event-ID: " + last_id + "\r\n"));
        publish(5);
        for (int left = 1 + cut % 9; left > 0;) {
            const std::string line = next_line(client);
            if (line.starts_with("id: ")) {
                last_id = line.substr(4);
            } else if (line.starts_with("data: ")) {
                const json told = json::parse(line.substr(6));
                if (told.contains("seq")) {
                    std::uint64_t& seq = seen[told["stream"]];
                    ASSERT_EQ(told["seq"], seq + 1) << told;
                    ++seq;
                    --left;
                }
            }
        }
        client.vanish();
    }
    EXPECT_GT(seen["hall"], 20U);
}

TEST(HttpServer, LetsPagesOfListedOriginsSeeTheAnswers) {
    ServerOptions options = with_handler();
    options.origins = {"https://desk.example"};
    Served served(options);
    const std::string from_there = "Host: localhost\r\nOrigin: https://desk.example\r\n";
    EXPECT_NE(served.answer(get("/", from_there))
                  .find("\r\nAccess-Control-Allow-Origin: https://desk.example\r\n"),
              std::string::npos);
    const std::string preflight =
        served.answer("OPTIONS /v1/history HTTP/1.1\r\n" + from_there +
                      "Access-Control-Request-Method: GET\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(preflight.starts_with("HTTP/1.1 204 ")) << preflight;
    EXPECT_NE(preflight.find("\r\nAccess-Control-Allow-Headers: Authorization"), std::string::npos);
    TcpClient client(served.server.local_endpoint());
    client.send_raw(get("/v1/events", from_there));
    std::string head;
    for (std::string line; line != "\r"; head += line) {
        line = client.receive().value();
    }
    EXPECT_NE(head.find("Access-Control-Allow-Origin: https://desk.example"), std::string::npos);
    EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos);
    EXPECT_EQ(served.answer(get("/")).find("Access-Control"), std::string::npos);
}

TEST(HttpServer, SaysWhatIsWrongWithTheParametersOfAnEventStream) {
    Served served;
    const std::string answer = served.answer(get("/v1/events?stream=x"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
    EXPECT_NE(answer.find("unknown parameter"), std::string::npos) << answer;
}

TEST(HttpServer, SendsAHeartbeatToASilentEventStream) {
    Served served(idle_timeout(100ms));
    TcpClient client(served.server.local_endpoint());
    client.send_raw(get("/v1/events"));
    std::string line;
    while (line != ":") {
        line = client.receive().value();
    }
}

TEST(HttpServer, WantsATokenForWhatIsUnderV1) {
    ServerOptions options = with_handler();
    options.authorise = [](std::string_view token) -> std::optional<Rights> {
        return token == "right" ? std::optional(Rights{}) : std::nullopt;
    };
    Served served(options);
    const auto status = [&](const std::string& target, const std::string& header) {
        const std::string answer = served.answer(get(target, "Host: localhost\r\n" + header));
        return answer.substr(9, 3);
    };
    EXPECT_EQ(status("/", ""), "200");
    EXPECT_EQ(status("/healthz", ""), "200");
    EXPECT_EQ(status("/v1/streams", ""), "401");
    EXPECT_EQ(status("/v1/events", ""), "401");
    EXPECT_EQ(status("/metrics", ""), "401");
    EXPECT_EQ(status("/v1/streams", "Authorization: Bearer wrong\r\n"), "401");
    EXPECT_EQ(status("/v1/streams", "Authorization: Basic right\r\n"), "401");
    EXPECT_EQ(status("/v1/streams", "Authorization: Bearer right\r\n"), "200");
    EXPECT_NE(served.answer(get("/v1/streams")).find("\r\nWWW-Authenticate: Bearer\r\n"),
              std::string::npos);
    // A browser cannot send the header with a WebSocket: there the command follows.
    WebSocketClient client(served.server.local_endpoint());
    EXPECT_EQ(receive_json(client)["auth"], true);
}

struct LastControl : Control {
    Refusal control(const ControlCommand& command, std::string_view who) override {
        ++calls;
        last = command;
        by = who;
        return refusal;
    }
    int calls = 0;
    ControlCommand last;
    std::string by;
    Refusal refusal;
};

std::string post(const std::string& body, const std::string& headers) {
    return "POST /v1/control HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

constexpr const char* kJson = "Content-Type: application/json\r\n";
constexpr const char* kPause = R"({"type":"pause","streams":["desk07"],"reason":"lunch"})";

std::string status_of(const std::string& answer) {
    return answer.substr(9, 3);
}

TEST(HttpServer, ControlsTheAnalysisByPost) {
    LastControl control;
    ServerOptions options;
    options.control = &control;
    Served served(options);
    const std::string answer = served.answer(post(kPause, kJson));
    EXPECT_EQ(status_of(answer), "200");
    EXPECT_TRUE(
        answer.ends_with("\r\n\r\n{\"v\":1,\"type\":\"controlled\",\"action\":\"pause\","
                         "\"streams\":[\"desk07\"]}\n"))
        << answer;
    EXPECT_EQ(control.last, (ControlCommand{ControlAction::Pause, {"desk07"}, "lunch"}));
    EXPECT_EQ(control.by, "127.0.0.1");
    for (const auto& [code, status] : {std::pair<std::string, std::string>{"unknown_stream", "404"},
                                       {"objected", "409"},
                                       {"not_allowed", "409"},
                                       {"audit_failed", "503"}}) {
        served.network.call([&] { control.refusal = {.code = code, .message = "m"}; });
        const std::string refused = served.answer(post(kPause, kJson));
        EXPECT_EQ(status_of(refused), status) << refused;
        EXPECT_NE(refused.find("{\"error\":{\"code\":\"" + code), std::string::npos) << refused;
    }
}

TEST(HttpServer, TakesOnlyACommandOfControlByPost) {
    LastControl control;
    ServerOptions options;
    options.control = &control;
    Served served(options);
    EXPECT_EQ(status_of(served.answer(post("{", kJson))), "400");
    EXPECT_EQ(status_of(served.answer(post(R"({"type":"ping"})", kJson))), "400");
    EXPECT_EQ(status_of(served.answer(post(kPause, "Content-Type: text/plain\r\n"))), "415");
    EXPECT_EQ(status_of(served.answer(post(kPause, ""))), "415");
    EXPECT_EQ(status_of(served.answer(get("/v1/control"))), "405");
    EXPECT_EQ(status_of(served.answer(post(std::string(70000, 'x'), kJson))), "413");
    EXPECT_EQ(control.calls, 0);
    EXPECT_EQ(
        status_of(served.answer(post(kPause, "Content-Type: Application/JSON; charset=utf-8\r\n"))),
        "200");
}

// A page that somebody has open must not steer the server that runs beside it.
TEST(HttpServer, LetsNoPageOfAnotherOriginControl) {
    LastControl control;
    ServerOptions options;
    options.control = &control;
    options.origins = {"https://desk.example"};
    Served open(options);
    const std::string own = "Origin: http://localhost\r\n";
    const std::string listed = "Origin: https://desk.example\r\n";
    EXPECT_EQ(status_of(open.answer(post(kPause, kJson + own))), "200");
    EXPECT_EQ(status_of(open.answer(post(kPause, kJson + listed))), "403");
    EXPECT_EQ(status_of(open.answer(post(kPause, kJson + std::string("Origin: null\r\n")))), "403");
    EXPECT_EQ(status_of(open.answer(
                  post(kPause, kJson + std::string("Origin: http://evil.example\r\n")))),
              "403");
    EXPECT_EQ(control.calls, 1);

    options.authorise = [](std::string_view token) -> std::optional<Rights> {
        return token == "right" ? std::optional(Rights{.name = "ops"}) : std::nullopt;
    };
    Served closed(options);
    EXPECT_EQ(status_of(closed.answer(post(kPause, kJson + own))), "401");
    EXPECT_EQ(
        status_of(closed.answer(post(kPause, kJson + listed + "Authorization: Bearer right\r\n"))),
        "200");
    EXPECT_EQ(control.by, "ops");
}

TEST(HttpServer, CutsAClientThatIsSlowWithItsRequest) {
    ServerOptions options;
    options.handshake_timeout = 50ms;
    Served served(options);
    TcpClient client(served.server.local_endpoint());
    client.send_raw("GET / HTTP/1.1\r\nHost: local");
    EXPECT_EQ(client.receive_rest(), "");
}

}  // namespace
}  // namespace emotiond::protocol
