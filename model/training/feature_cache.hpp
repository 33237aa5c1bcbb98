#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "model/training/clip_features.hpp"

namespace emotiond::model {

/// Reads the features that were kept under exactly this key. Nothing where there are none, or the
/// file is damaged: features can always be computed again.
/// clips: those that the key speaks of, in its order.
std::optional<LoadedClips> read_cached_features(const std::filesystem::path& folder,
                                                const std::string& key,
                                                const std::vector<Clip>& clips);

/// Keeps features for the next run; written beside and renamed. Throws std::runtime_error.
/// kept: for each loaded clip its place among the clips of the key.
void write_cached_features(const std::filesystem::path& folder, const std::string& key,
                           const LoadedClips& loaded, const std::vector<std::size_t>& kept);

}  // namespace emotiond::model
