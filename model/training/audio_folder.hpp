#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/training/corpus.hpp"

namespace emotiond::model {

/// Reads a folder without a manifest, with all folders in it: labels from the file names of a known
/// corpus (file_name_codes.hpp), else from folders named after emotions, else from a word in the
/// file name. Of the folders `train`, `test` and `val` Clip::split is read.
///
/// Speakers: those of the known corpus; else the file name up to the first '_' or '-', where this
/// gives at least two names, each of several files and none an emotion; else one,
/// "<corpus>_unknown", and a note that says so. Throws std::runtime_error with some of the names
/// found where the layout is not known or mixed.
Corpus read_audio_folder(const std::filesystem::path& folder);

/// wav, flac, ogg or mp3 in any case, and not hidden (archives of a Mac bring "._a.wav").
bool is_audio_file(const std::filesystem::path& file);

/// All audio files below the folder, in the order of their paths.
/// Throws std::runtime_error where the folder cannot be read.
std::vector<std::filesystem::path> audio_files_in(const std::filesystem::path& folder);

/// Path, size and time of the last change, by which a changed file is known. Never throws: a file
/// that cannot be read has a stamp like no other file's.
std::string file_stamp(const std::filesystem::path& file);

}  // namespace emotiond::model
