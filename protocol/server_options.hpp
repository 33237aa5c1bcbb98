#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string_view>

#include "protocol/outbox.hpp"

namespace emotiond::protocol {

struct ServerOptions {
    std::size_t max_queue_bytes = Outbox::kDefaultMaxBytes;  ///< per subscriber

    /// A WebSocket that is silent for half of this is pinged, for all of it is closed. NDJSON
    /// has no pings: there a vanished peer is found by TCP keep-alive.
    std::chrono::milliseconds idle_timeout{30000};

    /// What went wrong in steady state, for the log. Called on the network thread; may be empty.
    std::function<void(std::string_view)> on_problem;
};

}  // namespace emotiond::protocol
