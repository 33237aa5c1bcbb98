#include "protocol/http_server.hpp"

#include <memory>
#include <string_view>
#include <utility>

#include "protocol/http_session.hpp"

namespace emotiond::protocol {

namespace {

constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: application/json\r\nRetry-After: 5\r\n"
    "Connection: close\r\n\r\n"
    R"({"error":{"code":"too_many_connections","message":"the server has as many connections as it may"}})"
    "\n";

}  // namespace

HttpServer::HttpServer(boost::asio::io_context& io, const boost::asio::ip::tcp::endpoint& endpoint,
                       Hub& hub, ServerOptions options)
    : HttpServer(listen_on(io, endpoint), hub, std::move(options)) {}

HttpServer::HttpServer(boost::asio::ip::tcp::acceptor acceptor, Hub& hub, ServerOptions options)
    : Server(std::make_shared<Listener>(std::move(acceptor), hub, std::move(options),
                                        Listener::Transport{make_http_session, kTooMany})) {}

}  // namespace emotiond::protocol
