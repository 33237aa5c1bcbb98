#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace emotiond::daemon {

/// When somebody is to be told of a stream: an entry of `[[alerts]]`.
struct AlertRule {
    std::string name;
    std::vector<std::string> labels;        ///< their scores are added up: the rule's value
    double threshold = 0.0;                 ///< raised where the value stays at or above
    double clear_below = 0.0;               ///< cleared where it stays below; at most the threshold
    std::int64_t min_duration_ms = 500;     ///< of speech at or above the threshold
    std::int64_t clear_after_ms = 3000;     ///< of speech below clear_below
    std::int64_t cooldown_ms = 30000;       ///< from cleared to the next one raised
    std::vector<std::string> streams{"*"};  ///< globs
    std::vector<std::string> roles;         ///< of channels; empty: every role

    bool operator==(const AlertRule&) const = default;

    /// Throws std::invalid_argument that names the key, what is allowed and what was got.
    void validate() const;

    [[nodiscard]] bool covers(const std::string& stream, const std::string& role) const;
};

/// Throws ConfigError that names the rule and the label where the model has no such label.
void require_known_labels(const std::vector<AlertRule>& rules,
                          const std::vector<std::string>& labels);

}  // namespace emotiond::daemon
