#include "protocol/server.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "protocol/endpoint.hpp"
#include "protocol/http_server.hpp"
#include "protocol/tcp_server.hpp"
#include "tests/protocol/every_server.hpp"

namespace emotiond::protocol {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

TYPED_TEST_SUITE(EveryServer, Transports, TransportName);

TYPED_TEST(EveryServer, SaysHello) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    const json hello = receive_json(client);
    EXPECT_EQ(hello["type"], "hello");
    EXPECT_EQ(hello["server"], "emotiond test");
    EXPECT_EQ(hello["epoch"], this->network_.call([&] { return this->network_.hub().epoch(); }));
    EXPECT_EQ(hello["limits"]["max_queue_bytes"], 1048576);
    EXPECT_EQ(hello["streams"][0]["stream"], "desk07");
}

TYPED_TEST(EveryServer, SendsEveryEventToEverySubscriber) {
    this->serve();
    typename TestFixture::Client first(this->endpoint_);
    typename TestFixture::Client second(this->endpoint_);
    receive_json(first);
    receive_json(second);
    this->publish(100);
    for (int seq = 1; seq <= 100; ++seq) {
        const std::optional<std::string> text = first.receive();
        EXPECT_EQ(json::parse(text.value())["seq"], seq);
        EXPECT_EQ(second.receive(), text);
    }
}

TYPED_TEST(EveryServer, LosesNothingBetweenTheHelloAndTheFirstEvent) {
    this->serve();
    std::atomic<bool> stop = false;
    std::thread publisher([&] {
        while (!stop) {
            this->publish(1);
        }
    });
    for (int i = 0; i < 20; ++i) {
        typename TestFixture::Client client(this->endpoint_);
        const json hello = receive_json(client);
        const auto newest = hello["streams"][0]["newest_seq"].template get<std::uint64_t>();
        EXPECT_EQ(receive_json(client)["seq"], newest + 1);
        EXPECT_EQ(receive_json(client)["seq"], newest + 2);
    }
    stop = true;
    publisher.join();
}

TYPED_TEST(EveryServer, BoundsASlowSubscriberAndTellsItWhatItMissed) {
    this->serve(this->small_queue());
    typename TestFixture::Client slow(this->endpoint_, kSmallReceiveBuffer);
    typename TestFixture::Client prompt(this->endpoint_);
    receive_json(slow);
    receive_json(prompt);
    const std::uint64_t last = this->publish_until_dropped(prompt);

    std::uint64_t seen = 0;
    std::uint64_t missed = 0;
    while (seen < last) {
        const json told = receive_json(slow);
        if (told["type"] == "gap") {
            EXPECT_EQ(told["scope"], "queue");
            EXPECT_EQ(told["stream"], "desk07");
            EXPECT_EQ(told["from_seq"], seen + 1);
            missed += told["dropped"].template get<std::uint64_t>();
            seen = told["to_seq"].template get<std::uint64_t>();
        } else {
            EXPECT_EQ(told["seq"], ++seen);
        }
    }
    EXPECT_GT(missed, 0U);
    EXPECT_EQ(missed, this->network_.counters().messages_dropped);
}

TYPED_TEST(EveryServer, ForgetsAClientThatVanishesInTheMiddleOfAWrite) {
    this->serve(this->small_queue());
    typename TestFixture::Client vanishing(this->endpoint_, kSmallReceiveBuffer);
    typename TestFixture::Client staying(this->endpoint_);
    receive_json(vanishing);
    receive_json(staying);
    const std::uint64_t last = this->publish_until_dropped(staying);
    vanishing.vanish();
    this->network_.wait_until([](const Counters& counters) { return counters.subscribers == 1; });
    this->publish(1);
    EXPECT_EQ(receive_json(staying)["seq"], last + 1);
}

TYPED_TEST(EveryServer, ForgetsAClientThatVanishesWhileNothingHappens) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    client.vanish();
    this->network_.wait_until([](const Counters& counters) {
        return counters.subscribers_total == 1 && counters.subscribers == 0;
    });
}

TYPED_TEST(EveryServer, AnswersACommandThatItDoesNotKnow) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    client.send(R"({"type":"sing","request_id":"7"})");
    const json answer = receive_json(client);
    EXPECT_EQ(answer["type"], "error");
    EXPECT_EQ(answer["code"], "unknown_command");
    EXPECT_EQ(answer["fatal"], false);
    EXPECT_EQ(answer["request_id"], "7");
    this->publish(1);
    EXPECT_EQ(receive_json(client)["seq"], 1);
}

TYPED_TEST(EveryServer, IgnoresAnEmptyCommand) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    client.send("");
    client.send("");
    client.send("x");
    EXPECT_EQ(receive_json(client)["code"], "bad_json");
    this->publish(1);
    EXPECT_EQ(receive_json(client)["seq"], 1);
}

TYPED_TEST(EveryServer, CountsWhatItDelivers) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    std::size_t bytes = client.receive().value().size();
    this->publish(3);
    for (int i = 0; i < 3; ++i) {
        bytes += client.receive().value().size();
    }
    this->network_.wait_until(
        [](const Counters& counters) { return counters.messages_delivered == 4; });
    const Counters counters = this->network_.counters();
    EXPECT_EQ(counters.events_published, 3U);
    EXPECT_GE(counters.bytes_delivered, bytes);
    EXPECT_LE(counters.bytes_delivered, bytes + 4 * 4);  // line ends, or heads of frames
    EXPECT_EQ(counters.messages_dropped, 0U);
    EXPECT_EQ(counters.subscribers, 1U);
}

