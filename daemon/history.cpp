#include "daemon/history.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <spdlog/spdlog.h>
#include <sqlite3.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "daemon/thread_name.hpp"
#include "protocol/glob.hpp"

namespace emotiond::daemon {
namespace {

using protocol::EventType;
using protocol::Message;
using protocol::MessagePtr;

constexpr int kFormat = 1;
constexpr const char* kBusy = "too many questions at a time";
constexpr std::chrono::seconds kPruneInterval{10};
constexpr std::int64_t kPrunedAtOnce = 5000;
constexpr double kPrunedTo = 0.9;  ///< of the largest size, so that not every event prunes

// Publishing order is the order of `id`. `stream` is 0 for events about the server itself.
// `whole_epoch`: nothing that was published in it was lost before it was written.
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS epoch(id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS whole_epoch(epoch INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS stream(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS event(
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    time_ms INTEGER NOT NULL, type INTEGER NOT NULL, json TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS event_place ON event(stream, epoch, seq);
CREATE INDEX IF NOT EXISTS event_of_stream ON event(stream, time_ms, id);
CREATE INDEX IF NOT EXISTS event_time ON event(time_ms, id);
)";

std::int64_t to_ms(protocol::WallTime time) {
    return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

std::int64_t number(SQLite::Database& database, const std::string& sql) {
    return database.execAndGet(sql).getInt64();
}

std::uint64_t used_bytes(SQLite::Database& database) {
    const std::int64_t pages =
        number(database, "PRAGMA page_count") - number(database, "PRAGMA freelist_count");
    return static_cast<std::uint64_t>(pages * number(database, "PRAGMA page_size"));
}

/// Columns: json, uuid, name, seq, time_ms, type, id, end_ms
MessagePtr message_of(SQLite::Statement& row) {
    return std::make_shared<const Message>(
        row.getColumn(0).getString(),
        Message::About{
            .type = static_cast<EventType>(row.getColumn(5).getInt()),
            .epoch = row.getColumn(1).getString(),
            .stream = row.getColumn(2).getString(),
            .seq = static_cast<std::uint64_t>(row.getColumn(3).getInt64()),
            .time = protocol::WallTime(std::chrono::milliseconds(row.getColumn(4).getInt64())),
            .end = std::chrono::milliseconds(row.getColumn(7).getInt64())});
}

constexpr const char* kSelect =
    "SELECT json, uuid, coalesce(name, ''), seq, time_ms, type, event.id, "
    "coalesce(json_extract(json, '$.end_ms'), 0) FROM event "
    "JOIN epoch ON epoch.id = event.epoch LEFT JOIN stream ON stream.id = event.stream ";

protocol::HistoryReader::Page read(SQLite::Database& database, const protocol::Position& after,
                                   std::size_t max_messages) {
    // Of an epoch that was never recorded everything recorded is later.
    SQLite::Statement place(database,
                            "SELECT stream.id, coalesce(epoch.id, 0), EXISTS(SELECT 1 FROM event "
                            "JOIN whole_epoch USING (epoch) "
                            "WHERE event.stream = stream.id AND event.epoch = epoch.id) "
                            "FROM stream LEFT JOIN epoch ON uuid = ?2 WHERE name = ?1");
    place.bind(1, after.stream);
    place.bind(2, after.epoch);
    protocol::HistoryReader::Page page;
    if (!place.executeStep()) {
        return page;
    }
    page.holds_end = place.getColumn(2).getInt() != 0;
    SQLite::Statement rows(database, std::string(kSelect) +
                                         "WHERE event.stream = ? AND (event.epoch, seq) > (?, ?) "
                                         "ORDER BY event.epoch, seq LIMIT ?");
    rows.bind(1, place.getColumn(0).getInt64());
    rows.bind(2, place.getColumn(1).getInt64());
    rows.bind(3, static_cast<std::int64_t>(std::min<std::uint64_t>(after.after_seq, INT64_MAX)));
    rows.bind(4, static_cast<std::int64_t>(max_messages));
    while (rows.executeStep()) {
        MessagePtr message = message_of(rows);
        if (!page.messages.empty() &&
            page.messages.front()->about().epoch != message->about().epoch) {
            break;
        }
        page.messages.push_back(std::move(message));
    }
    return page;
}

/// "<time_ms>:<id>" of the last event of the page before; nothing where it is no such text.
std::optional<std::pair<std::int64_t, std::int64_t>> parse_cursor(const std::string& text) {
    std::pair<std::int64_t, std::int64_t> cursor;
    const char* end = text.data() + text.size();
    const auto time = std::from_chars(text.data(), end, cursor.first);
    if (time.ec != std::errc{} || time.ptr == end || *time.ptr != ':') {
        return std::nullopt;
    }
    const auto id = std::from_chars(time.ptr + 1, end, cursor.second);
    if (id.ec != std::errc{} || id.ptr != end) {
        return std::nullopt;
    }
    return cursor;
}

/// That an event belongs to one of the streams that the query covers, as SQL.
std::string is_of_covered_stream(SQLite::Database& database, const History::Query& query) {
    std::string ids;
    std::size_t all = 0;
    std::size_t covered = 0;
    const auto add = [&](std::int64_t id) { ids += (ids.empty() ? "" : ",") + std::to_string(id); };
    SQLite::Statement streams(database, "SELECT id, name FROM stream");
    while (streams.executeStep()) {
        ++all;
        const std::string name = streams.getColumn(1).getString();
        const bool is_allowed = std::ranges::any_of(query.allowed, [&](const std::string& glob) {
            return protocol::matches_glob(glob, name);
        });
        if (is_allowed && protocol::matches_glob(query.streams, name)) {
            add(streams.getColumn(0).getInt64());
            ++covered;
        }
    }
    if (query.streams == "*") {
        add(0);  // about the server
    }
    // The + keeps SQLite from the index of streams: where most are wanted it would have to sort.
    const bool most = 2 * covered >= all && covered != 1;
    return (most ? "+" : "") + ("event.stream IN (" + ids + ")");
}

/// Ends a question that takes too long: what waits to be written waits for it.
class TimeLimit {
 public:
    explicit TimeLimit(SQLite::Database& database) : handle_(database.getHandle()) {
        constexpr int kStepsBetweenLooks = 10000;
        sqlite3_progress_handler(
            handle_, kStepsBetweenLooks,
            [](void* self) { return static_cast<TimeLimit*>(self)->is_over() ? 1 : 0; }, this);
    }
    ~TimeLimit() { sqlite3_progress_handler(handle_, 0, nullptr, nullptr); }
    TimeLimit(const TimeLimit&) = delete;
    TimeLimit& operator=(const TimeLimit&) = delete;

    bool is_over() const { return std::chrono::steady_clock::now() > end_; }

 private:
    sqlite3* handle_;
    std::chrono::steady_clock::time_point end_ =
        std::chrono::steady_clock::now() + History::kLongestQuery;
};

History::QueryResult answer(SQLite::Database& database, const History::Query& query) {
    History::QueryResult result;
    const TimeLimit limit(database);
    std::string sql = kSelect + ("WHERE " + is_of_covered_stream(database, query));
    if (query.from) {
        sql += " AND time_ms >= " + std::to_string(to_ms(*query.from));
    }
    if (query.to) {
        sql += " AND time_ms < " + std::to_string(to_ms(*query.to));
    }
    if (!query.types.empty()) {
        std::string types;
        for (const EventType type : query.types) {
            types += (types.empty() ? "" : ",") + std::to_string(static_cast<int>(type));
        }
        sql += " AND type IN (" + types + ")";
    }
    if (!query.cursor.empty()) {
        const auto cursor = parse_cursor(query.cursor);
        if (!cursor) {
            result.error = "'cursor' is not the 'next' of a page before";
            return result;
        }
        sql += std::string(" AND (time_ms, event.id) ") + (query.newest_first ? "<" : ">") + " (" +
               std::to_string(cursor->first) + ", " + std::to_string(cursor->second) + ")";
    }
    const std::string order = query.newest_first ? " DESC" : "";
    sql += " ORDER BY time_ms" + order + ", event.id" + order + " LIMIT " +
           std::to_string(query.limit + 1);
    SQLite::Statement rows(database, sql);
    std::string last;
    try {
        while (rows.executeStep()) {
            if (result.events.size() == query.limit) {
                result.next = last;
                break;
            }
            result.events.push_back(message_of(rows));
            last = rows.getColumn(4).getString() + ":" + rows.getColumn(6).getString();
        }
    } catch (const SQLite::Exception&) {
        if (!limit.is_over()) {
            throw;
        }
        result = {.error = "that takes too long to find: a shorter time from 'from' to 'to' helps"};
    }
    return result;
}

}  // namespace

/// The ids of what repeats in every event.
struct History::Names {
    std::map<std::string, std::int64_t> epochs;
    std::map<std::string, std::int64_t> streams;

    static std::int64_t id(SQLite::Database& database, std::map<std::string, std::int64_t>& known,
                           const char* table, const char* column, const std::string& name) {
        const auto found = known.find(name);
        if (found != known.end()) {
            return found->second;
        }
        const std::string text = std::string(table) + "(" + column + ") VALUES (?)";
        SQLite::Statement add(database, "INSERT OR IGNORE INTO " + text);
        add.bind(1, name);
        add.exec();
        SQLite::Statement get(database,
                              std::string("SELECT id FROM ") + table + " WHERE " + column + " = ?");
        get.bind(1, name);
        get.executeStep();
        return known[name] = get.getColumn(0).getInt64();
    }
};

History::History(boost::asio::io_context& io, Options options,
                 std::function<void(protocol::ErrorEvent)> announce)
    : io_(io),
      options_(std::move(options)),
      announce_(std::move(announce)),
      thread_([this] { run(); }) {}

History::~History() {
    {
        const std::scoped_lock lock(mutex_);
        finishing_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void History::deliver(const MessagePtr& message) {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(message);
    waiting_bytes_ += message->line().size();
    while (waiting_bytes_ > kMaxWaitingBytes) {
        waiting_bytes_ -= waiting_.front()->line().size();
        waiting_.pop_front();
        ++counters_.lost;
    }
}

/// before: done first, whether or not there is a database to ask.
template <class Result>
void History::ask(std::function<Result(SQLite::Database&)> question, Result on_failure,
                  std::function<void(Result)> done, std::function<void()> before) {
    const auto job = [this, question = std::move(question), on_failure = std::move(on_failure),
                      done = std::move(done),
                      before = std::move(before)](SQLite::Database* database) {
        if (before) {
            before();
        }
        Result result = on_failure;
        if (database != nullptr) {
            try {
                result = question(*database);
            } catch (const std::exception& error) {
                spdlog::error("history: {}", error.what());
            }
        }
        boost::asio::post(
            io_, [done, result = std::move(result)]() mutable { done(std::move(result)); });
    };
    {
        const std::scoped_lock lock(mutex_);
        jobs_.emplace_back(job);
    }
    changed_.notify_one();
}

void History::read_after(const protocol::Position& position, std::size_t max_messages,
                         std::function<void(Page)> done) {
    ask<Page>([=](SQLite::Database& database) { return read(database, position, max_messages); },
              {}, std::move(done));
}

void History::query(Query query, Render render, std::function<void(QueryResult)> done) {
    {
        const std::scoped_lock lock(mutex_);
        if (jobs_.size() >= kMaxWaitingJobs) {
            QueryResult busy{.error = kBusy};
            boost::asio::post(io_, [done, busy = std::move(busy)] { done(busy); });
            return;
        }
    }
    ask<QueryResult>(
        [query = std::move(query), render = std::move(render)](SQLite::Database& database) {
            QueryResult result = answer(database, query);
            if (render && result.error.empty()) {
                result.body = render(result);
                result.events.clear();
            }
            return result;
        },
        {.error = "the history cannot be read at present"}, std::move(done));
}

void History::erase(const std::string& stream,
                    std::function<void(std::optional<std::uint64_t>)> done) {
    using Result = std::optional<std::uint64_t>;
    ask<Result>(
        [stream](SQLite::Database& database) -> Result {
            SQLite::Statement erase(
                database,
                "DELETE FROM event WHERE stream = (SELECT id FROM stream WHERE name = ?)");
            erase.bind(1, stream);
            const int erased = erase.exec();
            database.exec("PRAGMA incremental_vacuum");
            // The log holds old pages too. Somebody else who reads the file can keep them there.
            if (number(database, "PRAGMA wal_checkpoint(TRUNCATE)") != 0) {
                throw std::runtime_error("another program reads the database; erase again later");
            }
            return static_cast<std::uint64_t>(erased);
        },
        std::nullopt, std::move(done), [this, stream] { forget_waiting(stream); });
}

/// History thread.
void History::forget_waiting(const std::string& stream) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(waiting_, [&](const MessagePtr& message) {
        if (message->stream() != stream) {
            return false;
        }
        waiting_bytes_ -= message->line().size();
        return true;
    });
}

History::Counters History::counters() const {
    const std::scoped_lock lock(mutex_);
    return counters_;
}

/// What waits is written before a job is done, so that a reader sees all that was published
/// before it asked.
void History::run() {
    name_this_thread("history");
    using Clock = std::chrono::steady_clock;
    Clock::time_point retry_at{};
    for (;;) {
        std::vector<MessagePtr> events;
        Job job;
        bool finishing = false;
        bool last = true;
        {
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, kCommitInterval,
                              [this] { return finishing_ || !jobs_.empty(); });
            finishing = finishing_;
            if (!jobs_.empty()) {
                job = std::move(jobs_.front());
                jobs_.pop_front();
            }
            last = jobs_.empty();
            events.assign(waiting_.begin(), waiting_.end());
        }
        const bool may_try = Clock::now() >= retry_at || finishing;
        const bool works = may_try && open() && write(events);
        if (may_try && !works) {
            retry_at = Clock::now() + kRetryInterval;
        }
        if (works && Clock::now() >= next_prune_) {
            prune();
        }
        if (job) {
            job(database_.get());
        }
        if (finishing && last) {
            if (works) {
                mark_whole();
            }
            database_.reset();
            return;
        }
    }
}

bool History::open() {
    if (database_) {
        return true;
    }
    try {
        if (options_.path.has_parent_path()) {
            std::filesystem::create_directories(options_.path.parent_path());
        }
        auto database = std::make_unique<SQLite::Database>(
            options_.path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        std::filesystem::permissions(options_.path, std::filesystem::perms::owner_read |
                                                        std::filesystem::perms::owner_write);
        const std::int64_t format = number(*database, "PRAGMA user_version");
        if (format != 0 && format != kFormat) {
            throw std::runtime_error("the file is of format " + std::to_string(format) +
                                     ", expected " + std::to_string(kFormat));
        }
        database->setBusyTimeout(1000);
        database->exec("PRAGMA auto_vacuum = INCREMENTAL");
        database->exec("PRAGMA journal_mode = WAL");
        database->exec("PRAGMA synchronous = NORMAL");
        database->exec("PRAGMA secure_delete = ON");
        database->exec(kSchema);
        database->exec("PRAGMA user_version = " + std::to_string(kFormat));
        names_ = std::make_unique<Names>();
        database_ = std::move(database);
        recover();
        return true;
    } catch (const std::exception& error) {
        fail(error.what());
        return false;
    }
}

bool History::write(const std::vector<MessagePtr>& events) {
    if (events.empty()) {
        return true;
    }
    try {
        SQLite::Transaction transaction(*database_);
        SQLite::Statement add(*database_,
                              "INSERT INTO event(stream, epoch, seq, time_ms, type, json) "
                              "VALUES (?, ?, ?, ?, ?, ?)");
        for (const MessagePtr& event : events) {
            const Message::About& about = event->about();
            add.bind(1, about.stream.empty() ? std::int64_t{0}
                                             : Names::id(*database_, names_->streams, "stream",
                                                         "name", about.stream));
            add.bind(2, Names::id(*database_, names_->epochs, "epoch", "uuid", about.epoch));
            add.bind(3, static_cast<std::int64_t>(about.seq));
            add.bind(4, to_ms(about.time));
            add.bind(5, static_cast<int>(about.type.value_or(EventType::Error)));
            add.bind(6, std::string(event->text()));
            add.exec();
            add.reset();
        }
        transaction.commit();
    } catch (const std::exception& error) {
        names_ = std::make_unique<Names>();  // what it added was rolled back
        fail(error.what());
        return false;
    }
    recover();
    const std::scoped_lock lock(mutex_);
    counters_.written += events.size();
    // While this was writing, some of them may have been given up as too many.
    for (const MessagePtr& event : events) {
        if (!waiting_.empty() && waiting_.front() == event) {
            waiting_bytes_ -= event->line().size();
            waiting_.pop_front();
        } else {
            --counters_.lost;
        }
    }
    return true;
}

/// All was written to the end: who resumes need not be told that more of it may be missing.
void History::mark_whole() {
    if (counters().lost > 0) {
        return;
    }
    try {
        for (const auto& [uuid, id] : names_->epochs) {
            database_->exec("INSERT OR IGNORE INTO whole_epoch VALUES (" + std::to_string(id) +
                            ")");
        }
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

/// At most kPrunedAtOnce events at a time, so that nobody waits for it; the rest soon after.
void History::prune() {
    const auto erase_oldest = [this](const std::string& where, std::int64_t count) {
        return database_->exec("DELETE FROM event WHERE id IN (SELECT id FROM event " + where +
                               " ORDER BY time_ms, id LIMIT " +
                               std::to_string(std::min(count, kPrunedAtOnce)) + ")");
    };
    try {
        const auto oldest = std::chrono::system_clock::now() - options_.max_age;
        int pruned =
            erase_oldest("WHERE time_ms < " + std::to_string(to_ms(oldest)), kPrunedAtOnce);
        const auto used = static_cast<double>(used_bytes(*database_));
        const double wanted = kPrunedTo * static_cast<double>(options_.max_bytes);
        if (used > static_cast<double>(options_.max_bytes)) {
            const auto events =
                static_cast<double>(number(*database_,
                                           "SELECT coalesce((SELECT max(id) FROM event), 0) - "
                                           "coalesce((SELECT min(id) FROM event), 0) + 1"));
            pruned += erase_oldest("", std::llround(std::ceil(events * (used - wanted) / used)));
        }
        if (pruned > 0) {
            database_->exec("PRAGMA incremental_vacuum");
        }
        const std::uint64_t bytes = used_bytes(*database_);
        const bool again = pruned >= kPrunedAtOnce || (pruned > 0 && bytes > options_.max_bytes);
        next_prune_ =
            std::chrono::steady_clock::now() + (again ? std::chrono::seconds(0) : kPruneInterval);
        const std::scoped_lock lock(mutex_);
        counters_.bytes = bytes;
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

void History::fail(const std::string& what) {
    {
        const std::scoped_lock lock(mutex_);
        if (std::exchange(counters_.failing, true)) {
            return;
        }
    }
    spdlog::error("history {}: {}; trying again every second", options_.path.string(), what);
    announce("history_failed", "events are not recorded at present: " + what);
}

void History::recover() {
    std::uint64_t lost = 0;
    {
        const std::scoped_lock lock(mutex_);
        if (!std::exchange(counters_.failing, false)) {
            return;
        }
        lost = counters_.lost - std::exchange(lost_told_, counters_.lost);
    }
    spdlog::info("history {}: recording again, {} events lost", options_.path.string(), lost);
    announce("history_resumed",
             "events are recorded again; " + std::to_string(lost) + " were lost meanwhile");
}

void History::announce(std::string code, std::string message) {
    boost::asio::post(io_,
                      [announce = announce_, code = std::move(code), message = std::move(message)] {
                          announce({.code = code, .message = message, .fatal = false});
                      });
}

}  // namespace emotiond::daemon
