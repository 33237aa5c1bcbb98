#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace emotiond::model {

/// One labelled recording. What a corpus does not tell is empty.
struct Clip {
    std::filesystem::path path;
    std::string corpus;     ///< Corpus::name
    std::string speaker;    ///< unique over corpora
    std::size_t label = 0;  ///< index into the labels of the run, set by assign_labels
    std::string
        emotion{};  ///< "fearful"; a word of kEmotions, "bored", or what the corpus calls it
    std::string intensity{};
    std::string sex{};  ///< "female", "male"
    std::string utterance{};
    std::string language{};  ///< "en"
    std::string split{};     ///< "train", "test", "val", where the corpus comes split
};

struct Corpus {
    std::string name;                 ///< of its folder
    std::string licence = "unknown";  ///< of its clips
    std::vector<Clip> clips{};        ///< in the order of the manifest, or of their paths
    std::string layout{};             ///< how its labels were read: "manifest.csv", "RAVDESS ..."
    std::vector<std::string> skipped{};  ///< what was left out and why, with the files' names
    std::vector<std::string> notes{};    ///< what else the user must know
};

/// Reads a folder of labelled recordings of any layout of docs/training.md: a manifest.csv, the
/// file names of RAVDESS, CREMA-D, EmoDB, TESS or SAVEE, or folders and file names that tell the
/// emotion. Of files with the same bytes the first is kept. Opens no audio: damaged files show when
/// features are computed.
/// Throws std::runtime_error where the folder has no such layout, or several.
Corpus read_corpus(const std::filesystem::path& folder);

/// The labels of a run that asks for no others: kEmotions.
std::vector<std::string> default_labels();

/// Sets Clip::label and takes out the clips of other emotions. Returns one line for each emotion of
/// a corpus that was taken out, and one for the labels that no clip has.
/// Throws std::runtime_error for labels that are too few, twice there or not spelled as
/// Clip::emotion is, and for a corpus of which no clip is left.
std::vector<std::string> assign_labels(std::span<Corpus> corpora,
                                       std::span<const std::string> labels);

/// Which of the labels each corpus has, by the corpus's name. After assign_labels.
std::map<std::string, std::vector<std::size_t>> corpus_labels(std::span<const Corpus> corpora);

}  // namespace emotiond::model
