#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "protocol/event_session.hpp"
#include "tests/protocol/every_server.hpp"

namespace emotiond::protocol {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

/// Everything that was published, of this run and of one before it.
class MemoryHistory : public HistoryReader, public Subscriber {
 public:
    explicit MemoryHistory(boost::asio::io_context& io) : io_(io) {}

    void deliver(const MessagePtr& message) override { recorded.push_back(message); }

    void read_after(const Position& position, std::size_t max_messages,
                    std::function<void(Page)> done) override {
        Page page;
        bool known = false;
        bool behind = false;
        for (const MessagePtr& message : recorded) {
            const Message::About& about = message->about();
            if (about.stream != position.stream) {
                continue;
            }
            const bool of_epoch = about.epoch == position.epoch;
            known = known || of_epoch;
            behind = behind || (of_epoch ? about.seq > position.after_seq : known);
            const bool fits =
                page.messages.empty() || page.messages.front()->about().epoch == about.epoch;
            if (behind && fits && page.messages.size() < max_messages) {
                page.messages.push_back(message);
            }
        }
        page.holds_end = known && whole.contains(position.epoch);
        ++pages;
        boost::asio::post(io_, [page = std::move(page), done = std::move(done)] { done(page); });
    }

    std::vector<MessagePtr> recorded;
    std::set<std::string> whole;  ///< epochs that ended in good order
    int pages = 0;

 private:
    boost::asio::io_context& io_;
};

MessagePtr of_former_run(const std::string& epoch, std::uint64_t seq) {
    return std::make_shared<const Message>(
        R"({"v":1,"type":"error","epoch":")" + epoch + R"(","stream":"desk07","seq":)" +
            std::to_string(seq) + "}",
        Message::About{.type = EventType::Error, .epoch = epoch, .stream = "desk07", .seq = seq});
}

template <class Transport>
class CommandsOverTheWire : public EveryServer<Transport> {
 protected:
    ~CommandsOverTheWire() override {
        this->network_.call([this] {
            this->server_.reset();  // it reads the history
            this->network_.hub().leave(history_);
        });
    }

    std::string epoch() {
        return this->network_.call([this] { return this->network_.hub().epoch(); });
    }

    json resume_after(std::uint64_t seq, const std::string& of_epoch) {
        return {{"type", "subscribe"},
                {"request_id", "r"},
                {"resume", {{{"epoch", of_epoch}, {"stream", "desk07"}, {"after_seq", seq}}}}};
    }

    ServerOptions with_history() {
        ServerOptions options;
        options.history = &history_;
        this->network_.hub().join(history_);
        return options;
    }

    /// Ten events of a run before this one, in the history.
    void record_former_run(const std::string& epoch, bool was_killed = false) {
        this->network_.call([&] {
            for (std::uint64_t seq = 1; seq <= 10; ++seq) {
                history_.recorded.push_back(of_former_run(epoch, seq));
            }
            if (!was_killed) {
                history_.whole.insert(epoch);
            }
        });
    }

    /// Reads until the answer to a subscribe.
    template <class Client>
    static json subscribed(Client& client) {
        json message;
        do {
            message = receive_json(client);
        } while (message["type"] != "subscribed");
        return message;
    }

    MemoryHistory history_{this->network_.io()};
};

TYPED_TEST_SUITE(CommandsOverTheWire, Transports, TransportName);

TYPED_TEST(CommandsOverTheWire, AnswersAPing) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    client.send(R"({"type":"ping","request_id":"7"})");
    const json pong = receive_json(client);
    EXPECT_EQ(pong["type"], "pong");
    EXPECT_EQ(pong["request_id"], "7");
    EXPECT_GT(pong["round_trip_ms"], 0.0);
}

