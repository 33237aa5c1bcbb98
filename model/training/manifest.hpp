#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace emotiond::model {

/// One labelled recording.
struct Clip {
    std::filesystem::path path;
    std::string corpus;     ///< name of the folder the manifest stands in
    std::string speaker;    ///< unique over corpora
    std::size_t label = 0;  ///< index into kEmotions
};

struct Corpus {
    std::string name;
    std::string licence;  ///< of its clips
    std::vector<Clip> clips;
    std::vector<std::string> skipped;  ///< "boredom: 81 clips", one per label that is not ours
};

/// Reads `<folder>/manifest.csv` with the columns file, speaker, emotion and licence (others are
/// passed over). Throws std::runtime_error with file and line for what cannot be used.
Corpus read_corpus(const std::filesystem::path& folder);

}  // namespace emotiond::model
