#include "daemon/overload.hpp"

namespace emotiond::daemon {

const char* to_string(OverloadLevel level) {
    switch (level) {
        case OverloadLevel::None: return "none";
        case OverloadLevel::LongerHop: return "longer_hop";
        case OverloadLevel::FewerInterim: return "fewer_interim";
        case OverloadLevel::PauseLowPriority: return "pause_low_priority";
    }
    return "";
}

std::optional<Overload::Change> Overload::observe(Clock::time_point now, Clock::duration waited) {
    const OverloadLevel from = level();
    const auto step = [&](int by) -> std::optional<Change> {
        const auto to = static_cast<OverloadLevel>(static_cast<int>(from) + by);
        level_.store(to, std::memory_order_relaxed);
        stepped_at_ = calm_since_ = now;
        return Change{from, to};
    };
    if (waited > options_.high) {
        calm_since_ = now;
        high_since_ = high_since_.value_or(now);
        const bool may_step =
            now - *high_since_ >= kQueueStands && now - stepped_at_ >= kStepTakesEffect;
        return may_step && from != OverloadLevel::PauseLowPriority ? step(1) : std::nullopt;
    }
    high_since_.reset();
    if (waited > options_.high / 2) {
        calm_since_ = now;
        return std::nullopt;
    }
    return from != OverloadLevel::None && now - calm_since_ >= options_.calm ? step(-1)
                                                                             : std::nullopt;
}

}  // namespace emotiond::daemon
