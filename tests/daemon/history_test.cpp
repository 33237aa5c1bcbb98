#include "daemon/history.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "protocol/hub.hpp"
#include "tests/support/files.hpp"

namespace emotiond::daemon {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using protocol::EventType;
using protocol::MessagePtr;
using protocol::WallTime;

constexpr auto kPatience = 20s;
const WallTime kNoon = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + 12h;

/// A hub whose events are recorded, in a folder that does not outlive the test. The test's own
/// thread is the network thread.
class HistoryTest : public ::testing::Test {
 protected:
    HistoryTest() {
        std::string pattern = fs::temp_directory_path() / "emotiond-history-XXXXXX";
        folder_ = mkdtemp(pattern.data());
        options_ = {.path = folder_ / "state" / "history.db",
                    .max_age = 24h * 36500,
                    .max_bytes = 1U << 30U};
        start_hub();
    }
    ~HistoryTest() override {
        history_.reset();
        fs::remove_all(folder_);
    }

    void start_hub() {
        hub_ = std::make_unique<protocol::Hub>("emotiond test", std::vector<protocol::ModelInfo>{});
        hub_->add_stream({.stream = "desk07"});
        hub_->add_stream({.stream = "hall"});
    }

    void record() {
        history_ = std::make_unique<History>(
            io_, options_,
            [this](const protocol::ErrorEvent& error) { announced_.push_back(error); });
        hub_->join(*history_);
    }
    /// As at the end of the service.
    void stop() {
        hub_->leave(*history_);
        history_.reset();
    }

    void publish(const std::string& stream, WallTime time, std::string text = "x") {
        hub_->publish({.stream = stream,
                       .time = time,
                       .body = protocol::ErrorEvent{
                           .code = "test", .message = std::move(text), .fatal = false}});
    }

    /// Runs the network thread until the condition holds; false when it never does.
    template <class Condition>
    bool until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            io_.restart();
            io_.run_for(5ms);
        }
        return condition();
    }

    History::QueryResult ask(History::Query query) {
        std::optional<History::QueryResult> result;
        history_->query(std::move(query), {}, [&](auto answer) { result = std::move(answer); });
        EXPECT_TRUE(until([&] { return result.has_value(); }));
        return result.value_or(History::QueryResult{});
    }
    std::vector<std::uint64_t> seqs(History::Query query) {
        std::vector<std::uint64_t> result;
        for (const MessagePtr& event : ask(std::move(query)).events) {
            result.push_back(event->seq());
        }
        return result;
    }
    protocol::HistoryReader::Page read_after(const protocol::Position& position,
                                             std::size_t max_messages = 100) {
        std::optional<protocol::HistoryReader::Page> page;
        history_->read_after(position, max_messages, [&](auto answer) { page = answer; });
        EXPECT_TRUE(until([&] { return page.has_value(); }));
        return page.value_or(protocol::HistoryReader::Page{});
    }
    bool was_announced(const std::string& code) {
        return until([&] {
            return std::ranges::any_of(announced_,
                                       [&](const auto& error) { return error.code == code; });
        });
    }

    fs::path folder_;
    History::Options options_;
    boost::asio::io_context io_;
    std::unique_ptr<protocol::Hub> hub_;
    std::unique_ptr<History> history_;
    std::vector<protocol::ErrorEvent> announced_;
};

using Seqs = std::vector<std::uint64_t>;

TEST_F(HistoryTest, GivesBackWhatWasSentByteForByte) {
    record();
    publish("desk07", kNoon, "a \"quoted\" text, \xc3\xa4");
    const auto sent = hub_->replay("desk07")->at(1);
    const auto result = ask({});
    ASSERT_EQ(result.events.size(), 1U);
    EXPECT_EQ(result.events[0]->text(), sent->text());
    EXPECT_EQ(result.events[0]->about().epoch, hub_->epoch());
    EXPECT_EQ(result.events[0]->about().time, kNoon);
    EXPECT_EQ(result.events[0]->about().type, EventType::Error);
    EXPECT_EQ(result.next, "");
}

TEST_F(HistoryTest, AnswersByStreamTimeAndType) {
    record();
    for (int i = 0; i < 6; ++i) {
        publish(i % 2 == 0 ? "desk07" : "hall", kNoon + i * 1s);
    }
    hub_->publish({.stream = "hall", .time = kNoon + 6s, .body = protocol::GapEvent{}});
    hub_->publish({.stream = "", .time = kNoon + 7s, .body = protocol::ErrorEvent{}});
    EXPECT_EQ(seqs({}).size(), 8U);
    EXPECT_EQ(seqs({.streams = "desk*"}), (Seqs{1, 2, 3}));
    EXPECT_EQ(seqs({.streams = "hall", .from = kNoon + 3s, .to = kNoon + 6s}), (Seqs{2, 3}));
    EXPECT_EQ(seqs({.types = {EventType::Gap}}), Seqs{4});
    EXPECT_EQ(seqs({.streams = "desk*", .newest_first = true}), (Seqs{3, 2, 1}));
    EXPECT_EQ(seqs({.streams = "desk*", .allowed = {"hall"}}), Seqs{});
    EXPECT_EQ(seqs({.streams = "x' OR '1'='1"}), Seqs{});
}

