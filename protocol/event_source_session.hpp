#pragma once

#include <memory>
#include <string>

#include "protocol/command.hpp"
#include "protocol/connection.hpp"
#include "protocol/event_session.hpp"
#include "protocol/listener.hpp"
#include "protocol/rights.hpp"

namespace emotiond::protocol {

/// Server-sent events on a connection whose request has been read. last_event_id: of the request;
/// empty: from now on. head: of the answer.
/// Source: WHATWG HTML, 9.2.
std::shared_ptr<EventSession> make_event_source_session(std::shared_ptr<Listener> listener,
                                                        Connection connection, Subscribe wanted,
                                                        const std::string& last_event_id,
                                                        Rights rights, std::string head);

}  // namespace emotiond::protocol
