#pragma once

#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/connection_limiter.hpp"
#include "protocol/control.hpp"
#include "protocol/history_reader.hpp"
#include "protocol/http_handler.hpp"
#include "protocol/outbox.hpp"
#include "protocol/rights.hpp"

namespace emotiond::protocol {

/// The certificate that new connections get; replaced while the service runs.
struct Tls {
    std::shared_ptr<boost::asio::ssl::context> context;
};

struct ServerOptions {
    std::size_t max_queue_bytes = Outbox::kDefaultMaxBytes;  ///< per subscriber

    /// A WebSocket that is silent for half of this is pinged, for all of it is closed. NDJSON
    /// has no pings: there a vanished peer is found by TCP keep-alive, after as long.
    std::chrono::milliseconds idle_timeout{30000};

    /// How long a client may take for a TLS handshake and for the head of an HTTP request.
    std::chrono::milliseconds handshake_timeout{10000};

    bool compression = true;  ///< permessage-deflate, where a WebSocket client offers it

    /// Of what is shared by several servers, null means: none, or no limit.
    std::shared_ptr<ConnectionLimiter> limiter;
    std::shared_ptr<Tls> tls;
    HistoryReader* history = nullptr;
    Control* control = nullptr;
    Authorise authorise;  ///< empty: everybody may do everything
    HttpHandler http;     ///< what else the HTTP port answers; empty: nothing

    /// Browsers may come from pages of these origins (`https://desk.example`) beside the server's
    /// own, and call the server by their hosts' names.
    std::vector<std::string> origins;

    /// What went wrong in steady state, for the log. Called on the network thread; may be empty.
    std::function<void(std::string_view)> on_problem;
};

}  // namespace emotiond::protocol
