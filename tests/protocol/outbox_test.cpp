#include "protocol/outbox.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace emotiond::protocol {
namespace {

constexpr std::size_t kAll = 1000000;

/// A message of `bytes` bytes with its line end.
MessagePtr message(std::string stream, std::uint64_t seq, std::size_t bytes = 100) {
    const bool has_stream = !stream.empty();
    return std::make_shared<const Message>(std::string(bytes - 1, 'x'),
                                           Message::About{.type = EventType::Emotion,
                                                          .epoch = has_stream ? "E" : "",
                                                          .stream = std::move(stream),
                                                          .seq = seq});
}

/// What is written next: "s7" is message 7 of stream s, "s3..5(3)" is its gap.
std::vector<std::string> written(Outbox& outbox, std::size_t max_messages = kAll) {
    std::vector<std::string> result;
    for (const MessagePtr& next : outbox.begin_write(max_messages)) {
        if (next->text().starts_with('{')) {
            const auto gap = nlohmann::json::parse(next->text());
            const std::string range = gap.contains("stream")
                                          ? gap["stream"].get<std::string>() +
                                                gap["from_seq"].dump() + ".." + gap["to_seq"].dump()
                                          : "no stream";
            result.push_back(range + "(" + gap["dropped"].dump() + ")");
        } else {
            result.push_back(next->stream() + std::to_string(next->seq()));
        }
    }
    outbox.end_write();
    return result;
}

using Texts = std::vector<std::string>;

TEST(Outbox, KeepsTheOrder) {
    Outbox outbox;
    outbox.push(message("s", 1));
    outbox.push(message("t", 1));
    outbox.push(message("s", 2));
    EXPECT_EQ(written(outbox), (Texts{"s1", "t1", "s2"}));
    EXPECT_EQ(written(outbox), Texts{});
}

TEST(Outbox, SharesTheMessage) {
    Outbox outbox;
    const MessagePtr shared = message("s", 1);
    outbox.push(shared);
    EXPECT_EQ(outbox.begin_write(kAll).front(), shared);
    EXPECT_EQ(shared.use_count(), 2);
    outbox.end_write();
    EXPECT_EQ(shared.use_count(), 1);
}

TEST(Outbox, HandsOutNoMoreThanIsAskedFor) {
    Outbox outbox;
    for (std::uint64_t seq = 1; seq <= 5; ++seq) {
        outbox.push(message("s", seq));
    }
    EXPECT_EQ(written(outbox, 2), (Texts{"s1", "s2"}));
    EXPECT_EQ(written(outbox, 2), (Texts{"s3", "s4"}));
    EXPECT_EQ(written(outbox, 2), (Texts{"s5"}));
}

TEST(Outbox, CountsBytesUntilTheyAreWritten) {
    Outbox outbox;
    outbox.push(message("s", 1, 100));
    outbox.push(message("s", 2, 50));
    EXPECT_EQ(outbox.bytes(), 150U);
    EXPECT_EQ(outbox.messages(), 2U);
    outbox.begin_write(1);
    EXPECT_EQ(outbox.bytes(), 150U);
    EXPECT_EQ(outbox.messages(), 2U);
    EXPECT_EQ(outbox.end_write(), 1U);
    EXPECT_EQ(outbox.bytes(), 50U);
    EXPECT_EQ(outbox.messages(), 1U);
}

TEST(Outbox, HoldsExactlyItsBytes) {
    Outbox outbox(300);
    EXPECT_EQ(outbox.push(message("s", 1)), 0U);
    EXPECT_EQ(outbox.push(message("s", 2)), 0U);
    EXPECT_EQ(outbox.push(message("s", 3)), 0U);
    EXPECT_EQ(written(outbox), (Texts{"s1", "s2", "s3"}));
}

TEST(Outbox, TellsWhatItDroppedBeforeTheNextMessage) {
    Outbox outbox(300);
    for (std::uint64_t seq = 1; seq <= 5; ++seq) {
        EXPECT_EQ(outbox.push(message("s", seq)), seq > 3 ? 1U : 0U);
    }
    EXPECT_EQ(written(outbox), (Texts{"s1..2(2)", "s3", "s4", "s5"}));
    EXPECT_EQ(written(outbox), Texts{});
}

TEST(Outbox, DropsAsManyAsALargeMessageNeeds) {
    Outbox outbox(300);
    outbox.push(message("s", 1));
    outbox.push(message("s", 2));
    outbox.push(message("s", 3));
    EXPECT_EQ(outbox.push(message("s", 4, 200)), 2U);
    EXPECT_EQ(written(outbox), (Texts{"s1..2(2)", "s3", "s4"}));
}

TEST(Outbox, NeverDropsWhatIsInFlight) {
    Outbox outbox(300);
    outbox.push(message("s", 1));
    const std::vector<MessagePtr>& in_flight = outbox.begin_write(kAll);
    for (std::uint64_t seq = 2; seq <= 9; ++seq) {
        outbox.push(message("s", seq));
    }
    ASSERT_EQ(in_flight.size(), 1U);
    EXPECT_EQ(in_flight.front()->seq(), 1U);
    EXPECT_EQ(outbox.bytes(), 300U);
    outbox.end_write();
    EXPECT_EQ(written(outbox), (Texts{"s2..7(6)", "s8", "s9"}));
}

TEST(Outbox, DropsTheNewMessageWhenAllElseIsInFlight) {
    Outbox outbox(200);
    outbox.push(message("s", 1));
    outbox.push(message("s", 2));
    outbox.begin_write(kAll);
    EXPECT_EQ(outbox.push(message("s", 3)), 1U);
    outbox.end_write();
    outbox.push(message("s", 4));
    EXPECT_EQ(written(outbox), (Texts{"s3..3(1)", "s4"}));
}

TEST(Outbox, DropsAMessageLargerThanItselfAfterAllThatWaitedBefore) {
    Outbox outbox(300);
    outbox.push(message("s", 1));
    EXPECT_EQ(outbox.push(message("s", 2, 301)), 2U);
    EXPECT_EQ(outbox.bytes(), 0U);
    outbox.push(message("s", 3));
    EXPECT_EQ(written(outbox), (Texts{"s1..2(2)", "s3"}));
}

TEST(Outbox, TellsOneGapForEveryStreamItTouched) {
    Outbox outbox(100);
    outbox.push(message("t", 7));
    outbox.push(message("s", 1));
    outbox.push(message("t", 8));
    outbox.push(message("s", 2));
    EXPECT_EQ(written(outbox), (Texts{"s1..1(1)", "t7..8(2)", "s2"}));
}

TEST(Outbox, CountsDroppedMessagesWithoutAStream) {
    Outbox outbox(100);
    outbox.push(message("", 0));
    outbox.push(message("", 0));
    outbox.push(message("s", 1));
    EXPECT_EQ(written(outbox), (Texts{"no stream(2)", "s1"}));
}

TEST(Outbox, TellsEveryGapOnce) {
    Outbox outbox(100);
    outbox.push(message("s", 1));
    outbox.push(message("s", 2));
    EXPECT_EQ(written(outbox), (Texts{"s1..1(1)", "s2"}));
    outbox.push(message("s", 3));
    outbox.push(message("s", 4));
    EXPECT_EQ(written(outbox), (Texts{"s3..3(1)", "s4"}));
}

TEST(Outbox, TellsAllGapsBeforeTheNextMessageEvenInSmallBatches) {
    Outbox outbox(100);
    outbox.push(message("s", 1));
    outbox.push(message("t", 1));
    outbox.push(message("u", 1));
    EXPECT_EQ(written(outbox, 1), (Texts{"s1..1(1)"}));
    outbox.push(message("u", 2));
    EXPECT_EQ(written(outbox, 1), (Texts{"t1..1(1)"}));
    EXPECT_EQ(written(outbox, 1), (Texts{"u1..1(1)"}));
    EXPECT_EQ(written(outbox, 1), (Texts{"u2"}));
}

TEST(Outbox, BoundsTheGapsOfEverMoreStreams) {
    Outbox outbox(100);
    constexpr std::size_t kStreams = 10000;
    for (std::size_t i = 0; i <= kStreams; ++i) {
        outbox.push(message("stream" + std::to_string(i), 1));
    }
    std::size_t gaps = 0;
    std::size_t dropped = 0;
    for (const MessagePtr& next : outbox.begin_write(kAll)) {
        if (next->text().starts_with('{')) {
            ++gaps;
            dropped += nlohmann::json::parse(next->text())["dropped"].get<std::size_t>();
        }
    }
    EXPECT_EQ(gaps, Outbox::kMaxGaps);
    EXPECT_EQ(dropped, kStreams);
}

TEST(Outbox, KeepsTheLatestOfEveryStreamWhereAsked) {
    Outbox outbox(500);
    outbox.set_overflow(Overflow::LatestOnly);
    for (std::uint64_t seq = 1; seq <= 5; ++seq) {
        outbox.push(message(seq % 2 == 0 ? "s" : "t", seq));
    }
    EXPECT_EQ(outbox.push(message("s", 6)), 4U);
    EXPECT_EQ(written(outbox), (Texts{"s2..4(2)", "t1..3(2)", "t5", "s6"}));
}

TEST(Outbox, KeepsEveryAlertWhereOnlyTheLatestIsWanted) {
    const auto of = [](EventType type, std::uint64_t seq) {
        return std::make_shared<const Message>(
            std::string(99, 'x'), Message::About{.type = type, .stream = "s", .seq = seq});
    };
    Outbox outbox(400);
    outbox.set_overflow(Overflow::LatestOnly);
    outbox.push(of(EventType::Alert, 1));
    outbox.push(of(EventType::Emotion, 2));
    outbox.push(of(EventType::Alert, 3));
    outbox.push(of(EventType::Utterance, 4));
    EXPECT_EQ(outbox.push(of(EventType::Emotion, 5)), 1U);
    std::vector<std::uint64_t> seqs;
    for (const MessagePtr& one : outbox.begin_write(10)) {
        if (one->seq() > 0) {
            seqs.push_back(one->seq());
        }
    }
    EXPECT_EQ(seqs, (std::vector<std::uint64_t>{1, 3, 4, 5}));
}

TEST(Outbox, ForgetsAStreamAndItsGaps) {
    Outbox outbox(300);
    for (std::uint64_t seq = 1; seq <= 4; ++seq) {
        outbox.push(message("s", seq));
    }
    outbox.push(message("t", 1));
    outbox.forget("s");
    EXPECT_EQ(outbox.bytes(), 100U);
    EXPECT_EQ(written(outbox), Texts{"t1"});
}

TEST(Outbox, TellsTheGapsOfTwoEpochsApart) {
    Outbox outbox(100);
    const auto of = [](std::string epoch, std::uint64_t seq) {
        return std::make_shared<const Message>(
            std::string(99, 'x'),
            Message::About{
                .type = EventType::Emotion, .epoch = std::move(epoch), .stream = "s", .seq = seq});
    };
    for (const auto& [epoch, seq] : {std::pair{"A", 8U}, {"A", 9U}, {"B", 1U}, {"B", 2U}}) {
        outbox.push(of(epoch, seq));
    }
    EXPECT_EQ(written(outbox), (Texts{"s8..9(2)", "s1..1(1)", "s2"}));
}

// Whatever the order of pushes and writes: every message arrives, or a gap in its place tells it.
TEST(Outbox, AccountsForEveryMessageInOrder) {
    std::mt19937 random(20261120);
    const auto below = [&](std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
    };
    Outbox outbox(2000);
    std::map<std::string, std::uint64_t> pushed;
    std::map<std::string, std::uint64_t> accounted;
    std::uint64_t dropped = 0;
    std::uint64_t told = 0;
    bool writing = false;

    const auto receive = [&](const MessagePtr& next) {
        if (!next->text().starts_with('{')) {
            ASSERT_EQ(next->seq(), ++accounted[next->stream()]);
            return;
        }
        const auto gap = nlohmann::json::parse(next->text());
        std::uint64_t& last = accounted[gap["stream"]];
        ASSERT_EQ(gap["from_seq"], last + 1);
        last = gap["to_seq"];
        ASSERT_EQ(gap["dropped"].get<std::uint64_t>(),
                  last + 1 - gap["from_seq"].get<std::uint64_t>());
        told += gap["dropped"].get<std::uint64_t>();
    };
    const auto write = [&](std::size_t max_messages) {
        for (const MessagePtr& next : outbox.begin_write(max_messages)) {
            receive(next);
        }
    };

    for (int step = 0; step < 20000; ++step) {
        if (below(4) > 0) {
            const std::string stream(1, static_cast<char>('a' + below(5)));
            dropped += outbox.push(message(stream, ++pushed[stream], 50 + below(400)));
        } else if (std::exchange(writing, !writing)) {
            outbox.end_write();
        } else {
            write(1 + below(5));
        }
        ASSERT_LE(outbox.bytes(), 2000U);
    }
    if (writing) {
        outbox.end_write();
    }
    write(kAll);
    outbox.end_write();
    EXPECT_EQ(accounted, pushed);
    EXPECT_EQ(told, dropped);
    EXPECT_GT(dropped, 0U);
    EXPECT_EQ(outbox.bytes(), 0U);
}

}  // namespace
}  // namespace emotiond::protocol