TYPED_TEST(CommandsOverTheWire, ClosesInGoodOrder) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    client.send(R"({"type":"close"})");
    EXPECT_EQ(client.receive(), std::nullopt);
    if constexpr (std::is_same_v<typename TestFixture::Client, WebSocketClient>) {
        EXPECT_EQ(client.close_code(), 1000);
    }
    this->network_.wait_until([](const Counters& counters) { return counters.subscribers == 0; });
}

TYPED_TEST(CommandsOverTheWire, SendsOnlyWhatWasSubscribedTo) {
    this->network_.hub().add_stream({.stream = "hall"});
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    client.send(R"({"type":"subscribe","streams":["ha*"],"types":["stream"],"request_id":"1"})");
    const json answer = receive_json(client);
    EXPECT_EQ(answer["type"], "subscribed");
    EXPECT_EQ(answer["request_id"], "1");
    ASSERT_EQ(answer["streams"].size(), 1U);
    EXPECT_EQ(answer["streams"][0]["stream"], "hall");
    this->network_.call([&] {
        Hub& hub = this->network_.hub();
        hub.publish(event());
        hub.publish({.stream = "hall", .time = {}, .body = GapEvent{}});
        hub.publish({.stream = "hall", .time = {}, .body = StreamEvent{}});
    });
    const json told = receive_json(client);
    EXPECT_EQ(told["stream"], "hall");
    EXPECT_EQ(told["type"], "stream");
    EXPECT_EQ(told["seq"], 2);
}

TYPED_TEST(CommandsOverTheWire, SendsNothingAfterAnUnsubscribeUntilTheNextSubscribe) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    client.send(R"({"type":"unsubscribe"})");
    EXPECT_EQ(receive_json(client)["type"], "unsubscribed");
    this->publish(3);
    client.send(R"({"type":"subscribe"})");
    EXPECT_EQ(receive_json(client)["type"], "subscribed");
    this->publish(1);
    EXPECT_EQ(receive_json(client)["seq"], 4);
}

TYPED_TEST(CommandsOverTheWire, ResumesFromTheReplayBufferAndGoesOnLive) {
    this->serve();
    this->publish(10);
    typename TestFixture::Client client(this->endpoint_);
    client.send(this->resume_after(4, this->epoch()).dump());
    this->subscribed(client);
    this->publish(5);
    for (int seq = 5; seq <= 15; ++seq) {
        EXPECT_EQ(receive_json(client)["seq"], seq);
    }
}

TYPED_TEST(CommandsOverTheWire, ResumesNothingWhereNothingWasMissed) {
    this->serve();
    this->publish(10);
    typename TestFixture::Client client(this->endpoint_);
    client.send(this->resume_after(10, this->epoch()).dump());
    this->subscribed(client);
    this->publish(1);
    EXPECT_EQ(receive_json(client)["seq"], 11);
}

TYPED_TEST(CommandsOverTheWire, TellsWhatNobodyHoldsAnyMore) {
    this->serve();
    this->publish(40, std::string(16 * 1024, 'x'));  // the buffer has 256 KiB
    const auto oldest =
        this->network_.call([&] { return this->network_.hub().replay("desk07")->oldest_seq(); });
    ASSERT_GT(oldest, 5U);
    typename TestFixture::Client client(this->endpoint_);
    client.send(this->resume_after(3, this->epoch()).dump());
    this->subscribed(client);
    const json gap = receive_json(client);
    EXPECT_EQ(gap["type"], "gap");
    EXPECT_EQ(gap["reason"], "not_held");
    EXPECT_EQ(gap["truncated"], true);
    EXPECT_EQ(gap["from_seq"], 4);
    EXPECT_EQ(gap["to_seq"], oldest - 1);
    EXPECT_EQ(gap["dropped"], oldest - 4);
    for (std::uint64_t seq = oldest; seq <= 40; ++seq) {
        EXPECT_EQ(receive_json(client)["seq"], seq);
    }
}

