#include "protocol/listener.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "protocol/endpoint.hpp"
#include "protocol/session.hpp"

namespace emotiond::protocol {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kAcceptBackoff{100};

}  // namespace

Listener::Listener(asio::io_context& io, const tcp::endpoint& endpoint, Hub& hub,
                   ServerOptions options, MakeSession make_session)
    : hub_(hub),
      options_(std::move(options)),
      make_session_(make_session),
      acceptor_(io),
      backoff_(io) {
    try {
        acceptor_.open(endpoint.protocol());
        acceptor_.set_option(tcp::acceptor::reuse_address(true));
        acceptor_.bind(endpoint);
        acceptor_.listen();
        local_endpoint_ = acceptor_.local_endpoint();
    } catch (const boost::system::system_error& error) {
        throw std::runtime_error("cannot listen on " + to_string(endpoint) + ": " +
                                 error.code().message());
    }
}

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

void Listener::start_session(Socket socket) {
    boost::system::error_code ignored;  // the peer may have gone already: reading will tell
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(Socket::keep_alive(true), ignored);
    const auto session = make_session_(shared_from_this(), std::move(socket));
    sessions_.insert(session);
    session->start();
}

void Listener::stop(std::chrono::milliseconds deadline) {
    acceptor_.close();
    backoff_.cancel();
    const auto sessions = sessions_;  // a session that closes at once is erased meanwhile
    for (const auto& session : sessions) {
        session->close(deadline);
    }
}

void Listener::abort() {
    acceptor_.close();
    backoff_.cancel();
    const auto sessions = sessions_;
    for (const auto& session : sessions) {
        session->cut();
    }
}

void Listener::forget(const std::shared_ptr<Session>& session) {
    sessions_.erase(session);
}

void Listener::report(std::string_view problem) const {
    if (options_.on_problem) {
        options_.on_problem(problem);
    }
}

}  // namespace emotiond::protocol
