#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/command.hpp"
#include "protocol/history_reader.hpp"
#include "protocol/listener.hpp"
#include "protocol/outbox.hpp"
#include "protocol/session.hpp"
#include "protocol/subscriber.hpp"
#include "protocol/subscription.hpp"

namespace emotiond::protocol {

/// A connection that gets events: pumps an outbox into it and obeys its commands. What differs
/// between the transports is behind the private virtual functions.
///
///     Starting --open()--> Open --close()--> Closing --outbox empty--> HangingUp --> Closed
///                                            no more                  no more writes,
///                                            deliveries               the peer hangs up too
///
/// A failed write leads to HangingUp, cut() to Closed, from everywhere. With tokens nothing but
/// a first hello is sent in Open until the client has shown one.
///
/// A stream that the client resumes is `behind`: its events come from the replay buffer, and
/// before that from the history, as fast as the client takes them; the live ones follow when it has
/// caught up.
class EventSession : public Session, public Subscriber {
 public:
    /// The longest command: a line with its end, or the text of a frame.
    static constexpr std::size_t kMaxCommandBytes = std::size_t{64} * 1024;

    void deliver(const MessagePtr& message) final;
    void close(std::chrono::milliseconds deadline) final;
    void cut() final;

 protected:
    /// Why the server ends a connection.
    enum class Goodbye { Done, GoingAway, NotAuthorised, SlowConsumer, TooBig };

    EventSession(std::shared_ptr<Listener> listener, const boost::asio::any_io_executor& executor);

    /// The transport is ready. rights: none where a token is needed and was not shown yet.
    void open(std::optional<std::chrono::milliseconds> idle_timeout, std::optional<Rights> rights);

    /// in_order: the streams that it resumes come in the order in which their events were
    /// published, none live before all have caught up. Only for positions in this epoch.
    void subscribe(const Subscribe& command, const std::string& request_id, bool in_order = false);

    /// What write() led to.
    void on_written(boost::system::error_code error, std::size_t bytes);

    /// What read() led to. An empty command is a line without text: it means nothing.
    void on_command(std::string_view text);

    /// What else read() led to: bytes that are no command, and nothing behind them can be one.
    void on_bad_input(ErrorEvent error, Goodbye why);

    /// For a fatal error: it is told, and the connection closed.
    void refuse(ErrorEvent error, Goodbye why);

    /// For what belongs to this client alone.
    void send(const MessagePtr& message);

    /// Events that the client has missed and nobody holds.
    void tell_not_held(const std::string& stream, const std::string& epoch,
                       std::optional<std::uint64_t> from_seq, std::optional<std::uint64_t> to_seq);

    Hub& hub() { return listener_->hub(); }
    const ServerOptions& options() const { return listener_->options(); }

 private:
    enum class State { Starting, Open, Closing, HangingUp, Closed };

    /// A stream that is behind: what comes next of it follows this event.
    struct Cursor {
        std::string epoch;
        std::uint64_t seq = 0;
        bool history_ended = false;  ///< the history holds nothing after it
        bool end_is_held = false;    ///< by the history, of its epoch
    };
    using Behind = std::map<std::string, Cursor>;

    /// Writes all of the batch, then calls on_written(). The messages stay alive until then.
    virtual void write(const std::vector<MessagePtr>& batch) = 0;
    virtual std::size_t max_batch() const = 0;

    /// Reads one command, then calls on_command(); cuts the session when the peer has gone.
    virtual void read() = 0;

    /// Tells the peer that nothing more comes. A read that waits, or the transport itself, sees
    /// the peer's answer and cuts the session.
    virtual void hang_up(Goodbye why) = 0;

    virtual void close_socket() = 0;
    virtual std::size_t unsent_bytes() const = 0;
    virtual std::optional<double> round_trip_ms() { return std::nullopt; }
    virtual std::string peer_address() const = 0;

    void obey(const Command& command);
    void authorise(const std::string& token, const std::string& request_id);
    void control(const ControlCommand& command, const std::string& request_id);
    void join(Rights rights);
    void pump();
    void catch_up();
    void advance(Behind::iterator stream);
    void advance_in_order();
    void read_history(const Position& position);
    void on_page(const Position& position, const HistoryReader::Page& page);
    void take(const MessagePtr& message);
    void give_up_on_slow_client();
    void read_next();
    void leave();

    std::shared_ptr<Listener> listener_;
    Outbox outbox_;
    Subscription subscription_;
    Behind behind_;
    boost::asio::steady_timer deadline_;
    std::optional<std::chrono::milliseconds> idle_timeout_;
    State state_ = State::Starting;
    Goodbye goodbye_ = Goodbye::GoingAway;
    std::uint64_t subscriptions_ = 0;  ///< so that an answer to an older one is known as such
    bool authorised_ = false;
    bool writing_ = false;
    bool reading_ = false;
    bool reading_history_ = false;
    bool too_slow_ = false;
    bool in_order_ = false;
    bool will_pump_ = false;
};

}  // namespace emotiond::protocol