TYPED_TEST(EveryServer, SaysWhereItCannotListen) {
    this->serve();
    const std::string taken = to_string(this->endpoint_);
    this->network_.call([&] {
        try {
            typename TypeParam::Server second(this->network_.io(), this->endpoint_,
                                              this->network_.hub());
            ADD_FAILURE() << "listens twice on " << taken;
        } catch (const std::runtime_error& error) {
            EXPECT_EQ(error.what(), "cannot listen on " + taken + ": Address already in use");
        }
    });
}

TYPED_TEST(EveryServer, ListensOnIPv6) {
    try {
        this->serve({}, "[::1]:0");
    } catch (const std::runtime_error& error) {
        GTEST_SKIP() << "this machine has no IPv6: " << error.what();
    }
    typename TestFixture::Client client(this->endpoint_);
    EXPECT_EQ(receive_json(client)["type"], "hello");
}

TYPED_TEST(EveryServer, SurvivesRunningOutOfFileDescriptors) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the sanitizer's own checks need file descriptors";
#endif
    this->serve();
    typename TestFixture::Client before(this->endpoint_);
    receive_json(before);

    // The second client's socket takes the last descriptor, so that the server has none for it.
    rlimit old{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket(io, this->endpoint_.protocol());
    const int next = ::dup(0);
    ::close(next);
    rlimit tight = old;
    tight.rlim_cur = static_cast<rlim_t>(next);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    socket.connect(this->endpoint_);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (this->problems().empty() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(1ms);
    }
    std::this_thread::sleep_for(300ms);  // long enough for failures that must not be told again
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
    EXPECT_EQ(this->problems(),
              std::vector<std::string>{"cannot accept on " + to_string(this->endpoint_) +
                                       ": Too many open files"});

    typename TestFixture::Client after(this->endpoint_);
    EXPECT_EQ(receive_json(after)["type"], "hello");
}

TYPED_TEST(EveryServer, FlushesTheLastEventsWhenItStops) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    this->network_.call([&] {
        for (int i = 0; i < 1000; ++i) {
            this->network_.hub().publish(event());
        }
        this->server_->stop(10 * kPatience);
        this->network_.hub().publish(event());  // too late
    });
    for (int seq = 1; seq <= 1000; ++seq) {
        EXPECT_EQ(receive_json(client)["seq"], seq);
    }
    EXPECT_EQ(client.receive(), std::nullopt);
    EXPECT_TRUE(this->network_.ends());
    if constexpr (std::is_same_v<typename TestFixture::Client, WebSocketClient>) {
        EXPECT_EQ(client.close_code(), 1001);
    }
    EXPECT_EQ(this->problems(), std::vector<std::string>{});
}

TYPED_TEST(EveryServer, AcceptsNobodyAfterItStopped) {
    this->serve();
    this->network_.call([&] { this->server_->stop(0ms); });
    EXPECT_THROW(typename TestFixture::Client(this->endpoint_), boost::system::system_error);
    EXPECT_TRUE(this->network_.ends());
}

TYPED_TEST(EveryServer, CutsAtTheDeadlineWhoeverDoesNotTakeTheLastEvents) {
    this->serve(this->small_queue());
    typename TestFixture::Client slow(this->endpoint_, kSmallReceiveBuffer);
    typename TestFixture::Client prompt(this->endpoint_);
    receive_json(slow);
    receive_json(prompt);
    this->publish_until_dropped(prompt);
    this->network_.call([&] { this->server_->stop(50ms); });
    EXPECT_EQ(prompt.receive(), std::nullopt);
    EXPECT_TRUE(this->network_.ends());
    ASSERT_EQ(this->problems().size(), 1U);
    EXPECT_TRUE(
        this->problems().front().starts_with("cut a subscriber that did not take its last "))
        << this->problems().front();
}

TYPED_TEST(EveryServer, CutsEverybodyWhenItIsDestroyed) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    this->network_.call([&] {
        this->network_.hub().publish(event());  // a write is under way
        this->server_.reset();
        EXPECT_EQ(this->network_.hub().counters().subscribers, 0U);
        this->network_.hub().publish(event());
    });
    EXPECT_TRUE(this->network_.ends());
}

TEST(Servers, SendTheSameBytesOverTcpAndWebSocket) {
    NetworkThread network;
    const auto any_port = parse_endpoint("127.0.0.1:0");
    TcpServer tcp(network.io(), any_port, network.hub());
    HttpServer websocket(network.io(), any_port, network.hub());
    network.start();
    TcpClient line_client(tcp.local_endpoint());
    WebSocketClient frame_client(websocket.local_endpoint());
    EXPECT_FALSE(receive_json(line_client)["limits"].contains("idle_timeout_ms"));
    EXPECT_EQ(receive_json(frame_client)["limits"]["idle_timeout_ms"], 30000);
    network.call([&] {
        for (int i = 0; i < 10; ++i) {
            network.hub().publish(event(std::string(static_cast<std::size_t>(i) * 1000, 'x')));
        }
    });
    for (int i = 0; i < 10; ++i) {
        const std::optional<std::string> line = line_client.receive();
        ASSERT_TRUE(line);
        EXPECT_EQ(frame_client.receive(), line);
        EXPECT_TRUE(frame_client.last_was_text());
    }
    network.call([&] {
        tcp.stop(10 * kPatience);
        websocket.stop(10 * kPatience);
    });
    EXPECT_EQ(line_client.receive(), std::nullopt);
    EXPECT_EQ(frame_client.receive(), std::nullopt);
    EXPECT_TRUE(network.ends());
}

}  // namespace
}  // namespace emotiond::protocol
