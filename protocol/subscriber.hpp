#pragma once

#include "protocol/message.hpp"

namespace emotiond::protocol {

/// Whoever joined the hub.
class Subscriber {
 public:
    virtual ~Subscriber() = default;

    /// Called by the hub for every event. Must neither block nor
    /// join or leave the hub from inside the call.
    virtual void deliver(const MessagePtr& message) = 0;
};

}  // namespace emotiond::protocol
