#pragma once

#include <string>
#include <vector>

#include "daemon/config.hpp"

namespace emotiond::daemon {

/// `emotiond devices`: the inputs that `--source mic:` can name, on stdout. Returns the exit code.
/// Throws DeviceError where PortAudio does not start.
int devices_command(bool as_json);

/// `emotiond classify`: the timeline and the verdict of each file, on stdout. Goes on after a file
/// that cannot be read, told on stderr. Returns 0, or 1 where a file failed. Throws as
/// Bundle::load.
int classify_command(const Config& config, const std::vector<std::string>& files, bool as_json);

/// `emotiond replay`: config's files through a service of their own, as fast as it goes; its events
/// on stdout, how often each rule was true on stderr. Returns as Service::run(). Throws as Service.
int replay_command(const Config& config, bool as_json);

/// `emotiond check-config`: loads the bundle too and prints the settings in force. Returns 0.
/// Throws ConfigError, std::runtime_error.
int check_config_command(const Config& config);

}  // namespace emotiond::daemon
