#pragma once

#include "protocol/message.hpp"

namespace emotiond::protocol {

/// Whoever joined the hub.
class Subscriber {
 public:
    virtual ~Subscriber() = default;

    /// Called by the hub for the hello and for every message after it. Must neither block nor
    /// join or leave the hub from inside the call.
    virtual void deliver(const MessagePtr& message) = 0;
};

}  // namespace emotiond::protocol
