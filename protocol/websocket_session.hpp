#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <memory>
#include <optional>

#include "protocol/connection.hpp"
#include "protocol/event_session.hpp"
#include "protocol/listener.hpp"
#include "protocol/rights.hpp"

namespace emotiond::protocol {

/// request: the upgrade. rights: none where the client must still show a token.
/// Source: RFC 6455, RFC 7692.
std::shared_ptr<EventSession> make_websocket_session(
    std::shared_ptr<Listener> listener, Connection connection,
    boost::beast::http::request<boost::beast::http::empty_body> request,
    std::optional<Rights> rights);

}  // namespace emotiond::protocol
