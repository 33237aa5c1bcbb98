#pragma once

#include <filesystem>

#include "model/bundle.hpp"

namespace emotiond::model {

/// Reads what a user says of a network of their own (docs/bundles.md): a JSON object with name,
/// labels, features, temperature, uncertain_below, licence, training_data and metrics, all of which
/// may be missing, members of the features too. Returns a bundle without a network.
/// Throws std::runtime_error that names the file, the member and what is wrong with it.
Bundle read_bundle_spec(const std::filesystem::path& path);

}  // namespace emotiond::model
