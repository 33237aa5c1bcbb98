#include "protocol/control.hpp"

#include <algorithm>

namespace emotiond::protocol {

std::variant<Controlled, ErrorEvent> obey(Control* control, const ControlCommand& command,
                                          const std::string& request_id, const Rights& rights,
                                          const std::string& peer) {
    const auto refused = [&](std::string code, std::string message) {
        return ErrorEvent{.code = std::move(code),
                          .message = std::move(message),
                          .fatal = false,
                          .request_id = request_id};
    };
    if (!rights.may("control")) {
        return refused("forbidden", "this token does not give the right 'control'");
    }
    const auto hidden = std::ranges::find_if(
        command.streams, [&](const std::string& stream) { return !rights.may_see(stream); });
    if (hidden != command.streams.end()) {
        return refused("forbidden", "this token does not cover the stream \"" + *hidden + "\"");
    }
    if (control == nullptr) {
        return refused("no_control", "this server's analysis cannot be controlled");
    }
    Control::Refusal refusal = control->control(command, rights.name.empty() ? peer : rights.name);
    if (!refusal.code.empty()) {
        return refused(std::move(refusal.code), std::move(refusal.message));
    }
    return Controlled{.request_id = request_id,
                      .action = std::string(to_text(command.action)),
                      .streams = command.streams};
}

}  // namespace emotiond::protocol
