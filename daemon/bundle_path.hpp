#pragma once

#include <filesystem>
#include <string>

#include "daemon/config.hpp"
#include "model/bundle.hpp"

namespace emotiond::daemon {

/// The bundle that the configuration names, or else the one that came with the program: installed
/// beside it (<prefix>/share/emotiond), or in the source tree it was built from.
/// Throws std::runtime_error that lists where it looked.
std::filesystem::path bundle_path(const Config& config);

/// Loads it. Throws ConfigError where it holds code and model.trust_code is not set, and as
/// bundle_path() and Bundle::load.
model::Bundle load_bundle(const Config& config);

/// "licence CC-BY-4.0, trained on a, b", for people.
std::string origin_text(const model::Bundle& bundle);

}  // namespace emotiond::daemon
