#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/glob.hpp"

namespace emotiond::protocol {

/// What the holder of a token may do. Without tokens everybody may do everything.
struct Rights {
    std::string name;                       ///< of the token, for the log; never the token
    std::vector<std::string> streams{"*"};  ///< globs
    /// `subscribe`, `history`, `erase`, `control`, `metrics`; `*`: all
    std::vector<std::string> actions{"*"};

    bool may_see(std::string_view stream) const {
        return std::ranges::any_of(
            streams, [&](const std::string& glob) { return matches_glob(glob, stream); });
    }
    bool may(std::string_view action) const {
        return std::ranges::any_of(actions, [&](const std::string& allowed) {
            return allowed == "*" || allowed == action;
        });
    }
};

/// The rights that a token gives; none for a wrong one. Must take the same time for every token.
using Authorise = std::function<std::optional<Rights>(std::string_view token)>;

}  // namespace emotiond::protocol
