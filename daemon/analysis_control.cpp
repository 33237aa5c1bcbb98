#include "daemon/analysis_control.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <exception>
#include <utility>

namespace emotiond::daemon {
namespace {

using protocol::ControlAction;
using protocol::ControlCommand;

constexpr const char* kItself = "emotiond";
constexpr const char* kChannel = "channel";
constexpr const char* kErased = "erased";

nlohmann::ordered_json describe(const ChannelPolicy& channel, const GateVerdict& gate) {
    return {{"role", channel.role},
            {"mixed", channel.mixed},
            {"disclosed", channel.disclosed},
            {"exception", channel.exception},
            {"allowed", gate.allowed}};
}

}  // namespace

AnalysisControl::Decision AnalysisControl::Stream::decision() const {
    if (!gate.allowed) {
        return {.analysed = false, .reason = gate.reason};
    }
    if (objection) {
        return {.analysed = false, .reason = "objection: " + *objection};
    }
    if (paused) {
        return {.analysed = false, .reason = "paused: " + *paused};
    }
    return {};
}

AnalysisControl::AnalysisControl(protocol::Hub& hub, const std::string& audit_file, Effects effects)
    : hub_(hub), effects_(std::move(effects)) {
    if (!audit_file.empty()) {
        audit_ = std::make_unique<AuditLog>(audit_file,
                                            [this](const AuditEntry& entry) { remember(entry); });
    }
}

/// What the log says was done, is done.
void AnalysisControl::remember(const AuditEntry& entry) {
    for (const std::string& name : entry.streams) {
        Stream& stream = streams_[name];
        if (entry.act == to_text(ControlAction::Pause)) {
            stream.paused = entry.reason;
        } else if (entry.act == to_text(ControlAction::Object)) {
            stream.objection = entry.reason;
            stream.erasure_due = true;
        } else if (entry.act == to_text(ControlAction::Resume)) {
            stream.paused.reset();
            stream.objection.reset();  // it was refused where it did not lift one
        } else if (entry.act == kErased) {
            stream.erasure_due = false;
        } else if (entry.act == kChannel) {
            stream.told = entry.details.dump();
        }
    }
}

AnalysisControl::Decision AnalysisControl::add(const ChannelPolicy& channel) {
    Stream& stream = streams_[channel.id];
    stream.gate = judge(channel);
    if (!stream.gate.warning.empty()) {
        spdlog::warn("{}", stream.gate.warning);
    }
    // Once for every description, not for every start.
    const nlohmann::ordered_json description = describe(channel, stream.gate);
    if (stream.told != description.dump()) {
        write({.act = kChannel,
               .who = kItself,
               .streams = {channel.id},
               .reason = stream.gate.reason,
               .details = description});
        stream.told = description.dump();
    }
    stream.channel = channel;
    if (stream.erasure_due) {
        erase(channel.id);
    }
    Decision decision = stream.decision();
    if (!decision.analysed) {
        spdlog::warn("stream {}: not analysed: {}", channel.id, decision.reason);
    } else if (!stream.gate.reason.empty()) {
        spdlog::warn("stream {}: {}", channel.id, stream.gate.reason);
    }
    return decision;
}

void AnalysisControl::remove(const std::string& stream) {
    const auto found = streams_.find(stream);
    if (found != streams_.end()) {
        found->second.channel.reset();
    }
}

bool AnalysisControl::is_analysed(std::string_view stream) const {
    const auto found = streams_.find(stream);
    return found != streams_.end() && found->second.channel && found->second.decision().analysed;
}

bool AnalysisControl::may_be_analysed(std::string_view stream) const {
    const auto found = streams_.find(stream);
    return found != streams_.end() && found->second.channel && found->second.gate.allowed;
}

std::string AnalysisControl::reason(std::string_view stream) const {
    const auto found = streams_.find(stream);
    return found == streams_.end() ? "" : found->second.decision().reason;
}

protocol::Control::Refusal AnalysisControl::refuse_resume(const ControlCommand& command) const {
    for (const std::string& name : command.streams) {
        const Stream& stream = streams_.find(name)->second;
        if (!stream.gate.allowed) {
            return {"not_allowed", "\"" + name + "\" is not analysed: " + stream.gate.reason};
        }
        if (stream.objection && !command.lift_objection) {
            return {"objected", "there is an objection to the analysis of \"" + name +
                                    "\"; only \"lift_objection\":true lifts it"};
        }
    }
    return {};
}

protocol::Control::Refusal AnalysisControl::control(const ControlCommand& command,
                                                    std::string_view who) {
    for (const std::string& name : command.streams) {
        const auto found = streams_.find(name);
        if (found == streams_.end() || !found->second.channel) {
            return {"unknown_stream", "there is no stream \"" + name + "\""};
        }
    }
    const bool resumes = command.action == ControlAction::Resume;
    if (resumes) {
        if (Refusal refusal = refuse_resume(command); !refusal.code.empty()) {
            return refusal;
        }
    }
    AuditAct act{.act = std::string(to_text(command.action)),
                 .who = std::string(who),
                 .streams = command.streams,
                 .reason = command.reason};
    if (command.lift_objection) {
        act.details["lift_objection"] = true;
    }
    const auto apply_all = [&] {
        for (const std::string& name : command.streams) {
            apply(name, command);
        }
    };
    Refusal refusal;
    if (!resumes) {
        apply_all();
    }
    try {
        write(act);
    } catch (const std::exception& error) {
        spdlog::error("{}", error.what());
        refusal = {"audit_failed", resumes ? "not resumed: the audit log cannot be written"
                                           : "in effect, but the audit log cannot be written: it "
                                             "does not outlive a restart"};
    }
    if (resumes && refusal.code.empty()) {
        apply_all();
    }
    if (command.action == ControlAction::Object) {
        for (const std::string& name : command.streams) {
            erase(name);
        }
    }
    return refusal;
}

void AnalysisControl::apply(const std::string& name, const ControlCommand& command) {
    Stream& stream = streams_.find(name)->second;
    const Decision before = stream.decision();
    switch (command.action) {
        case ControlAction::Pause: stream.paused = command.reason; break;
        case ControlAction::Object:
            stream.objection = command.reason;
            stream.erasure_due = true;
            break;
        case ControlAction::Resume:
            stream.paused.reset();
            stream.objection.reset();
            break;
    }
    const Decision decision = stream.decision();
    auto state = protocol::StreamState::Paused;
    if (decision.analysed != before.analysed) {
        state = effects_.set_analysis(name, decision.analysed);
    }
    if (command.action == ControlAction::Object) {
        hub_.forget(name);
    }
    if (decision == before) {
        return;
    }
    hub_.set_analysed(name, decision.analysed, decision.reason);
    hub_.publish(
        {.stream = name,
         .time = std::chrono::system_clock::now(),
         .body = protocol::StreamEvent{
             .state = state,
             .reason = decision.analysed ? "analysed again: " + command.reason : decision.reason}});
}

/// Tried again at the next start where it fails.
void AnalysisControl::erase(const std::string& name) {
    const auto tell = [this, name](std::optional<std::uint64_t> events) {
        if (!events) {
            spdlog::error(
                "the history of {} could not be erased after the objection; `object` "
                "again, or it is tried at the next start",
                name);
            return;
        }
        try {
            write({.act = kErased,
                   .who = kItself,
                   .streams = {name},
                   .reason = "objection",
                   .details = {{"events", *events}}});
            streams_.find(name)->second.erasure_due = false;
        } catch (const std::exception& error) {
            spdlog::error("{}", error.what());
        }
    };
    if (effects_.erase_history) {
        effects_.erase_history(name, tell);
    } else {
        tell(0);
    }
}

void AnalysisControl::write(const AuditAct& act) {
    if (audit_) {
        audit_->append(act);
        return;
    }
    std::string streams;
    for (const std::string& stream : act.streams) {
        streams += " " + stream;
    }
    spdlog::info("{}{} by {}{}{}; without audit.path nobody remembers it after a restart", act.act,
                 streams, act.who, act.reason.empty() ? "" : ": ", act.reason);
}

}  // namespace emotiond::daemon
