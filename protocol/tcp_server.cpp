#include "protocol/tcp_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/event_session.hpp"

namespace emotiond::protocol {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class TcpSession final : public EventSession {
 public:
    TcpSession(std::shared_ptr<Listener> listener, Connection connection)
        : EventSession(std::move(listener), connection.get_executor()),
          connection_(std::move(connection)) {}

    void start() override {
        open(std::nullopt, options().authorise ? std::nullopt : std::optional(Rights{}));
    }

 private:
    void write(const std::vector<MessagePtr>& batch) override {
        buffers_.clear();
        for (const MessagePtr& message : batch) {
            buffers_.push_back(asio::buffer(message->line()));
        }
        connection_.async_write_some(
            buffers_,
            [this, self = shared_from_this()](boost::system::error_code error, std::size_t bytes) {
                on_written(error, bytes);
            });
    }

    std::size_t max_batch() const override { return 64; }

    void read() override {
        asio::async_read_until(
            connection_, asio::dynamic_buffer(input_, kMaxCommandBytes), '\n',
            [this, self = shared_from_this()](boost::system::error_code error, std::size_t bytes) {
                if (error == asio::error::not_found) {
                    input_.clear();
                    on_bad_input({.code = "too_big",
                                  .message = "a line has at most " +
                                             std::to_string(kMaxCommandBytes) + " bytes",
                                  .fatal = true},
                                 Goodbye::TooBig);
                } else if (error) {
                    cut();
                } else {
                    obey_line(take_line(bytes));
                }
            });
    }

    /// Any web page can have a browser send text of its choice here, but only behind the head of an
    /// HTTP request.
    void obey_line(const std::string& line) {
        if (!line.starts_with('{') && line.find(" HTTP/") != std::string::npos) {
            return on_bad_input({.code = "bad_json",
                                 .message = "this port speaks no HTTP, but JSON lines",
                                 .fatal = true},
                                Goodbye::NotAuthorised);
        }
        on_command(line);
    }

    std::string take_line(std::size_t bytes) {
        std::string line = input_.substr(0, bytes - 1);
        input_.erase(0, bytes);
        if (line.ends_with('\r')) {
            line.pop_back();
        }
        return line;
    }

    void hang_up(Goodbye) override { connection_.end_sending(); }
    void close_socket() override { connection_.close(); }
    std::optional<double> round_trip_ms() override { return connection_.round_trip_ms(); }
    std::size_t unsent_bytes() const override { return connection_.unsent_bytes(); }
    std::string peer_address() const override { return connection_.peer_address(); }

    Connection connection_;
    std::string input_;
    std::vector<asio::const_buffer> buffers_;
};

std::shared_ptr<Session> make_tcp_session(std::shared_ptr<Listener> listener,
                                          Connection connection) {
    return std::make_shared<TcpSession>(std::move(listener), std::move(connection));
}

constexpr std::string_view kTooMany =
    R"({"v":1,"type":"error","code":"too_many_connections",)"
    R"("message":"the server has as many connections as it may","fatal":true})"
    "\n";

}  // namespace

TcpServer::TcpServer(asio::io_context& io, const tcp::endpoint& endpoint, Hub& hub,
                     ServerOptions options)
    : TcpServer(listen_on(io, endpoint), hub, std::move(options)) {}

TcpServer::TcpServer(tcp::acceptor acceptor, Hub& hub, ServerOptions options)
    : Server(std::make_shared<Listener>(std::move(acceptor), hub, std::move(options),
                                        Listener::Transport{make_tcp_session, kTooMany})) {}

}  // namespace emotiond::protocol
