#include "protocol/websocket_session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket.hpp>
#include <string>
#include <utility>
#include <vector>

namespace emotiond::protocol {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

using Request = http::request<http::empty_body>;

class WebSocketSession final : public EventSession {
 public:
    WebSocketSession(std::shared_ptr<Listener> listener, Connection connection, Request request,
                     std::optional<Rights> rights)
        : EventSession(std::move(listener), connection.get_executor()),
          websocket_(std::move(connection)),
          request_(std::move(request)),
          rights_(std::move(rights)) {}

    void start() override {
        auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::server);
        timeout.handshake_timeout = options().handshake_timeout;
        timeout.idle_timeout = options().idle_timeout;
        websocket_.set_option(timeout);
        // Compressing is Beast's work. Without it the frames are ready, and many go in one write;
        // the connection keeps them apart from the control frames that Beast sends.
        compresses_ = options().compression && offers_deflate();
        if (compresses_) {
            // Small windows: one compressor costs some 20 KB instead of 256.
            websocket::permessage_deflate deflate;
            deflate.server_enable = true;
            deflate.server_max_window_bits = 11;
            deflate.compLevel = 1;
            deflate.memLevel = 3;
            websocket_.set_option(deflate);
        }
        websocket_.read_message_max(kMaxCommandBytes);
        websocket_.auto_fragment(false);
        websocket_.text(true);
        websocket_.async_accept(request_,
                                [this, self = shared_from_this()](beast::error_code error) {
                                    if (error) {
                                        return cut();
                                    }
                                    open(options().idle_timeout, std::move(rights_));
                                });
    }

 private:
    bool offers_deflate() const {
        const auto offered = request_[http::field::sec_websocket_extensions];
        return offered.find("permessage-deflate") != offered.npos;
    }

    void write(const std::vector<MessagePtr>& batch) override {
        auto done = [this, self = shared_from_this()](beast::error_code error, std::size_t bytes) {
            on_written(error, bytes);
        };
        if (compresses_) {
            return websocket_.async_write(asio::buffer(batch.front()->text()), std::move(done));
        }
        buffers_.clear();
        for (const MessagePtr& message : batch) {
            buffers_.push_back(asio::buffer(message->frame()));
        }
        websocket_.next_layer().async_write_some(buffers_, std::move(done));
    }

    std::size_t max_batch() const override { return compresses_ ? 1 : 64; }

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

    void hang_up(Goodbye why) override {
        websocket_.async_close(close_reason(why),
                               [this, self = shared_from_this()](beast::error_code) { cut(); });
    }

    static websocket::close_reason close_reason(Goodbye why) {
        switch (why) {
            case Goodbye::Done: return {websocket::close_code::normal, "done"};
            case Goodbye::NotAuthorised:
                return {websocket::close_code::policy_error, "not authorised"};
            case Goodbye::SlowConsumer:
                return {websocket::close_code::try_again_later, "slow consumer"};
            case Goodbye::TooBig: return {websocket::close_code::too_big, "too big"};
            case Goodbye::GoingAway: break;
        }
        return {websocket::close_code::going_away, "going away"};
    }

    void close_socket() override { websocket_.next_layer().close(); }
    std::optional<double> round_trip_ms() override {
        return websocket_.next_layer().round_trip_ms();
    }
    std::size_t unsent_bytes() const override { return websocket_.next_layer().unsent_bytes(); }
    std::string peer_address() const override { return websocket_.next_layer().peer_address(); }

    websocket::stream<Connection> websocket_;
    beast::flat_buffer buffer_;
    Request request_;
    std::optional<Rights> rights_;
    std::vector<asio::const_buffer> buffers_;
    bool compresses_ = false;
};

}  // namespace

std::shared_ptr<EventSession> make_websocket_session(std::shared_ptr<Listener> listener,
                                                     Connection connection, Request request,
                                                     std::optional<Rights> rights) {
    return std::make_shared<WebSocketSession>(std::move(listener), std::move(connection),
                                              std::move(request), std::move(rights));
}

}  // namespace emotiond::protocol