TEST_F(HistoryTest, AnswersInPages) {
    record();
    for (int i = 0; i < 10; ++i) {
        publish("desk07", kNoon);  // all at the same time
    }
    for (const bool newest_first : {false, true}) {
        Seqs all;
        std::string cursor;
        do {
            const auto page = ask({.limit = 3, .cursor = cursor, .newest_first = newest_first});
            EXPECT_LE(page.events.size(), 3U);
            for (const MessagePtr& event : page.events) {
                all.push_back(event->seq());
            }
            cursor = page.next;
        } while (!cursor.empty());
        Seqs expected{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        if (newest_first) {
            std::ranges::reverse(expected);
        }
        EXPECT_EQ(all, expected);
    }
    EXPECT_NE(ask({.cursor = "1;DROP TABLE event"}).error, "");
}

TEST_F(HistoryTest, ResumesAcrossEpochs) {
    record();
    const std::string first = hub_->epoch();
    for (int i = 0; i < 5; ++i) {
        publish("desk07", kNoon);
    }
    stop();
    start_hub();
    record();
    publish("desk07", kNoon - 1h);  // whatever the wall clock says
    publish("hall", kNoon);
    const auto rest = read_after({first, "desk07", 3});
    EXPECT_TRUE(rest.holds_end);
    ASSERT_EQ(rest.messages.size(), 2U);
    EXPECT_EQ(rest.messages[0]->seq(), 4U);
    EXPECT_EQ(rest.messages[1]->seq(), 5U);
    const auto next = read_after({first, "desk07", 5});
    EXPECT_TRUE(next.holds_end);
    ASSERT_EQ(next.messages.size(), 1U);
    EXPECT_EQ(next.messages[0]->seq(), 1U);
    EXPECT_EQ(next.messages[0]->about().epoch, hub_->epoch());
    EXPECT_EQ(read_after({first, "desk07", 3}, 1).messages.size(), 1U);
    const auto now = read_after({hub_->epoch(), "desk07", 1});
    EXPECT_TRUE(now.messages.empty());
    EXPECT_FALSE(now.holds_end);
    EXPECT_FALSE(read_after({"of another server", "desk07", 1}).holds_end);
    EXPECT_EQ(read_after({"of another server", "desk07", 1}).messages.size(), 5U);
    EXPECT_FALSE(read_after({first, "nobody", 1}).holds_end);
    EXPECT_FALSE(read_after({first, "hall", 1}).holds_end);  // it was erased, or pruned
}

TEST_F(HistoryTest, KnowsThatTheEndOfAKilledRunMayBeMissing) {
    record();
    const std::string epoch = hub_->epoch();
    publish("desk07", kNoon);
    EXPECT_EQ(seqs({}), Seqs{1});
    fs::copy(folder_ / "state", folder_ / "killed");  // as a kill would have left it
    stop();
    for (const auto& [folder, holds_end] : {std::pair("state", true), {"killed", false}}) {
        options_.path = folder_ / folder / "history.db";
        start_hub();
        record();
        EXPECT_EQ(seqs({}), Seqs{1});
        EXPECT_EQ(read_after({epoch, "desk07", 1}).holds_end, holds_end);
        stop();
    }
}

TEST_F(HistoryTest, WritesWithoutBeingAsked) {
    record();
    publish("desk07", kNoon);
    EXPECT_TRUE(until([&] { return history_->counters().written == 1; }));
}

TEST_F(HistoryTest, WritesWhatWaitsWhenItEnds) {
    record();
    for (int i = 0; i < 1000; ++i) {
        publish("desk07", kNoon);
    }
    stop();
    record();
    EXPECT_EQ(seqs({}).size(), 1000U);
}

TEST_F(HistoryTest, ForgetsWhatIsTooOld) {
    options_.max_age = 1h;
    record();
    publish("desk07", kNoon - 24h * 3650);
    publish("desk07", std::chrono::system_clock::now());
    stop();
    record();  // prunes when it begins, and every ten seconds
    EXPECT_TRUE(until([&] { return seqs({}) == Seqs{2}; }));
}

TEST_F(HistoryTest, ForgetsTheOldestWhereThereIsTooMuch) {
    options_.max_bytes = 256 * 1024;
    record();
    for (int i = 0; i < 6000; ++i) {
        publish("desk07", std::chrono::system_clock::now(), std::string(200, 'x'));
    }
    stop();
    record();
    EXPECT_TRUE(until([&] {
        const std::uint64_t bytes = history_->counters().bytes;
        return bytes > 0 && bytes <= options_.max_bytes;
    }));
    const Seqs left = seqs({.limit = 10000});
    ASSERT_GT(left.size(), 100U);
    EXPECT_EQ(left.back(), 6000U);
    EXPECT_EQ(left.front(), 6001U - left.size());
}

TEST_F(HistoryTest, LeavesNothingOfAnErasedStream) {
    record();
    publish("desk07", kNoon, "SECRETSECRETSECRET");
    publish("hall", kNoon);
    std::optional<std::uint64_t> erased;
    history_->erase("desk07", [&](auto count) { erased = count; });
    ASSERT_TRUE(until([&] { return erased.has_value(); }));
    EXPECT_EQ(erased, 1U);
    EXPECT_EQ(seqs({}).size(), 1U);
    for (const auto& entry : fs::directory_iterator(options_.path.parent_path())) {
        EXPECT_EQ(test::read_bytes(entry.path()).find("SECRET"), std::string::npos) << entry;
    }
}

TEST_F(HistoryTest, IsForItsOwnerAlone) {
    record();
    publish("desk07", kNoon);
    ask({});
    for (const auto& entry : fs::directory_iterator(options_.path.parent_path())) {
        EXPECT_EQ(entry.status().permissions() & (fs::perms::group_all | fs::perms::others_all),
                  fs::perms::none)
            << entry;
    }
}

TEST_F(HistoryTest, TellsThatItCannotWriteAndLosesNothingMeanwhile) {
    test::write_bytes(folder_ / "state", "a file where the folder should be");
    record();
    publish("desk07", kNoon);
    EXPECT_TRUE(was_announced("history_failed"));
    EXPECT_NE(ask({}).error, "");
    publish("desk07", kNoon);
    fs::remove(folder_ / "state");
    EXPECT_TRUE(was_announced("history_resumed"));
    EXPECT_EQ(announced_.back().message, "events are recorded again; 0 were lost meanwhile");
    EXPECT_EQ(seqs({}), (Seqs{1, 2}));
    EXPECT_EQ(announced_.size(), 2U);  // once each, however often it tried
}

TEST_F(HistoryTest, AnErasedStreamIsNotWrittenOnceTheDiskWorksAgain) {
    test::write_bytes(folder_ / "state", "a file where the folder should be");
    record();
    publish("desk07", kNoon);
    publish("hall", kNoon);
    EXPECT_TRUE(was_announced("history_failed"));
    bool answered = false;
    history_->erase("desk07", [&](auto count) {
        answered = true;
        EXPECT_EQ(count, std::nullopt);
    });
    ASSERT_TRUE(until([&] { return answered; }));
    fs::remove(folder_ / "state");
    EXPECT_TRUE(was_announced("history_resumed"));
    EXPECT_EQ(seqs({.streams = "desk07"}), Seqs{});
    EXPECT_EQ(seqs({.streams = "hall"}), Seqs{1});
    EXPECT_EQ(history_->counters().lost, 0U);
}

TEST_F(HistoryTest, GoesOnAfterAFullDisk) {
    fs::create_directories(folder_ / "state");
    if (mount("tmpfs", (folder_ / "state").c_str(), "tmpfs", 0, "size=512k") != 0) {
        GTEST_SKIP() << "only root may mount a small disk";
    }
    struct Unmount {
        fs::path path;
        ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
    } unmount{folder_ / "state"};
    record();
    std::uint64_t published = 0;
    ASSERT_TRUE(until([&] {
        for (int i = 0; i < 50; ++i, ++published) {
            publish("desk07", kNoon, std::string(1000, 'x'));
        }
        return !announced_.empty();
    }));
    EXPECT_EQ(announced_.front().code, "history_failed");
    EXPECT_NE(announced_.front().message.find("full"), std::string::npos);
    ASSERT_EQ(mount("tmpfs", (folder_ / "state").c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
    EXPECT_TRUE(was_announced("history_resumed"));
    EXPECT_TRUE(until([&] { return history_->counters().written == published; }));
    EXPECT_EQ(seqs({.limit = 1, .newest_first = true}), Seqs{published});
    EXPECT_EQ(history_->counters().lost, 0U);
    stop();
}

TEST_F(HistoryTest, CountsWhatItHadToGiveUp) {
    test::write_bytes(folder_ / "state", "a file where the folder should be");
    record();
    ASSERT_TRUE(was_announced("history_failed"));
    const std::string large(1024 * 1024, 'x');
    for (int i = 0; i < 70; ++i) {
        publish("desk07", kNoon, large);
    }
    const std::uint64_t lost = history_->counters().lost;
    EXPECT_GT(lost, 0U);
    fs::remove(folder_ / "state");
    ASSERT_TRUE(was_announced("history_resumed"));
    EXPECT_EQ(announced_.back().message,
              "events are recorded again; " + std::to_string(lost) + " were lost meanwhile");
    EXPECT_EQ(seqs({}).size() + lost, 70U);
    stop();
    record();
    EXPECT_FALSE(read_after({hub_->epoch(), "desk07", 70}).holds_end);
}

TEST_F(HistoryTest, RefusesAFileOfALaterFormat) {
    record();
    publish("desk07", kNoon);
    stop();
    {
        SQLite::Database file(options_.path.string(), SQLite::OPEN_READWRITE);
        file.exec("PRAGMA user_version = 7");
    }
    record();
    EXPECT_TRUE(was_announced("history_failed"));
    EXPECT_NE(announced_.front().message.find("the file is of format 7, expected 1"),
              std::string::npos);
}

}  // namespace
}  // namespace emotiond::daemon
