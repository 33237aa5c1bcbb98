#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "protocol/command.hpp"
#include "protocol/events.hpp"
#include "protocol/rights.hpp"

namespace emotiond::protocol {

/// Who obeys `pause`, `resume_analysis` and `object`: the daemon.
class Control {
 public:
    struct Refusal {
        std::string code;  ///< empty: it is done
        std::string message;
    };

    virtual ~Control() = default;

    /// All of the streams or none. In effect when it returns. Network thread.
    /// who: name of the token or address of the peer.
    virtual Refusal control(const ControlCommand& command, std::string_view who) = 0;
};

/// Judges the rights, then has it done. control: null where there is none.
std::variant<Controlled, ErrorEvent> obey(Control* control, const ControlCommand& command,
                                          const std::string& request_id, const Rights& rights,
                                          const std::string& peer);

}  // namespace emotiond::protocol
