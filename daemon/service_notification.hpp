#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace emotiond::daemon {

/// How the sound fares, all streams together.
struct AudioProgress {
    std::uint64_t samples = 0;  ///< of the live streams, taken by the pipeline so far
    std::size_t live = 0;       ///< streams that should bring samples, paused ones too
    std::size_t streams = 0;
};

/// Tells the service manager how the daemon fares; says nothing where there is none.
///
/// The watchdog follows the sound, not the thread that feeds it: it hears from us only where
/// samples went from a device through the pipeline since the last time. Where no stream is live,
/// and the daemon waits for a device to come back, there is nothing that could stand still
/// (docs/adr/0015-watchdog-follows-the-sound.md).
/// Network thread only.
/// Source: sd_notify(3), sd_watchdog_enabled(3).
class ServiceNotification {
 public:
    ServiceNotification();

    /// Everything is up; after reloading(): channels, model and rules are in force, or refused.
    void ready();
    void reloading();
    void stopping();
    /// Now and then, several times in the watchdog's time.
    void tick(const AudioProgress& audio);

 private:
    using Clock = std::chrono::steady_clock;

    Clock::duration watchdog_{};  ///< 0: nobody watches
    Clock::time_point pinged_at_;
    std::uint64_t samples_at_ping_ = 0;
    std::string status_;
};

}  // namespace emotiond::daemon