TYPED_TEST(CommandsOverTheWire, TellsThatAnEarlierRunIsNotHeld) {
    this->serve();
    this->publish(2);
    typename TestFixture::Client client(this->endpoint_);
    client.send(this->resume_after(900, "former").dump());
    this->subscribed(client);
    const json gap = receive_json(client);
    EXPECT_EQ(gap["reason"], "not_held");
    EXPECT_EQ(gap["epoch"], "former");
    EXPECT_EQ(gap["from_seq"], 901);
    EXPECT_FALSE(gap.contains("to_seq"));
    EXPECT_EQ(receive_json(client)["seq"], 1);
    EXPECT_EQ(receive_json(client)["seq"], 2);
}

TYPED_TEST(CommandsOverTheWire, ResumesFromTheHistoryWhereTheBufferDoesNotReachBack) {
    this->serve(this->with_history());
    this->publish(400, std::string(2 * 1024, 'x'));
    typename TestFixture::Client client(this->endpoint_);
    client.send(this->resume_after(3, this->epoch()).dump());
    this->subscribed(client);
    for (int seq = 4; seq <= 400; ++seq) {
        ASSERT_EQ(receive_json(client)["seq"], seq);
    }
    this->publish(1);
    EXPECT_EQ(receive_json(client)["seq"], 401);
    EXPECT_GT(this->history_.pages, 0);
}

TYPED_TEST(CommandsOverTheWire, ResumesAnEarlierRunFromTheHistory) {
    this->serve(this->with_history());
    this->record_former_run("former");
    this->publish(3);
    typename TestFixture::Client client(this->endpoint_);
    client.send(this->resume_after(8, "former").dump());
    this->subscribed(client);
    for (const auto& [of_epoch, seq] : {std::pair<std::string, int>{"former", 9},
                                        {"former", 10},
                                        {this->epoch(), 1},
                                        {this->epoch(), 2},
                                        {this->epoch(), 3}}) {
        const json told = receive_json(client);
        EXPECT_EQ(told["epoch"], of_epoch);
        EXPECT_EQ(told["seq"], seq);
    }
}

TYPED_TEST(CommandsOverTheWire, TellsNoHoleWhereAllOfAnEarlierRunWasSeen) {
    this->serve(this->with_history());
    this->record_former_run("former");
    for (int published = 1; published <= 2; ++published) {
        typename TestFixture::Client client(this->endpoint_);
        client.send(this->resume_after(10, "former").dump());
        this->subscribed(client);
        this->publish(1);
        for (int seq = 1; seq <= published; ++seq) {
            EXPECT_EQ(receive_json(client)["seq"], seq);
        }
    }
}

TYPED_TEST(CommandsOverTheWire, TellsThatTheEndOfARunThatWasKilledMayBeMissing) {
    this->serve(this->with_history());
    this->record_former_run("former");
    this->record_former_run("killed", true);
    const auto expect = [](const json& told, const std::string& of_epoch, int seq) {
        EXPECT_EQ(told["epoch"], of_epoch);
        EXPECT_EQ(told["seq"], seq);
    };
    const auto expect_gap = [](const json& gap, int from_seq) {
        EXPECT_EQ(gap["reason"], "not_held");
        EXPECT_EQ(gap["epoch"], "killed");
        EXPECT_EQ(gap["from_seq"], from_seq);
        EXPECT_FALSE(gap.contains("to_seq"));
    };
    for (const int published : {0, 2}) {
        this->publish(static_cast<std::size_t>(published));
        typename TestFixture::Client earlier(this->endpoint_);
        earlier.send(this->resume_after(9, "former").dump());
        this->subscribed(earlier);
        expect(receive_json(earlier), "former", 10);
        for (int seq = 1; seq <= 10; ++seq) {
            expect(receive_json(earlier), "killed", seq);
        }
        expect_gap(receive_json(earlier), 11);

        typename TestFixture::Client later(this->endpoint_);
        later.send(this->resume_after(12, "killed").dump());  // it has more than was recorded
        this->subscribed(later);
        expect_gap(receive_json(later), 13);
        for (int seq = 1; seq <= published; ++seq) {
            expect(receive_json(earlier), this->epoch(), seq);
            expect(receive_json(later), this->epoch(), seq);
        }
    }
}

