#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "daemon/channel_config.hpp"

namespace emotiond::daemon {

/// What stands behind `[[channels]]`. Throws ConfigError with file and line.
std::vector<ChannelConfig> read_channels(const toml::node& node, const std::filesystem::path& file);

/// As entries of `[[channels]]`.
std::string to_toml(const std::vector<ChannelConfig>& channels);

}  // namespace emotiond::daemon
