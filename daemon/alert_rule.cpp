#include "daemon/alert_rule.hpp"

#include <algorithm>
#include <stdexcept>

#include "daemon/config.hpp"
#include "protocol/glob.hpp"

namespace emotiond::daemon {
namespace {

constexpr std::int64_t kLongestMs = 3600000;

void require(bool is_fine, const std::string& what) {
    if (!is_fine) {
        throw std::invalid_argument(what);
    }
}

void require_duration(const char* key, std::int64_t got) {
    require(got >= 0 && got <= kLongestMs, std::string(key) + " must be 0 to " +
                                               std::to_string(kLongestMs) + ", got " +
                                               std::to_string(got));
}

}  // namespace

void AlertRule::validate() const {
    require(!name.empty(), "name must not be empty");
    require(!labels.empty(), "labels must name at least one emotion");
    for (std::size_t i = 0; i < labels.size(); ++i) {
        require(std::find(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(i),
                          labels[i]) == labels.begin() + static_cast<std::ptrdiff_t>(i),
                "label '" + labels[i] + "' is there twice");
    }
    // Written so that what is no number is refused too.
    require(threshold > 0.0 && threshold <= 1.0,
            "threshold must be above 0 and at most 1, got " + std::to_string(threshold));
    require(clear_below > 0.0 && clear_below <= threshold,
            "clear_below must be above 0 and at most the threshold, got " +
                std::to_string(clear_below));
    require_duration("min_duration_ms", min_duration_ms);
    require_duration("clear_after_ms", clear_after_ms);
    require_duration("cooldown_ms", cooldown_ms);
    require(!streams.empty(), "streams must have at least one glob");
    for (const std::string& role : roles) {
        require(role == "customer" || role == "agent" || role == "unspecified",
                "roles must be customer, agent or unspecified, got '" + role + "'");
    }
}

bool AlertRule::covers(const std::string& stream, const std::string& role) const {
    return std::ranges::any_of(
               streams,
               [&](const std::string& glob) { return protocol::matches_glob(glob, stream); }) &&
           (roles.empty() || std::ranges::find(roles, role) != roles.end());
}

void require_known_labels(const std::vector<AlertRule>& rules,
                          const std::vector<std::string>& labels) {
    for (const AlertRule& rule : rules) {
        for (const std::string& label : rule.labels) {
            if (std::ranges::find(labels, label) == labels.end()) {
                std::string known;
                for (const std::string& one : labels) {
                    known += (known.empty() ? "" : ", ") + one;
                }
                throw ConfigError("alert '" + rule.name + "': the model has no label '" + label +
                                  "'; it has " + known);
            }
        }
    }
}

}  // namespace emotiond::daemon
