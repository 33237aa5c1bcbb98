#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

namespace emotiond::protocol {

/// How long a test waits for what must happen. Only a failing test ever waits that long.
constexpr std::chrono::seconds kPatience{20};

/// The kernel buffers little for a client with this, so that a test needs few events to fill it.
/// With much less than a segment of the loopback interface TCP itself stalls for seconds.
constexpr int kSmallReceiveBuffer = 65536;

/// What the two clients share: every call waits for its result, and throws when none comes.
class Client {
 public:
    using Tcp = boost::asio::ip::tcp;
    using ErrorCode = boost::system::error_code;

 protected:
    /// start(handler): begins an asynchronous operation. Returns what it ended with.
    template <class Start>
    ErrorCode await(Start start) {
        std::optional<ErrorCode> result;
        start([&result](ErrorCode error, auto...) { result = error; });
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        io_.restart();
        while (!result) {
            if (io_.run_one_until(deadline) == 0) {
                throw std::runtime_error("the server did not react in time");
            }
        }
        return *result;
    }

    static void must_succeed(ErrorCode error) {
        if (error) {
            throw boost::system::system_error(error);
        }
    }

    Tcp::socket connected(const Tcp::endpoint& endpoint, int receive_buffer) {
        Tcp::socket socket(io_, endpoint.protocol());
        if (receive_buffer > 0) {
            socket.set_option(Tcp::socket::receive_buffer_size(receive_buffer));
        }
        must_succeed(await([&](auto handler) { socket.async_connect(endpoint, handler); }));
        return socket;
    }

    boost::asio::io_context io_;
};

/// Speaks NDJSON, or any other text.
class TcpClient : public Client {
 public:
    explicit TcpClient(const Tcp::endpoint& server, int receive_buffer = 0)
        : socket_(connected(server, receive_buffer)) {}

    /// The next line, or nothing when the server has ended the connection in good order.
    std::optional<std::string> receive() {
        std::size_t bytes = 0;
        const ErrorCode error = await([&](auto handler) {
            boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(input_), '\n',
                                          [&bytes, handler](ErrorCode result, std::size_t n) {
                                              bytes = n;
                                              handler(result);
                                          });
        });
        if (error == boost::asio::error::eof && input_.empty()) {
            socket_.close();
            return std::nullopt;
        }
        must_succeed(error);
        std::string line = input_.substr(0, bytes - 1);
        input_.erase(0, bytes);
        return line;
    }

    /// Everything until the server ends the connection.
    std::string receive_rest() {
        const ErrorCode error = await([&](auto handler) {
            boost::asio::async_read(socket_, boost::asio::dynamic_buffer(input_), handler);
        });
        if (error != boost::asio::error::eof) {
            must_succeed(error);
        }
        return input_;
    }

    void send(const std::string& command) { send_raw(command + '\n'); }

    void send_raw(const std::string& text) {
        must_succeed(await([&](auto handler) {
            boost::asio::async_write(socket_, boost::asio::buffer(text), handler);
        }));
    }

    /// Sends while the calls that follow wait; whether it ever ends is not looked at.
    void send_meanwhile(std::string text) {
        output_ = std::move(text);
        boost::asio::async_write(socket_, boost::asio::buffer(output_),
                                 [](ErrorCode, std::size_t) {});
    }

    /// Gives what is sent meanwhile this much time.
    void wait(std::chrono::milliseconds time) {
        boost::asio::steady_timer timer(io_, time);
        await([&](auto handler) { timer.async_wait(handler); });
    }

    void end_sending() { socket_.shutdown(Tcp::socket::shutdown_send); }

    /// Vanishes without a goodbye: the server sees a reset.
    void vanish() {
        socket_.set_option(boost::asio::socket_base::linger(true, 0));
        socket_.close();
    }

 private:
    Tcp::socket socket_;
    std::string input_;
    std::string output_;
};

class WebSocketClient : public Client {
 public:
    explicit WebSocketClient(const Tcp::endpoint& server, int receive_buffer = 0)
        : WebSocketClient(server, "/v1/stream", receive_buffer) {}

    WebSocketClient(const Tcp::endpoint& server, const std::string& target, int receive_buffer)
        : websocket_(connected(server, receive_buffer)) {
        must_succeed(await([&](auto handler) {
            websocket_.async_handshake(answer_, "localhost", target, handler);
        }));
    }

    /// The next frame, or nothing when the server has closed with a close frame.
    std::optional<std::string> receive() {
        const ErrorCode error =
            await([&](auto handler) { websocket_.async_read(input_, handler); });
        if (error == boost::beast::websocket::error::closed) {
            return std::nullopt;
        }
        must_succeed(error);
        std::string text = boost::beast::buffers_to_string(input_.data());
        input_.clear();
        return text;
    }

    void send(const std::string& command) {
        must_succeed(await(
            [&](auto handler) { websocket_.async_write(boost::asio::buffer(command), handler); }));
    }

    void vanish() {
        auto& socket = websocket_.next_layer();
        socket.set_option(boost::asio::socket_base::linger(true, 0));
        socket.close();
    }

    ErrorCode close() {
        return await([&](auto handler) {
            websocket_.async_close(boost::beast::websocket::close_code::normal, handler);
        });
    }

    void on_ping(std::function<void()> call) {
        websocket_.control_callback(
            [call = std::move(call)](boost::beast::websocket::frame_type kind, auto) {
                if (kind == boost::beast::websocket::frame_type::ping) {
                    call();
                }
            });
    }

    void ping() {
        must_succeed(await([&](auto handler) { websocket_.async_ping({}, handler); }));
    }

    /// Of the close frame that the server sent.
    int close_code() const { return websocket_.reason().code; }

    bool last_was_text() const { return websocket_.got_text(); }

 private:
    boost::beast::websocket::stream<Tcp::socket> websocket_;
    boost::beast::websocket::response_type answer_;
    boost::beast::flat_buffer input_;
};

/// The next message as JSON. Errors: throws when the connection ends instead.
template <class AnyClient>
nlohmann::json receive_json(AnyClient& client) {
    return nlohmann::json::parse(client.receive().value());
}

}  // namespace emotiond::protocol
