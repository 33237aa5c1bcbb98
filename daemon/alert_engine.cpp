#include "daemon/alert_engine.hpp"

#include <algorithm>
#include <utility>

#include "model/labels.hpp"

namespace emotiond::daemon {
namespace {

using protocol::AlertEvent;
using protocol::EmotionEvent;
using protocol::Event;
using protocol::StreamEvent;
using protocol::StreamState;
using protocol::WallTime;
using std::chrono::milliseconds;

double value_of(const AlertRule& rule, const EmotionEvent& emotion) {
    double value = 0.0;
    for (const auto& [label, score] : emotion.scores) {
        if (std::ranges::find(rule.labels, label) != rule.labels.end()) {
            value += score;
        }
    }
    return value;
}

}  // namespace

AlertEngine::AlertEngine(std::vector<AlertRule> rules) : rules_(std::move(rules)) {
    for (const AlertRule& rule : rules_) {
        counts_.push_back({.rule = rule.name});
    }
}

void AlertEngine::add_stream(const std::string& stream, const std::string& role) {
    Stream added;
    for (const AlertRule& rule : rules_) {
        if (rule.covers(stream, role)) {
            Watch watch;
            watch.rule = &rule;
            added.watches.push_back(std::move(watch));
        }
    }
    streams_.emplace(stream, std::move(added));
}

void AlertEngine::remove_stream(const std::string& stream) {
    streams_.erase(stream);
}

std::vector<Event> AlertEngine::observe(const Event& event, Clock::time_point arrived) {
    const auto found = streams_.find(event.stream);
    if (found == streams_.end() || std::holds_alternative<AlertEvent>(event.body)) {
        return {};
    }
    auto& [name, stream] = *found;
    out_.clear();
    if (event.time - stream.heard > kLongestSilence) {
        end_all(name, stream, stream.heard + kLongestSilence, "silence");
    }
    const auto elapsed = std::chrono::duration_cast<milliseconds>(
        std::max(event.time - stream.clock, WallTime::duration::zero()));
    stream.clock = std::max(stream.clock, event.time);
    if (const auto* emotion = std::get_if<EmotionEvent>(&event.body)) {
        if (emotion->label != model::kNoSpeechLabel) {
            stream.heard = event.time;
            stream.heard_at = arrived;
            take(name, stream, *emotion, elapsed);
        }
    } else if (const auto* change = std::get_if<StreamEvent>(&event.body)) {
        switch (change->state) {
            case StreamState::Live: break;
            case StreamState::Silent:
                for (Watch& watch : stream.watches) {
                    watch.run_start.reset();
                }
                break;
            case StreamState::Lost: end_all(name, stream, event.time, "lost"); break;
            case StreamState::Paused: end_all(name, stream, event.time, "paused"); break;
            case StreamState::Ended: end_all(name, stream, event.time, "ended"); break;
        }
    }
    return std::exchange(out_, {});
}

std::vector<Event> AlertEngine::expire(Clock::time_point now) {
    out_.clear();
    for (auto& [name, stream] : streams_) {
        if (now - stream.heard_at > kLongestSilence) {
            end_all(name, stream, stream.heard + kLongestSilence, "silence");
        }
    }
    return std::exchange(out_, {});
}

void AlertEngine::take(const std::string& name, Stream& stream, const EmotionEvent& emotion,
                       milliseconds elapsed) {
    for (Watch& watch : stream.watches) {
        const AlertRule& rule = *watch.rule;
        watch.value = value_of(rule, emotion);
        const bool is_raised = !watch.id.empty();
        const bool goes_on =
            is_raised ? watch.value < rule.clear_below : watch.value >= rule.threshold;
        if (!goes_on) {
            watch.run_start.reset();
            watch.last_held = emotion.end;
            continue;
        }
        watch.held = watch.run_start ? watch.held + elapsed : milliseconds(0);
        if (!watch.run_start) {
            watch.run_start = emotion.end;
        }
        if (is_raised && watch.held.count() >= rule.clear_after_ms) {
            clear(name, watch, stream.clock, "below");
        } else if (!is_raised && watch.held.count() >= rule.min_duration_ms &&
                   stream.clock >= watch.quiet_until) {
            watch.last_held = emotion.end;
            raise(name, watch, stream.clock);
        }
    }
}

void AlertEngine::end_all(const std::string& name, Stream& stream, WallTime time,
                          const char* reason) {
    for (Watch& watch : stream.watches) {
        watch.run_start.reset();
        if (!watch.id.empty()) {
            clear(name, watch, time, reason);
        }
    }
}

void AlertEngine::raise(const std::string& name, Watch& watch, WallTime time) {
    ++counts_[static_cast<std::size_t>(watch.rule - rules_.data())].raised;
    // By the clock, so that none comes twice: not behind new rules, nor of a stream that is back.
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    watch.id = watch.rule->name + "-" + name + "-" + std::to_string(ms);
    watch.start = *watch.run_start;
    watch.run_start.reset();
    out_.push_back({name, time,
                    AlertEvent{.raised = true,
                               .id = watch.id,
                               .rule = watch.rule->name,
                               .start = watch.start,
                               .value = watch.value,
                               .threshold = watch.rule->threshold}});
}

void AlertEngine::clear(const std::string& name, Watch& watch, WallTime time, const char* reason) {
    watch.run_start.reset();
    watch.quiet_until = time + milliseconds(watch.rule->cooldown_ms);
    out_.push_back({name, time,
                    AlertEvent{.raised = false,
                               .id = std::exchange(watch.id, {}),
                               .rule = watch.rule->name,
                               .start = watch.start,
                               .end = watch.last_held,
                               .value = watch.value,
                               .threshold = watch.rule->clear_below,
                               .reason = reason}});
}

}  // namespace emotiond::daemon