TYPED_TEST(CommandsOverTheWire, TellsAHoleInTheHistory) {
    this->serve(this->with_history());
    this->publish(400, std::string(2 * 1024, 'x'));
    this->network_.call([&] {
        auto& recorded = this->history_.recorded;
        recorded.erase(recorded.begin() + 9, recorded.begin() + 12);  // 10 to 12
    });
    typename TestFixture::Client client(this->endpoint_);
    client.send(this->resume_after(8, this->epoch()).dump());
    this->subscribed(client);
    EXPECT_EQ(receive_json(client)["seq"], 9);
    const json gap = receive_json(client);
    EXPECT_EQ(gap["reason"], "not_held");
    EXPECT_EQ(gap["from_seq"], 10);
    EXPECT_EQ(gap["to_seq"], 12);
    EXPECT_EQ(receive_json(client)["seq"], 13);
}

TYPED_TEST(CommandsOverTheWire, SaysThatAStreamToResumeIsUnknown) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    client.send(R"({"type":"subscribe","resume":{"epoch":"E","stream":"nobody","after_seq":1}})");
    EXPECT_EQ(receive_json(client)["code"], "unknown_stream");
    EXPECT_EQ(receive_json(client)["type"], "subscribed");
}

/// Remembers what it was asked for.
struct RecordingControl : Control {
    Refusal control(const ControlCommand& command, std::string_view who) override {
        asked.emplace_back(command, who);
        return refusal;
    }
    std::vector<std::pair<ControlCommand, std::string>> asked;
    Refusal refusal;
};

TYPED_TEST(CommandsOverTheWire, HasTheAnalysisControlled) {
    RecordingControl control;
    ServerOptions options;
    options.control = &control;
    this->serve(std::move(options));
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    client.send(R"({"type":"pause","request_id":"1","streams":["desk07"],"reason":"lunch"})");
    EXPECT_EQ(receive_json(client),
              json::parse(R"({"v":1,"type":"controlled","request_id":"1","action":"pause",
                              "streams":["desk07"]})"));
    this->network_.call([&] {
        ASSERT_EQ(control.asked.size(), 1U);
        EXPECT_EQ(control.asked[0].first,
                  (ControlCommand{ControlAction::Pause, {"desk07"}, "lunch"}));
        EXPECT_EQ(control.asked[0].second, "127.0.0.1");
        control.refusal = {.code = "objected", .message = "m"};
    });
    client.send(R"({"type":"resume_analysis","request_id":"2","streams":["desk07"],"reason":"r"})");
    const json refused = receive_json(client);
    EXPECT_EQ(refused["type"], "error");
    EXPECT_EQ(refused["code"], "objected");
    EXPECT_EQ(refused["request_id"], "2");
    EXPECT_EQ(refused["fatal"], false);
}

TYPED_TEST(CommandsOverTheWire, LetsNobodyControlWhoMayNot) {
    RecordingControl control;
    ServerOptions options;
    options.control = &control;
    options.authorise = [](std::string_view token) -> std::optional<Rights> {
        const bool may = token == "may";
        return Rights{.name = std::string(token),
                      .streams = {"desk*"},
                      .actions = {"subscribe", may ? "control" : "erase"}};
    };
    this->serve(std::move(options));
    const auto answer_to = [&](const std::string& token, const std::string& stream) {
        typename TestFixture::Client client(this->endpoint_);
        receive_json(client);
        client.send(R"({"type":"auth","token":")" + token + "\"}");
        receive_json(client);
        client.send(R"({"type":"object","streams":[")" + stream + R"("],"reason":"r"})");
        const json answer = receive_json(client);
        return answer.value("code", answer.value("action", ""));
    };
    EXPECT_EQ(answer_to("may-not", "desk07"), "forbidden");
    EXPECT_EQ(answer_to("may", "hall"), "forbidden");
    EXPECT_EQ(answer_to("may", "desk07"), "object");
    this->network_.call([&] {
        ASSERT_EQ(control.asked.size(), 1U);
        EXPECT_EQ(control.asked[0].second, "may");
    });
}

