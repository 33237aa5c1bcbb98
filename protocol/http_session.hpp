#pragma once

#include <memory>

#include "protocol/connection.hpp"
#include "protocol/listener.hpp"
#include "protocol/session.hpp"

namespace emotiond::protocol {

/// A connection that starts as HTTP and may become a WebSocket or a stream of server-sent events.
std::shared_ptr<Session> make_http_session(std::shared_ptr<Listener> listener,
                                           Connection connection);

}  // namespace emotiond::protocol
