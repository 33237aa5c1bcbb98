#include "daemon/role_gate.hpp"

namespace emotiond::daemon {

GateVerdict judge(const ChannelPolicy& channel) {
    const bool is_agent = channel.role == "agent";
    const bool has_exception = channel.exception.find_first_not_of(" \t\r\n") != std::string::npos;
    GateVerdict verdict;
    if (is_agent || channel.mixed) {
        const std::string what = is_agent ? "an agent's channel" : "mixed audio of both parties";
        verdict.allowed = has_exception;
        verdict.reason = what + (has_exception ? ", analysed by exception: " + channel.exception
                                               : " without an exception");
    }
    const bool is_call = channel.role != "unspecified" || channel.mixed;
    if (is_call && verdict.allowed && !channel.disclosed) {
        verdict.warning =
            "nothing says that those who speak on " + channel.id +
            " were told that their emotions are estimated; the law wants that (docs/privacy.md)";
    }
    return verdict;
}

}  // namespace emotiond::daemon
