#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace emotiond::protocol {

/// A TCP connection, with TLS or without: an asynchronous stream in the sense of Asio and Beast.
/// Network thread only.
class Connection {
 public:
    using Socket = boost::asio::ip::tcp::socket;
    using executor_type = Socket::executor_type;

    /// tls: null for none. Only its state at the time of the call matters.
    Connection(Socket socket, const std::shared_ptr<boost::asio::ssl::context>& tls)
        : socket_(std::make_unique<Socket>(std::move(socket))), context_(tls) {
        if (tls) {
            tls_ = std::make_unique<boost::asio::ssl::stream<Socket&>>(*socket_, *tls);
        }
    }

    executor_type get_executor() noexcept { return socket_->get_executor(); }
    Socket& socket() { return *socket_; }
    bool has_tls() const { return tls_ != nullptr; }

    /// handler(error_code). Only where has_tls().
    template <class Handler>
    void async_handshake(Handler&& handler) {
        tls_->async_handshake(boost::asio::ssl::stream_base::server,
                              std::forward<Handler>(handler));
    }

    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        if (tls_) {
            tls_->async_read_some(buffers, std::forward<Handler>(handler));
        } else {
            socket_->async_read_some(buffers, std::forward<Handler>(handler));
        }
    }

    template <class Buffers, class Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
        if (tls_) {
            tls_->async_write_some(buffers, std::forward<Handler>(handler));
        } else {
            socket_->async_write_some(buffers, std::forward<Handler>(handler));
        }
    }

    /// Nothing more is sent; what the peer sends can still be read. With TLS the peer sees the end
    /// of the stream without a close_notify, which every message's own end makes harmless.
    void end_sending() noexcept {
        boost::system::error_code ignored;  // reading tells the same
        socket_->shutdown(Socket::shutdown_send, ignored);
    }

    void close() noexcept {
        boost::system::error_code ignored;  // nothing is left to do about it
        socket_->close(ignored);
    }

    /// The smoothed round trip in milliseconds, as the kernel measures it.
    std::optional<double> round_trip_ms() noexcept;

 private:
    std::unique_ptr<Socket> socket_;  // where it is must not change: the stream refers to it
    std::shared_ptr<boost::asio::ssl::context> context_;
    std::unique_ptr<boost::asio::ssl::stream<Socket&>> tls_;
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
    boost::beast::websocket::async_teardown(role, connection.socket(),
                                            std::forward<Handler>(handler));
}

}  // namespace emotiond::protocol
