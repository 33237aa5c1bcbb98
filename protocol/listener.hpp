#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string_view>

#include "protocol/connection.hpp"
#include "protocol/hub.hpp"
#include "protocol/server_options.hpp"
#include "protocol/session.hpp"

namespace emotiond::protocol {

/// An acceptor that listens on the endpoint.
/// Errors: throws std::runtime_error "cannot listen on 127.0.0.1:8791: <reason>".
boost::asio::ip::tcp::acceptor listen_on(boost::asio::io_context& io,
                                         const boost::asio::ip::tcp::endpoint& endpoint);

/// Accepts connections and owns the sessions made of them. Handlers that wait in the io_context
/// share the ownership of listener and sessions, so they may safely outlive the server; after
/// abort() they touch neither the hub nor the options.
/// Network thread only.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
    using Socket = boost::asio::ip::tcp::socket;

    struct Transport {
        std::shared_ptr<Session> (*make_session)(std::shared_ptr<Listener>, Connection);
        std::string_view too_many;  ///< what one connection too many is told
    };

    /// acceptor: one that listens.
    Listener(boost::asio::ip::tcp::acceptor acceptor, Hub& hub, ServerOptions options,
             Transport transport);

    void accept();
    void stop(std::chrono::milliseconds deadline);
    void abort();

    /// A session that has ended is owned no longer.
    void forget(const std::shared_ptr<Session>& session);

    /// Another session goes on with the connection.
    void replace(const std::shared_ptr<Session>& session, const std::shared_ptr<Session>& by);

    /// For a connection that is secure, or never will be.
    std::shared_ptr<Session> make_session(Connection connection);

    void report(std::string_view problem) const;

    Hub& hub() { return hub_; }
    const ServerOptions& options() const { return options_; }
    boost::asio::ip::tcp::endpoint local_endpoint() const { return local_endpoint_; }

 private:
    void start_session(Socket socket);
    void turn_away(Socket& socket) const;
    void accept_later();

    Hub& hub_;
    ServerOptions options_;
    Transport transport_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::ip::tcp::endpoint local_endpoint_;
    boost::asio::steady_timer backoff_;
    std::shared_ptr<Flusher> flusher_;
    bool failing_ = false;  // so that a failure that lasts is reported once
    std::map<std::shared_ptr<Session>, ConnectionLimiter::Ticket> sessions_;
};

}  // namespace emotiond::protocol
