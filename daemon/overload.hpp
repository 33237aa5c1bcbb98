#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace emotiond::daemon {

/// What the service does less of when it cannot keep up. Each step is announced, and taken back by
/// itself. Where more than some batches wait, windows are dropped, each told as a gap.
enum class OverloadLevel {
    None,             ///< every window is judged
    LongerHop,        ///< every second
    FewerInterim,     ///< every fourth
    PauseLowPriority  ///< and channels of low priority are not analysed
};

/// `none`, `longer_hop`, `fewer_interim`, `pause_low_priority`.
const char* to_string(OverloadLevel level);

/// The ladder of OverloadLevel: a step up where a queue stands, a step down after a time in which
/// windows hardly waited. What a stall has left drains by itself, so one window that waited means
/// nothing; that for a second none got through in time does. Source: Nichols & Jacobson 2012
/// (CoDel).
///
///     pipeline threads ── observe() ──> level() ── each channel
class Overload {
 public:
    using Clock = std::chrono::steady_clock;
    struct Options {
        std::chrono::milliseconds high{200};  ///< none waited less for a second: a step up
        std::chrono::seconds calm{10};        ///< so long under half of it: a step down
    };
    struct Change {
        OverloadLevel from;
        OverloadLevel to;
    };

    explicit Overload(const Options& options) : options_(options) {}

    /// How long what has waited longest has waited. One thread at a time.
    std::optional<Change> observe(Clock::time_point now, Clock::duration waited);

    /// Any thread.
    [[nodiscard]] OverloadLevel level() const noexcept {
        return level_.load(std::memory_order_relaxed);
    }

    /// Any thread: a window is left out because of the level.
    void count_left_out() noexcept { left_out_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t windows_left_out() const noexcept {
        return left_out_.load(std::memory_order_relaxed);
    }

 private:
    /// A step shows its effect only after the windows that waited before it.
    static constexpr std::chrono::seconds kStepTakesEffect{2};
    static constexpr std::chrono::seconds kQueueStands{1};

    Options options_;
    std::atomic<OverloadLevel> level_{OverloadLevel::None};
    std::atomic<std::uint64_t> left_out_{0};
    Clock::time_point stepped_at_;
    Clock::time_point calm_since_;
    std::optional<Clock::time_point> high_since_;
};

}  // namespace emotiond::daemon