TYPED_TEST(CommandsOverTheWire, SaysThatNothingCanBeControlled) {
    this->serve();
    typename TestFixture::Client client(this->endpoint_);
    receive_json(client);
    client.send(R"({"type":"pause","streams":["desk07"],"reason":"r"})");
    EXPECT_EQ(receive_json(client)["code"], "no_control");
}

// However often the connection breaks: every event comes once, and in order.
TYPED_TEST(CommandsOverTheWire, DeliversEveryEventExactlyOnceOverAHundredCuts) {
    this->serve();
    std::mt19937 random(20261121);
    std::uint64_t seen = 0;
    std::uint64_t published = 0;
    for (int cut = 0; cut < 100; ++cut) {
        typename TestFixture::Client client(this->endpoint_);
        client.send(this->resume_after(seen, this->epoch()).dump());
        this->subscribed(client);
        const std::size_t more = random() % 20;
        this->publish(more);
        published += more;
        const std::uint64_t until = seen + random() % (published - seen + 1);
        while (seen < until) {
            ASSERT_EQ(receive_json(client)["seq"], ++seen);
        }
        client.vanish();
        this->publish(1);
        ++published;
    }
    EXPECT_GT(seen, 100U);
}

TYPED_TEST(CommandsOverTheWire, GivesASlowClientTheLatestOfEveryStreamWhereItAskedForThat) {
    this->serve(this->small_queue());
    typename TestFixture::Client slow(this->endpoint_, kSmallReceiveBuffer);
    typename TestFixture::Client prompt(this->endpoint_);
    receive_json(slow);
    receive_json(prompt);
    slow.send(R"({"type":"subscribe","on_overflow":"latest_only"})");
    this->subscribed(slow);
    const std::uint64_t last = this->publish_until_dropped(prompt);
    std::uint64_t missed = 0;
    json told;
    do {
        told = receive_json(slow);
        missed += told.value("scope", "") == "queue" ? told["dropped"].template get<int>() : 0;
    } while (told.value("seq", std::uint64_t{0}) < last);
    EXPECT_EQ(missed, this->network_.counters().messages_dropped);
    EXPECT_GT(missed, 8U);  // all but the latest at once
}

TYPED_TEST(CommandsOverTheWire, ClosesASlowClientWhereItAskedForThat) {
    this->serve(this->small_queue());
    typename TestFixture::Client slow(this->endpoint_, kSmallReceiveBuffer);
    typename TestFixture::Client prompt(this->endpoint_);
    receive_json(slow);
    receive_json(prompt);
    slow.send(R"({"type":"subscribe","on_overflow":"disconnect"})");
    this->subscribed(slow);
    this->publish_until_dropped(prompt);
    this->network_.wait_until([](const Counters& counters) { return counters.subscribers == 1; });
    json last;
    while (const auto text = slow.receive()) {
        last = json::parse(*text);
    }
    EXPECT_EQ(last["code"], "slow_consumer");
    EXPECT_EQ(last["fatal"], true);
    if constexpr (std::is_same_v<typename TestFixture::Client, WebSocketClient>) {
        EXPECT_EQ(slow.close_code(), 1013);
    }
}

ServerOptions with_token() {
    ServerOptions options;
    options.authorise = [](std::string_view token) -> std::optional<Rights> {
        if (token == "right") {
            return Rights{.name = "t", .streams = {"desk07"}, .actions = {"subscribe"}};
        }
        if (token == "poor") {
            return Rights{.name = "p", .streams = {"*"}, .actions = {"metrics"}};
        }
        return std::nullopt;
    };
    return options;
}

