#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "protocol/hub.hpp"
#include "protocol/server.hpp"
#include "protocol/server_options.hpp"

namespace emotiond::protocol {

/// Serves the hub's messages over WebSocket at /v1/stream: one JSON object a text frame. Any
/// other HTTP request gets its 4xx answer.
/// Errors: throws std::runtime_error "cannot listen on 127.0.0.1:8791: <reason>".
/// Source: RFC 6455.
class WebSocketServer : public Server {
 public:
    WebSocketServer(boost::asio::io_context& io, const boost::asio::ip::tcp::endpoint& endpoint,
                    Hub& hub, ServerOptions options = {});
};

}  // namespace emotiond::protocol
