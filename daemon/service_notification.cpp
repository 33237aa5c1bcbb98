#include "daemon/service_notification.hpp"

#include <systemd/sd-daemon.h>

namespace emotiond::daemon {
namespace {

/// sd_watchdog_enabled(3) asks for two; a machine that is busy makes one late.
constexpr int kPingsInPatience = 4;

void notify(const std::string& state) {
    sd_notify(0, state.c_str());
}

}  // namespace

ServiceNotification::ServiceNotification() {
    std::uint64_t patience_us = 0;
    if (sd_watchdog_enabled(0, &patience_us) > 0) {
        watchdog_ = std::chrono::microseconds(patience_us);
    }
}

void ServiceNotification::ready() {
    notify("READY=1");
}

void ServiceNotification::reloading() {
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
        Clock::now().time_since_epoch());  // CLOCK_MONOTONIC
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void ServiceNotification::stopping() {
    notify("STOPPING=1\nSTATUS=stopping");
}

void ServiceNotification::tick(const AudioProgress& audio) {
    const std::string status = std::to_string(audio.live) + " of " + std::to_string(audio.streams) +
                               (audio.streams == 1 ? " stream live" : " streams live");
    if (status != status_) {
        status_ = status;
        notify("STATUS=" + status);
    }
    const bool progressed = audio.live == 0 || audio.samples != samples_at_ping_;
    if (watchdog_ == Clock::duration::zero() || !progressed ||
        Clock::now() - pinged_at_ < watchdog_ / kPingsInPatience) {
        return;
    }
    samples_at_ping_ = audio.samples;
    pinged_at_ = Clock::now();
    notify("WATCHDOG=1");
}

}  // namespace emotiond::daemon
