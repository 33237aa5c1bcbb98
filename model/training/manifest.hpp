#pragma once

#include "model/training/corpus.hpp"

namespace emotiond::model {

/// Reads `<folder>/manifest.csv`: file (relative to the folder), speaker and emotion; where there,
/// also intensity, sex, utterance, language, split and licence. Other columns are passed over.
/// Throws std::runtime_error with file and line for what cannot be used.
Corpus read_manifest(const std::filesystem::path& folder);

/// "emodb" of "data/emodb/".
std::string folder_name(const std::filesystem::path& folder);

}  // namespace emotiond::model
