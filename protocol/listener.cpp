#include "protocol/listener.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "protocol/endpoint.hpp"

namespace emotiond::protocol {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kAcceptBackoff{100};

/// A peer that has vanished is noticed after the idle time, with so many probes.
constexpr int kKeepAliveProbes = 3;

void keep_alive(tcp::socket& socket, std::chrono::milliseconds idle) {
    using Idle = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
    using Interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
    using Probes = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
    const auto half = std::chrono::duration_cast<std::chrono::seconds>(idle / 2).count();
    boost::system::error_code ignored;  // the peer may have gone already: reading will tell
    socket.set_option(tcp::socket::keep_alive(true), ignored);
    socket.set_option(Idle(std::max(1, static_cast<int>(half))), ignored);
    socket.set_option(Interval(std::max(1, static_cast<int>(half) / kKeepAliveProbes)), ignored);
    socket.set_option(Probes(kKeepAliveProbes), ignored);
}

/// A connection until it is secure.
class TlsHandshake final : public Session {
 public:
    TlsHandshake(std::shared_ptr<Listener> listener, Connection connection)
        : listener_(std::move(listener)),
          connection_(std::move(connection)),
          timer_(connection_.get_executor()) {}

    void start() override {
        timer_.expires_after(listener_->options().handshake_timeout);
        timer_.async_wait([this, self = shared_from_this()](boost::system::error_code cancelled) {
            if (!cancelled) {
                cut();
            }
        });
        connection_.tls()->async_handshake(
            asio::ssl::stream_base::server,
            [this, self = shared_from_this()](boost::system::error_code error) {
                timer_.cancel();
                if (ended_ || error) {
                    return cut();
                }
                ended_ = true;
                const auto session = listener_->make_session(std::move(connection_));
                listener_->replace(self, session);
                session->start();
            });
    }

    void close(std::chrono::milliseconds) override { cut(); }

    void cut() override {
        if (std::exchange(ended_, true)) {
            return;
        }
        timer_.cancel();
        connection_.close();
        listener_->forget(shared_from_this());
    }

 private:
    std::shared_ptr<Listener> listener_;
    Connection connection_;
    asio::steady_timer timer_;
    bool ended_ = false;
};

}  // namespace

tcp::acceptor listen_on(asio::io_context& io, const tcp::endpoint& endpoint) {
    try {
        return {io, endpoint};
    } catch (const boost::system::system_error& error) {
        throw std::runtime_error("cannot listen on " + to_string(endpoint) + ": " +
                                 error.code().message());
    }
}

Listener::Listener(tcp::acceptor acceptor, Hub& hub, ServerOptions options, Transport transport)
    : hub_(hub),
      options_(std::move(options)),
      transport_(transport),
      acceptor_(std::move(acceptor)),
      local_endpoint_(acceptor_.local_endpoint()),
      backoff_(acceptor_.get_executor()),
      flusher_(std::make_shared<Flusher>(acceptor_.get_executor())) {}

void Listener::accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](boost::system::error_code error, Socket socket) {
            if (!self->acceptor_.is_open()) {
                return;
            }
            if (error) {
                // Most likely out of file descriptors: wait until some are free again.
                if (!std::exchange(self->failing_, true)) {
                    self->report("cannot accept on " + to_string(self->local_endpoint_) + ": " +
                                 error.message());
                }
                return self->accept_later();
            }
            self->failing_ = false;
            self->start_session(std::move(socket));
            self->accept();
        });
}

void Listener::accept_later() {
    backoff_.expires_after(kAcceptBackoff);
    backoff_.async_wait([self = shared_from_this()](boost::system::error_code) {
        if (self->acceptor_.is_open()) {
            self->accept();
        }
    });
}

std::shared_ptr<Session> Listener::make_session(Connection connection) {
    return transport_.make_session(shared_from_this(), std::move(connection));
}

void Listener::start_session(Socket socket) {
    boost::system::error_code gone;  // reading will tell
    const tcp::endpoint peer = socket.remote_endpoint(gone);
    ConnectionLimiter::Ticket ticket;
    if (options_.limiter) {
        ticket = options_.limiter->admit(peer.address());
        if (!ticket) {
            return turn_away(socket);
        }
    }
    socket.set_option(tcp::no_delay(true), gone);
    keep_alive(socket, options_.idle_timeout);
    const auto tls = options_.tls ? options_.tls->context : nullptr;
    Connection connection(std::move(socket), tls, flusher_);
    std::shared_ptr<Session> session;
    if (tls) {
        session = std::make_shared<TlsHandshake>(shared_from_this(), std::move(connection));
    } else {
        session = make_session(std::move(connection));
    }
    sessions_.emplace(session, std::move(ticket));
    session->start();
}

/// As far as it goes without waiting.
void Listener::turn_away(Socket& socket) const {
    boost::system::error_code ignored;
    if (!options_.tls) {
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(transport_.too_many), ignored);
        socket.shutdown(Socket::shutdown_send, ignored);
    }
    socket.close(ignored);
}

void Listener::stop(std::chrono::milliseconds deadline) {
    acceptor_.close();
    backoff_.cancel();
    const auto sessions = sessions_;  // a session that closes at once is erased meanwhile
    for (const auto& [session, ticket] : sessions) {
        session->close(deadline);
    }
}

void Listener::abort() {
    acceptor_.close();
    backoff_.cancel();
    const auto sessions = sessions_;
    for (const auto& [session, ticket] : sessions) {
        session->cut();
    }
}

void Listener::forget(const std::shared_ptr<Session>& session) {
    sessions_.erase(session);
}

void Listener::replace(const std::shared_ptr<Session>& session,
                       const std::shared_ptr<Session>& by) {
    auto entry = sessions_.extract(session);
    entry.key() = by;
    sessions_.insert(std::move(entry));
}

void Listener::report(std::string_view problem) const {
    if (options_.on_problem) {
        options_.on_problem(problem);
    }
}

}  // namespace emotiond::protocol
