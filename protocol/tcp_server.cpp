#include "protocol/tcp_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/session.hpp"

namespace emotiond::protocol {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class TcpSession final : public Session {
 public:
    TcpSession(std::shared_ptr<Listener> listener, tcp::socket socket)
        : Session(std::move(listener), socket.get_executor()), socket_(std::move(socket)) {}

    void start() override { open(std::nullopt); }

 private:
    void write(const std::vector<MessagePtr>& batch) override {
        buffers_.clear();
        for (const MessagePtr& message : batch) {
            buffers_.push_back(asio::buffer(message->line()));
        }
        asio::async_write(
            socket_, buffers_,
            [this, self = shared_from_this()](boost::system::error_code error, std::size_t bytes) {
                on_written(error, bytes);
            });
    }

    /// As many buffers as Asio hands to one system call.
    std::size_t max_batch() const override { return 64; }

    void read() override {
        asio::async_read_until(
            socket_, asio::dynamic_buffer(input_, kMaxCommandBytes), '\n',
            [this, self = shared_from_this()](boost::system::error_code error, std::size_t bytes) {
                if (error == asio::error::not_found) {
                    input_.clear();
                    refuse({.code = "too_big",
                            .message =
                                "a line has at most " + std::to_string(kMaxCommandBytes) + " bytes",
                            .fatal = true});
                } else if (error) {
                    cut();
                } else {
                    on_command(take_line(bytes));
                }
            });
    }

    std::string take_line(std::size_t bytes) {
        std::string line = input_.substr(0, bytes - 1);
        input_.erase(0, bytes);
        if (line.ends_with('\r')) {
            line.pop_back();
        }
        return line;
    }

    void hang_up() override {
        boost::system::error_code ignored;  // reading tells the same
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }

    void close_socket() override {
        boost::system::error_code ignored;  // nothing is left to do about it
        socket_.close(ignored);
    }

    tcp::socket socket_;
    std::string input_;
    std::vector<asio::const_buffer> buffers_;
};

}  // namespace

TcpServer::TcpServer(asio::io_context& io, const tcp::endpoint& endpoint, Hub& hub,
                     ServerOptions options)
    : Server(std::make_shared<Listener>(
          io, endpoint, hub, std::move(options),
          [](std::shared_ptr<Listener> listener, tcp::socket socket) -> std::shared_ptr<Session> {
              return std::make_shared<TcpSession>(std::move(listener), std::move(socket));
          })) {}

}  // namespace emotiond::protocol