// A ping of the client is answered between the events that wait, whatever waits for whom.
TYPED_TEST(CommandsOverTheWire, GoesOnAfterABacklogInWhichItWasAsked) {
    this->serve(this->small_queue());
    typename TestFixture::Client slow(this->endpoint_, kSmallReceiveBuffer);
    typename TestFixture::Client prompt(this->endpoint_);
    receive_json(slow);
    receive_json(prompt);
    std::uint64_t last = this->publish_until_dropped(prompt);
    if constexpr (std::is_same_v<typename TestFixture::Client, WebSocketClient>) {
        slow.ping();
    }
    slow.send(R"({"type":"ping","request_id":"after"})");
    this->publish(1);
    EXPECT_EQ(receive_json(prompt)["seq"], ++last);
    bool answered = false;
    std::uint64_t seq = 0;
    const auto hear = [&] {
        const json told = receive_json(slow);
        answered = answered || told.value("request_id", "") == "after";
        seq = std::max(seq, told.value("seq", std::uint64_t{0}));
    };
    while (seq < last) {
        hear();
    }
    this->publish(1);
    while (seq <= last || !answered) {
        hear();
    }
    EXPECT_EQ(seq, last + 1);
}

TYPED_TEST(CommandsOverTheWire, TellsNothingBeforeTheToken) {
    this->network_.hub().add_stream({.stream = "hall"});
    this->serve(with_token());
    typename TestFixture::Client client(this->endpoint_);
    const json hello = receive_json(client);
    EXPECT_EQ(hello["auth"], true);
    EXPECT_EQ(hello["streams"], json::array());
    this->publish(1);
    client.send(R"({"type":"auth","token":"right"})");
    const json full = receive_json(client);
    EXPECT_EQ(full["type"], "hello");
    EXPECT_EQ(full["auth"], false);
    ASSERT_EQ(full["streams"].size(), 1U);
    EXPECT_EQ(full["streams"][0]["newest_seq"], 1);
    this->network_.call(
        [&] { this->network_.hub().publish({.stream = "hall", .time = {}, .body = GapEvent{}}); });
    this->publish(1);
    EXPECT_EQ(receive_json(client)["seq"], 2);
}

TYPED_TEST(CommandsOverTheWire, EndsTheConnectionOfAWrongToken) {
    this->serve(with_token());
    for (const char* command : {R"({"type":"auth","token":"wrong"})", R"({"type":"ping"})",
                                R"({"type":"auth","token":"poor"})"}) {
        typename TestFixture::Client client(this->endpoint_);
        receive_json(client);
        client.send(command);
        const json error = receive_json(client);
        EXPECT_EQ(error["code"], "not_authorised");
        EXPECT_EQ(error["fatal"], true);
        EXPECT_EQ(client.receive(), std::nullopt);
        if constexpr (std::is_same_v<typename TestFixture::Client, WebSocketClient>) {
            EXPECT_EQ(client.close_code(), 1008);
        }
    }
    EXPECT_EQ(this->network_.counters().subscribers_total, 0U);
}

TYPED_TEST(CommandsOverTheWire, TurnsAwayWhoeverIsOneTooMany) {
    ServerOptions options;
    options.limiter = std::make_shared<ConnectionLimiter>(10, 2);
    this->serve(options);
    typename TestFixture::Client first(this->endpoint_);
    auto second = std::make_unique<typename TestFixture::Client>(this->endpoint_);
    receive_json(first);
    receive_json(*second);
    const std::string told = TcpClient(this->endpoint_).receive_rest();
    EXPECT_NE(told.find("too_many_connections"), std::string::npos) << told;
    second.reset();
    this->network_.wait_until([](const Counters& counters) { return counters.subscribers == 1; });
    typename TestFixture::Client third(this->endpoint_);
    EXPECT_EQ(receive_json(third)["type"], "hello");
}

}  // namespace
}  // namespace emotiond::protocol
