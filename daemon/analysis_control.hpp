#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/audit_log.hpp"
#include "daemon/role_gate.hpp"
#include "protocol/control.hpp"
#include "protocol/hub.hpp"

namespace emotiond::daemon {

/// Which streams are analysed: what the configuration allows, less what was paused, less what was
/// objected to. Every change is written to the audit log, from which a restart knows it again.
///
///     allowed ──pause──> paused ──resume──> allowed
///        └────object──> objected ──resume, lift_objection──> allowed
///
/// What stops analysis takes effect first and is written then, so that a full disk hinders nobody
/// from objecting; what resumes it is written first. Network thread only.
class AnalysisControl : public protocol::Control {
 public:
    struct Effects {
        /// From its return on no event describes sound of the stream that was captured before
        /// (off), and nothing of that sound is held; or its sound is looked at again (on). Tells
        /// the state that the stream is in then.
        std::function<protocol::StreamState(const std::string& stream, bool on)> set_analysis;

        /// Forgets what the history holds of the stream; done(how many), or nothing where that
        /// failed. Empty: there is no history.
        using Erased = std::function<void(std::optional<std::uint64_t>)>;
        std::function<void(const std::string& stream, Erased done)> erase_history;
    };

    /// audit_file: empty for none; then what is done here ends with the process.
    /// The hub must outlive this, and this what it gave to `erase_history`.
    /// Throws std::runtime_error where the audit log cannot be used.
    AnalysisControl(protocol::Hub& hub, const std::string& audit_file, Effects effects);

    /// A channel that is new, or that the configuration describes anew. Tells whether it is
    /// analysed from the start, and why not; calls no effect but an erasure that is still due.
    /// Call it before the hub gets the stream: `analysed` and `reason` are for its StreamInfo.
    struct Decision {
        bool analysed = true;
        std::string reason;
        bool operator==(const Decision&) const = default;
    };
    /// Throws std::runtime_error where the audit log cannot be written.
    Decision add(const ChannelPolicy& channel);

    /// A channel that the configuration no longer has. What was said of it stays known.
    void remove(const std::string& stream);

    /// Whether sound of the stream may be looked at, and events about it published.
    [[nodiscard]] bool is_analysed(std::string_view stream) const;

    /// Whether it ever may be, while the configuration stays as it is.
    [[nodiscard]] bool may_be_analysed(std::string_view stream) const;

    /// Why it is not; empty where it is.
    [[nodiscard]] std::string reason(std::string_view stream) const;

    Refusal control(const protocol::ControlCommand& command, std::string_view who) override;

 private:
    struct Stream {
        std::optional<ChannelPolicy> channel;  ///< none: the configuration has it not
        GateVerdict gate;
        std::string told;                      ///< the channel as the audit log knows it, as JSON
        std::optional<std::string> paused;     ///< why
        std::optional<std::string> objection;  ///< why
        bool erasure_due = false;

        [[nodiscard]] Decision decision() const;
    };

    void remember(const AuditEntry& entry);
    Refusal refuse_resume(const protocol::ControlCommand& command) const;
    void apply(const std::string& name, const protocol::ControlCommand& command);
    void erase(const std::string& name);
    void write(const AuditAct& act);

    protocol::Hub& hub_;
    Effects effects_;
    std::map<std::string, Stream, std::less<>> streams_;
    std::unique_ptr<AuditLog> audit_;
};

}  // namespace emotiond::daemon
