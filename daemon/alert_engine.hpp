#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/alert_rule.hpp"
#include "protocol/events.hpp"

namespace emotiond::daemon {

/// Holds rules against the events of streams.
///
///     value   ____________________________________________________ threshold
///            .    /-----\   .                                      clear_below
///            ____/       \___________
///               |<->| min_duration   |<->| clear_after  |<- cooldown ->|
///                   raised               cleared
///
/// Durations are those of speech, told by the ends of its windows: windows without speech, holes
/// and silence move the clock but do not count. One thread at a time.
class AlertEngine {
 public:
    using Clock = std::chrono::steady_clock;

    /// Nobody has spoken for so long: an alert is cleared.
    static constexpr std::chrono::seconds kLongestSilence{10};

    /// rules: valid ones.
    explicit AlertEngine(std::vector<AlertRule> rules);
    AlertEngine(const AlertEngine&) = delete;
    AlertEngine& operator=(const AlertEngine&) = delete;

    /// Events of a stream that was not added are not looked at. Does nothing where it is there
    /// already, or what is raised there would never be cleared.
    void add_stream(const std::string& stream, const std::string& role = "unspecified");

    /// Forgets the stream. observe() must have seen it end, so that nothing is raised there.
    void remove_stream(const std::string& stream);

    /// What follows from an event: AlertEvents, to be published behind it. The events of a stream
    /// come in order; arrived: now, for expire().
    std::vector<protocol::Event> observe(const protocol::Event& event, Clock::time_point arrived);

    /// What follows from streams that have had no speech for kLongestSilence, as far as no event
    /// of theirs tells. For live streams; to be called every second or so.
    std::vector<protocol::Event> expire(Clock::time_point now);

    struct Count {
        std::string rule;
        std::size_t raised = 0;
    };
    /// Of each rule, on all streams that ever were.
    [[nodiscard]] const std::vector<Count>& counts() const { return counts_; }

 private:
    /// One rule on one stream.
    struct Watch {
        const AlertRule* rule = nullptr;
        std::string id;              ///< of the alert that is raised; empty: none is
        protocol::StreamTime start;  ///< of that alert
        /// Of the run of windows that would raise or clear it: end of the first; none: no run.
        std::optional<protocol::StreamTime> run_start;
        std::chrono::milliseconds held{};  ///< length of that run
        protocol::StreamTime last_held;    ///< end of the last window that upheld the alert
        protocol::WallTime quiet_until;    ///< end of the cooldown
        double value = 0.0;                ///< of the last window
    };
    struct Stream {
        std::vector<Watch> watches;
        protocol::WallTime clock;    ///< of the latest event
        protocol::WallTime heard;    ///< of the latest window with speech
        Clock::time_point heard_at;  ///< when that arrived
    };

    void take(const std::string& name, Stream& stream, const protocol::EmotionEvent& emotion,
              std::chrono::milliseconds elapsed);
    void end_all(const std::string& name, Stream& stream, protocol::WallTime time,
                 const char* reason);
    void raise(const std::string& name, Watch& watch, protocol::WallTime time);
    void clear(const std::string& name, Watch& watch, protocol::WallTime time, const char* reason);

    std::vector<AlertRule> rules_;
    std::vector<Count> counts_;  ///< in the order of rules_
    std::map<std::string, Stream> streams_;
    std::vector<protocol::Event> out_;  ///< of the call that is under way
};

}  // namespace emotiond::daemon
