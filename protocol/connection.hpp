#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/flusher.hpp"

namespace emotiond::protocol {

/// A TCP connection, with TLS or without: an asynchronous stream in the sense of Asio and Beast.
///
/// What is written goes into a buffer and, with what others wrote, to the kernel in the flusher's
/// next round. A write is done when the buffer has it, and waits while the buffer is full:
///
///     async_write_some() > [ waiting ] > round > [ being sent ] > kernel
///
/// A write is never mixed with another: control frames of a WebSocket come between its data frames.
/// What goes wrong while sending is told by the next write, and by reading.
/// Network thread only.
class Connection {
 public:
    using Socket = boost::asio::ip::tcp::socket;
    using executor_type = Socket::executor_type;
    using ErrorCode = boost::system::error_code;

    /// From this size on a write waits.
    static constexpr std::size_t kFullBytes = std::size_t{64} * 1024;

    /// tls: null for none. Only its state at the time of the call matters.
    Connection(Socket socket, std::shared_ptr<boost::asio::ssl::context> tls,
               std::shared_ptr<Flusher> flusher);

    executor_type get_executor() noexcept;
    Socket& socket();

    using Tls = boost::asio::ssl::stream<Socket&>;

    /// For the handshake, before anything else; null without TLS.
    Tls* tls() { return state_->tls ? &*state_->tls : nullptr; }

    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        if (state_->tls) {
            state_->tls->async_read_some(buffers, std::forward<Handler>(handler));
        } else {
            state_->socket.async_read_some(buffers, std::forward<Handler>(handler));
        }
    }

    /// All of the buffers, whatever the name says.
    template <class Buffers, class Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
        const std::size_t bytes = append(buffers);
        auto done = [state = state_, bytes, handler = std::forward<Handler>(handler)]() mutable {
            std::move(handler)(state->error, state->error ? 0 : bytes);
        };
        if (is_full()) {
            // std::function wants to copy; this is never copied.
            state_->flusher->hurry();
            when_room(
                [shared = std::make_shared<decltype(done)>(std::move(done))] { (*shared)(); });
        } else {
            boost::asio::post(get_executor(), std::move(done));
        }
    }

    /// Nothing more is written. When all has been sent the peer is told; what it sends can still be
    /// read. With TLS it sees the end of the stream without a close_notify, which every message's
    /// own end makes harmless.
    void end_sending();

    /// At once; what was not sent is lost.
    void close() noexcept;

    /// Calls it when all has been sent, or cannot be.
    void when_sent(std::function<void()> call);

    std::size_t unsent_bytes() const;

    /// The other side's address; empty where it has gone.
    std::string peer_address() const;

    /// The smoothed round trip in milliseconds, as the kernel measures it.
    std::optional<double> round_trip_ms() noexcept;

 private:
    /// Stays where it is while the connection changes hands.
    struct State {
        State(Socket plain, std::shared_ptr<boost::asio::ssl::context> secure,
              std::shared_ptr<Flusher> rounds);

        Socket socket;
        std::shared_ptr<boost::asio::ssl::context> context;
        std::optional<Tls> tls;
        std::shared_ptr<Flusher> flusher;
        std::vector<char> waiting;
        std::vector<char> being_sent;
        std::vector<std::function<void()>> on_room;  ///< of Beast there may be one beside ours
        std::function<void()> on_sent;
        ErrorCode error;
        bool will_flush = false;
        bool sending = false;
        bool ends = false;
    };

    template <class Buffers>
    std::size_t append(const Buffers& buffers) {
        std::vector<char>& waiting = state_->waiting;
        const std::size_t before = waiting.size();
        const auto end = boost::asio::buffer_sequence_end(buffers);
        for (auto part = boost::asio::buffer_sequence_begin(buffers); part != end; ++part) {
            const boost::asio::const_buffer bytes(*part);
            const auto* data = static_cast<const char*>(bytes.data());
            waiting.insert(waiting.end(), data, data + bytes.size());
        }
        will_flush(state_);
        return waiting.size() - before;
    }

    bool is_full() const { return state_->waiting.size() >= kFullBytes && !state_->error; }
    void when_room(std::function<void()> call) { state_->on_room.push_back(std::move(call)); }

    static void tell_room(State& state);
    static void will_flush(const std::shared_ptr<State>& state);
    static void flush(const std::shared_ptr<State>& state);
    static void send(const std::shared_ptr<State>& state);
    static void on_sent(const std::shared_ptr<State>& state, ErrorCode error);

    std::shared_ptr<State> state_;
};

// What Beast asks of a stream that it does not know.
inline void beast_close_socket(Connection& connection) {
    connection.close();
}

inline void teardown(boost::beast::role_type role, Connection& connection,
                     boost::beast::error_code& error) {
    boost::beast::websocket::teardown(role, connection.socket(), error);
}

template <class Handler>
void async_teardown(boost::beast::role_type role, Connection& connection, Handler&& handler) {
    auto go_on = [role, &connection, handler = std::forward<Handler>(handler)]() mutable {
        boost::beast::websocket::async_teardown(role, connection.socket(), std::move(handler));
    };
    connection.when_sent(
        [shared = std::make_shared<decltype(go_on)>(std::move(go_on))] { (*shared)(); });
}

}  // namespace emotiond::protocol
