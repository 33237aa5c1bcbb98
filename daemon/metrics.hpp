#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "daemon/feed.hpp"
#include "daemon/history.hpp"
#include "daemon/overload.hpp"
#include "protocol/connection_limiter.hpp"
#include "protocol/events.hpp"
#include "protocol/hub.hpp"

namespace emotiond::daemon {

/// What happened since start-up, in the text format of Prometheus. Network thread only.
class Metrics {
 public:
    Metrics();
    ~Metrics();

    /// Takes down how late an event was.
    void observe(const protocol::Event& event);

    /// history may be null.
    std::string text(const protocol::Hub& hub, const Overload& overload,
                     const std::vector<std::shared_ptr<Feed>>& feeds, const History* history,
                     const protocol::ConnectionLimiter& connections) const;

 private:
    struct Registry;
    std::unique_ptr<Registry> registry_;
};

}  // namespace emotiond::daemon
