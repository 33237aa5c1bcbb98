#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "daemon/alert_rule.hpp"

namespace emotiond::daemon {

/// What stands behind `[[alerts]]`. Throws ConfigError with file and line.
std::vector<AlertRule> read_alert_rules(const toml::node& node, const std::filesystem::path& file);

/// A file of `[[alerts]]` and nothing else. Throws ConfigError with file and line.
std::vector<AlertRule> read_alert_rules(const std::filesystem::path& file);

/// As entries of `[[alerts]]`.
std::string to_toml(const std::vector<AlertRule>& rules);

}  // namespace emotiond::daemon
