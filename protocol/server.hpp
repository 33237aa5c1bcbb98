#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "protocol/listener.hpp"

namespace emotiond::protocol {

/// What TcpServer and HttpServer offer alike. Network thread only, or before it runs.
/// The io_context and the hub must outlive the server.
class Server {
 public:
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// With the real port when port 0 was asked for.
    boost::asio::ip::tcp::endpoint local_endpoint() const { return listener_->local_endpoint(); }

    /// Accepts no more; every subscriber is sent what is queued for it and then closed, and
    /// whoever has not taken that at the deadline is cut. Does not wait: when all are gone, the
    /// io_context has no work from this server and its run() returns.
    void stop(std::chrono::milliseconds deadline) { listener_->stop(deadline); }

 protected:
    explicit Server(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {
        listener_->accept();
    }

    /// Cuts what is still connected.
    ~Server() { listener_->abort(); }

 private:
    std::shared_ptr<Listener> listener_;
};

}  // namespace emotiond::protocol
