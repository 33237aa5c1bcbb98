#pragma once

#include <filesystem>

#include "daemon/config.hpp"

namespace emotiond::daemon {

/// The bundle that the configuration names, or else the one that came with the program: installed
/// beside it (<prefix>/share/emotiond), or in the source tree it was built from.
/// Throws std::runtime_error that lists where it looked.
std::filesystem::path bundle_path(const Config& config);

}  // namespace emotiond::daemon
