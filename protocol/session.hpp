#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/listener.hpp"
#include "protocol/outbox.hpp"
#include "protocol/subscriber.hpp"

namespace emotiond::protocol {

/// One connection: pumps an outbox into it and answers its commands. What differs between the
/// transports is behind the private virtual functions.
///
///     Starting --open()--> Open --close()--> Closing --outbox empty--> HangingUp --> Closed
///                                            no more                  no more writes,
///                                            deliveries               the peer hangs up too
///
/// A failed write leads to HangingUp, cut() to Closed, from everywhere. Network thread only.
class Session : public Subscriber, public std::enable_shared_from_this<Session> {
 public:
    /// The longest command: a line with its end, or the text of a frame.
    static constexpr std::size_t kMaxCommandBytes = std::size_t{64} * 1024;

    virtual void start() = 0;

    void deliver(const MessagePtr& message) final;

    /// Sends what is queued, then hangs up; cuts the connection when that takes longer.
    void close(std::chrono::milliseconds deadline);

    void cut();

 protected:
    Session(std::shared_ptr<Listener> listener, const boost::asio::any_io_executor& executor);

    /// The transport is ready: joins the hub.
    void open(std::optional<std::chrono::milliseconds> idle_timeout);

    /// What write() led to.
    void on_written(boost::system::error_code error, std::size_t bytes);

    /// What read() led to. An empty command is a line without text: it means nothing.
    void on_command(std::string_view command);

    /// For a fatal error: it is told, and the connection closed.
    void refuse(ErrorEvent error);

    const ServerOptions& options() const { return listener_->options(); }

 private:
    enum class State { Starting, Open, Closing, HangingUp, Closed };

    /// Writes all of the batch, then calls on_written(). The messages stay alive until then.
    virtual void write(const std::vector<MessagePtr>& batch) = 0;
    virtual std::size_t max_batch() const = 0;

    /// Reads one command, then calls on_command(); cuts the session when the peer has gone.
    virtual void read() = 0;

    /// Tells the peer that nothing more comes. A read that waits, or the transport itself, sees
    /// the peer's answer and cuts the session.
    virtual void hang_up() = 0;

    virtual void close_socket() = 0;

    void pump();
    void read_next();
    void leave();

    std::shared_ptr<Listener> listener_;
    Outbox outbox_;
    boost::asio::steady_timer deadline_;
    State state_ = State::Starting;
    bool writing_ = false;
    bool reading_ = false;
};

}  // namespace emotiond::protocol
