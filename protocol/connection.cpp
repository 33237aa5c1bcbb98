#include "protocol/connection.hpp"

#include <boost/asio/write.hpp>
#include <cstddef>
#include <utility>

namespace emotiond::protocol {

namespace {

/// TCP_INFO as Asio's GettableSocketOption.
class TcpInfo {
 public:
    template <class Protocol>
    int level(const Protocol&) const {
        return IPPROTO_TCP;
    }
    template <class Protocol>
    int name(const Protocol&) const {
        return TCP_INFO;
    }
    template <class Protocol>
    void* data(const Protocol&) {
        return &info_;
    }
    template <class Protocol>
    std::size_t size(const Protocol&) const {
        return sizeof info_;
    }
    /// An older kernel knows fewer fields; the one used here is among the first.
    template <class Protocol>
    void resize(const Protocol&, std::size_t) {}

    double round_trip_us() const { return info_.tcpi_rtt; }

 private:
    tcp_info info_{};
};

}  // namespace

Connection::State::State(Socket plain, std::shared_ptr<boost::asio::ssl::context> secure,
                         std::shared_ptr<Flusher> rounds)
    : socket(std::move(plain)), context(std::move(secure)), flusher(std::move(rounds)) {
    if (context) {
        tls.emplace(socket, *context);
    }
}

Connection::Connection(Socket socket, std::shared_ptr<boost::asio::ssl::context> tls,
                       std::shared_ptr<Flusher> flusher)
    : state_(std::make_shared<State>(std::move(socket), std::move(tls), std::move(flusher))) {}

Connection::executor_type Connection::get_executor() noexcept {
    return state_->socket.get_executor();
}

Connection::Socket& Connection::socket() {
    return state_->socket;
}

void Connection::will_flush(const std::shared_ptr<State>& state) {
    // What is being sent flushes the rest when it is done.
    if (!state->sending && !std::exchange(state->will_flush, true)) {
        state->flusher->add([state] { flush(state); });
    }
}

void Connection::tell_room(State& state) {
    for (auto& call : std::exchange(state.on_room, {})) {
        boost::asio::post(state.socket.get_executor(), std::move(call));
    }
}

void Connection::flush(const std::shared_ptr<State>& state) {
    state->will_flush = false;
    if (state->sending) {
        return;
    }
    if (state->waiting.empty() || state->error) {
        return on_sent(state, state->error);
    }
    state->sending = true;
    state->being_sent.swap(state->waiting);
    send(state);
    tell_room(*state);
}

void Connection::send(const std::shared_ptr<State>& state) {
    const auto done = [state](ErrorCode error, std::size_t) { on_sent(state, error); };
    if (state->tls) {
        boost::asio::async_write(*state->tls, boost::asio::buffer(state->being_sent), done);
    } else {
        boost::asio::async_write(state->socket, boost::asio::buffer(state->being_sent), done);
    }
}

void Connection::on_sent(const std::shared_ptr<State>& state, ErrorCode error) {
    state->sending = false;
    state->being_sent.clear();
    if (error && !state->error) {
        state->error = error;
    }
    if (!state->waiting.empty() && !state->error) {
        return will_flush(state);
    }
    tell_room(*state);
    if (state->ends) {
        ErrorCode ignored;  // reading tells the same
        state->socket.shutdown(Socket::shutdown_send, ignored);
    }
    if (state->on_sent) {
        boost::asio::post(state->socket.get_executor(), std::exchange(state->on_sent, nullptr));
    }
}

void Connection::end_sending() {
    state_->ends = true;
    will_flush(state_);
}

void Connection::close() noexcept {
    ErrorCode ignored;  // nothing is left to do about it
    state_->error = boost::asio::error::operation_aborted;
    state_->socket.close(ignored);
    will_flush(state_);  // for who waits
}

void Connection::when_sent(std::function<void()> call) {
    state_->on_sent = std::move(call);
    will_flush(state_);
}

std::size_t Connection::unsent_bytes() const {
    return state_->waiting.size() + state_->being_sent.size();
}

std::string Connection::peer_address() const {
    ErrorCode error;
    const auto peer = state_->socket.remote_endpoint(error);
    return error ? std::string() : peer.address().to_string();
}

std::optional<double> Connection::round_trip_ms() noexcept {
    TcpInfo info;
    boost::system::error_code error;
    state_->socket.get_option(info, error);
    if (error) {
        return std::nullopt;
    }
    return info.round_trip_us() / 1000.0;
}

}  // namespace emotiond::protocol
