#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "protocol/events.hpp"
#include "protocol/history_reader.hpp"
#include "protocol/subscriber.hpp"

namespace SQLite {
class Database;
}

namespace emotiond::daemon {

/// Every published event, on disk: a subscriber that writes. It holds what was sent and never
/// sound.
///
/// Everything that touches the disk happens on one thread of its own. An event is on disk within
/// kCommitInterval, so that a killed process loses no older one (the database's log outlives it).
/// While the disk fails, events wait, the oldest of more than kMaxWaitingBytes are lost, counted
/// and announced; the live stream goes on.
class History : public protocol::Subscriber, public protocol::HistoryReader {
 public:
    static constexpr std::chrono::milliseconds kCommitInterval{200};
    static constexpr std::chrono::milliseconds kRetryInterval{1000};
    /// Of a question over HTTP, which must not hold up the writing for long.
    static constexpr std::chrono::milliseconds kLongestQuery{400};
    static constexpr std::size_t kMaxWaitingJobs = 16;
    static constexpr std::size_t kMaxWaitingBytes = std::size_t{64} * 1024 * 1024;

    struct Options {
        std::filesystem::path path;
        std::chrono::hours max_age{};  ///< older events go
        std::uint64_t max_bytes = 0;   ///< of the database; the oldest events go
    };

    /// What is asked for over HTTP.
    struct Query {
        std::string streams = "*";  ///< glob
        std::vector<std::string> allowed{"*"};
        std::optional<protocol::WallTime> from = {};  ///< inclusive
        std::optional<protocol::WallTime> to = {};    ///< exclusive
        std::vector<protocol::EventType> types = {};  ///< empty: all
        std::size_t limit = 1000;
        std::string cursor = {};  ///< `next` of the page before
        bool newest_first = false;
    };
    struct QueryResult {
        std::vector<protocol::MessagePtr> events = {};
        std::string next = {};   ///< empty: this was the last page
        std::string error = {};  ///< not empty: there is no answer, and why
        std::string body = {};   ///< what render() made of the events, which are empty then
    };

    struct Counters {
        std::uint64_t written = 0;
        std::uint64_t lost = 0;
        std::uint64_t bytes = 0;  ///< of the database, without its free pages
        bool failing = false;
    };

    /// announce: what subscribers must know; called on the network thread, which runs io.
    History(boost::asio::io_context& io, Options options,
            std::function<void(protocol::ErrorEvent)> announce);
    /// Writes what waits, unless the disk fails.
    ~History() override;

    /// Network thread; does not wait. So do those below.
    void deliver(const protocol::MessagePtr& message) override;
    void read_after(const protocol::Position& position, std::size_t max_messages,
                    std::function<void(Page)> done) override;
    /// render: called on the history thread, as it may take long; may be empty.
    using Render = std::function<std::string(const QueryResult&)>;
    void query(Query query, Render render, std::function<void(QueryResult)> done);

    /// Forgets the stream's events for good: their bytes are overwritten. done(how many), or
    /// nothing where the disk fails: then those that wait for it are forgotten all the same.
    void erase(const std::string& stream, std::function<void(std::optional<std::uint64_t>)> done);

    Counters counters() const;

 private:
    using Job = std::function<void(SQLite::Database*)>;

    void run();
    bool open();
    bool write(const std::vector<protocol::MessagePtr>& events);
    void prune();
    void forget_waiting(const std::string& stream);
    void mark_whole();
    void fail(const std::string& what);
    void recover();
    void announce(std::string code, std::string message);
    template <class Result>
    void ask(std::function<Result(SQLite::Database&)> question, Result on_failure,
             std::function<void(Result)> done, std::function<void()> before = {});

    boost::asio::io_context& io_;
    Options options_;
    std::function<void(protocol::ErrorEvent)> announce_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<protocol::MessagePtr> waiting_;
    std::size_t waiting_bytes_ = 0;
    std::deque<Job> jobs_;
    Counters counters_;
    bool finishing_ = false;

    // The history thread's own.
    struct Names;
    std::unique_ptr<SQLite::Database> database_;
    std::unique_ptr<Names> names_;
    std::uint64_t lost_told_ = 0;
    std::chrono::steady_clock::time_point next_prune_;

    std::jthread thread_;  // last: it uses the rest
};

}  // namespace emotiond::daemon
