#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "protocol/hub.hpp"
#include "protocol/server.hpp"
#include "protocol/server_options.hpp"

namespace emotiond::protocol {

/// Serves the hub's messages as NDJSON: one JSON object a line.
/// Errors: throws std::runtime_error "cannot listen on 127.0.0.1:8790: <reason>".
class TcpServer : public Server {
 public:
    TcpServer(boost::asio::io_context& io, const boost::asio::ip::tcp::endpoint& endpoint, Hub& hub,
              ServerOptions options = {});
    /// acceptor: one that listens already.
    TcpServer(boost::asio::ip::tcp::acceptor acceptor, Hub& hub, ServerOptions options = {});
};

}  // namespace emotiond::protocol
