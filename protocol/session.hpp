#pragma once

#include <chrono>
#include <memory>

namespace emotiond::protocol {

/// One connection, owned by its Listener and by the handlers that wait for it. Network thread only.
class Session : public std::enable_shared_from_this<Session> {
 public:
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    virtual ~Session() = default;

    virtual void start() = 0;

    /// Sends what is queued, then hangs up; cuts the connection when that takes longer.
    virtual void close(std::chrono::milliseconds deadline) = 0;

    /// Ends at once. The hub and the listener know it no longer. May be called again.
    virtual void cut() = 0;
};

}  // namespace emotiond::protocol
