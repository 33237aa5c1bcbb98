#include "protocol/websocket_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/session.hpp"

namespace emotiond::protocol {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;

constexpr std::string_view kPath = "/v1/stream";
constexpr std::chrono::seconds kHttpTimeout{30};
constexpr std::size_t kDiscardBytes = 4096;

/// A connection that starts as HTTP and mostly becomes a WebSocket.
class WebSocketSession final : public Session {
 public:
    WebSocketSession(std::shared_ptr<Listener> listener, tcp::socket socket)
        : Session(std::move(listener), socket.get_executor()), websocket_(std::move(socket)) {}

    void start() override {
        request_.body_limit(boost::none);  // no body is ever read
        stream().expires_after(kHttpTimeout);
        http::async_read_header(stream(), buffer_, request_,
                                [this, self = shared_from_this()](
                                    beast::error_code error, std::size_t) { on_request(error); });
    }

 private:
    void on_request(beast::error_code error) {
        const auto& request = request_.get();
        const std::string_view target(request.target().data(), request.target().size());
        if (error && !is_about_http(error)) {
            cut();
        } else if (error) {
            answer(http::status::bad_request, "this is not HTTP\n");
        } else if (target.substr(0, target.find('?')) != kPath) {
            answer(http::status::not_found, "not found: the events are at /v1/stream\n");
        } else if (request.method() != http::verb::get) {
            answer(http::status::method_not_allowed, "method not allowed: use GET\n");
        } else if (!websocket::is_upgrade(request)) {
            answer(http::status::upgrade_required, "upgrade required: this is a WebSocket\n");
        } else {
            upgrade();
        }
    }

    static bool is_about_http(beast::error_code error) {
        return error.category() == make_error_code(http::error::bad_method).category();
    }

    void upgrade() {
        stream().expires_never();  // the WebSocket keeps its own time
        auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::server);
        timeout.idle_timeout = options().idle_timeout;
        websocket_.set_option(timeout);
        websocket_.read_message_max(kMaxCommandBytes);
        websocket_.auto_fragment(false);
        websocket_.text(true);
        websocket_.async_accept(request_.get(),
                                [this, self = shared_from_this()](beast::error_code error) {
                                    if (error) {
                                        return cut();
                                    }
                                    buffer_.clear();
                                    open(options().idle_timeout);
                                });
    }

    void answer(http::status status, std::string_view text) {
        const auto& request = request_.get();
        response_.version(11);
        response_.result(status);
        response_.keep_alive(false);
        response_.set(http::field::content_type, "text/plain; charset=utf-8");
        if (status == http::status::method_not_allowed) {
            response_.set(http::field::allow, "GET");
        } else if (status == http::status::upgrade_required) {
            response_.set(http::field::upgrade, "websocket");
        }
        if (request.method() != http::verb::head) {
            response_.body() = text;
        }
        response_.prepare_payload();
        http::async_write(stream(), response_,
                          [this, self = shared_from_this()](beast::error_code error, std::size_t) {
                              if (error) {
                                  return cut();
                              }
                              beast::error_code ignored;  // reading tells the same
                              stream().socket().shutdown(tcp::socket::shutdown_send, ignored);
                              discard();
                          });
    }

    /// Reads until the client has the answer and hangs up: closing a socket that holds unread
    /// input would reset the connection, and with it the answer.
    void discard() {
        buffer_.clear();
        stream().async_read_some(
            buffer_.prepare(kDiscardBytes),
            [this, self = shared_from_this()](beast::error_code error, std::size_t) {
                if (error) {
                    return cut();
                }
                discard();
            });
    }

    void write(const std::vector<MessagePtr>& batch) override {
        websocket_.async_write(
            asio::buffer(batch.front()->text()),
            [this, self = shared_from_this()](beast::error_code error, std::size_t bytes) {
                on_written(error, bytes);
            });
    }

    std::size_t max_batch() const override { return 1; }

    void read() override {
        websocket_.async_read(
            buffer_, [this, self = shared_from_this()](beast::error_code error, std::size_t) {
                if (error) {
                    return cut();  // Beast has closed with what RFC 6455 asks for: 1000, 1009 ...
                }
                const std::string command = beast::buffers_to_string(buffer_.data());
                buffer_.clear();
                on_command(command);
            });
    }

    void hang_up() override {
        websocket_.async_close({websocket::close_code::going_away, "going away"},
                               [this, self = shared_from_this()](beast::error_code) { cut(); });
    }

    void close_socket() override { stream().close(); }

    beast::tcp_stream& stream() { return websocket_.next_layer(); }

    websocket::stream<beast::tcp_stream> websocket_;
    beast::flat_buffer buffer_;
    http::request_parser<http::empty_body> request_;
    http::response<http::string_body> response_;
};

}  // namespace

WebSocketServer::WebSocketServer(asio::io_context& io, const tcp::endpoint& endpoint, Hub& hub,
                                 ServerOptions options)
    : Server(std::make_shared<Listener>(
          io, endpoint, hub, std::move(options),
          [](std::shared_ptr<Listener> listener, tcp::socket socket) -> std::shared_ptr<Session> {
              return std::make_shared<WebSocketSession>(std::move(listener), std::move(socket));
          })) {}

}  // namespace emotiond::protocol
