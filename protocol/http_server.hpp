#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "protocol/hub.hpp"
#include "protocol/server.hpp"
#include "protocol/server_options.hpp"

namespace emotiond::protocol {

/// One port for browsers and everybody else who speaks HTTP: the hub's messages over WebSocket at
/// /v1/stream (one JSON object a text frame) and as server-sent events at /v1/events, and what
/// ServerOptions::http answers.
///
/// A page of another origin gets nothing, nor does one that reaches the server by a name that is
/// not its own (DNS rebinding).
/// Errors: throws std::runtime_error "cannot listen on 127.0.0.1:8790: <reason>".
/// Source: RFC 9110, RFC 9112, RFC 6455; WHATWG HTML, 9.2 (server-sent events).
class HttpServer : public Server {
 public:
    HttpServer(boost::asio::io_context& io, const boost::asio::ip::tcp::endpoint& endpoint,
               Hub& hub, ServerOptions options = {});
    /// acceptor: one that listens already.
    HttpServer(boost::asio::ip::tcp::acceptor acceptor, Hub& hub, ServerOptions options = {});
};

}  // namespace emotiond::protocol
