#pragma once

#include <algorithm>
#include <chrono>

namespace emotiond::daemon {

/// As latencies are told. What one thread noted may lie a little before what another did: that is
/// 0.
inline std::chrono::milliseconds whole_ms(std::chrono::steady_clock::duration duration) {
    return std::chrono::round<std::chrono::milliseconds>(std::max(duration, {}));
}

}  // namespace emotiond::daemon
