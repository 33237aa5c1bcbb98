#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

namespace emotiond::daemon {

/// What the service does less of when it cannot keep up. Each step is announced, and taken back by
/// itself. Beyond the last one windows are dropped, each told as a gap.
enum class OverloadLevel {
    None,             ///< every window is judged
    LongerHop,        ///< every second
    FewerInterim,     ///< every fourth
    PauseLowPriority  ///< and channels of low priority are not analysed
};

/// `none`, `longer_hop`, `fewer_interim`, `pause_low_priority`.
const char* to_string(OverloadLevel level);

/// The ladder of OverloadLevel: a step up while windows wait too long, a step down after a time in
/// which they hardly did.
///
///     inference threads ── observe() ──> level() ── pipeline threads
class Overload {
 public:
    using Clock = std::chrono::steady_clock;
    struct Options {
        std::chrono::milliseconds high{200};  ///< windows wait longer: a step up
        std::chrono::seconds calm{10};        ///< so long under half of it: a step down
    };
    struct Change {
        OverloadLevel from;
        OverloadLevel to;
    };

    explicit Overload(const Options& options) : options_(options) {}

    /// How long the oldest window of a batch waited for it. One thread at a time.
    std::optional<Change> observe(Clock::time_point now, Clock::duration waited);

    /// Any thread.
    [[nodiscard]] OverloadLevel level() const noexcept {
        return level_.load(std::memory_order_relaxed);
    }

 private:
    /// A step shows its effect only after the windows that waited before it.
    static constexpr std::chrono::seconds kStepTakesEffect{2};

    Options options_;
    std::atomic<OverloadLevel> level_{OverloadLevel::None};
    Clock::time_point stepped_at_;
    Clock::time_point calm_since_;
};

}  // namespace emotiond::daemon
