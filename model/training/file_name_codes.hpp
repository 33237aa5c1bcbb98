#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace emotiond::model {

/// What the file name of a known corpus tells of a clip. What it does not tell is empty.
struct CodedClip {
    std::string speaker;  ///< with the corpus in front: "ravdess_01"
    std::string emotion;
    std::string intensity;
    std::string sex;
    std::string utterance;
    std::string language;
    std::string problem;  ///< why the clip cannot be used: "song", "unknown emotion code 'QQQ'"
};

/// The code of one corpus.
struct FileNameCode {
    std::string_view corpus;   ///< "RAVDESS"
    std::string_view example;  ///< "03-01-06-01-02-01-12.wav"
    /// Nothing where the name has another form; a CodedClip with a problem where the form is right
    /// and a part of it is not known.
    std::optional<CodedClip> (*read)(const std::filesystem::path& file);
};

/// RAVDESS, CREMA-D, EmoDB, TESS and SAVEE. The forms exclude each other.
/// Sources: Livingstone & Russo 2018 (RAVDESS), Cao et al. 2014 (CREMA-D), Burkhardt et al. 2005
/// (EmoDB), Pichora-Fuller & Dupuis 2010 (TESS), Haq & Jackson 2009 (SAVEE), each by the
/// description that comes with its files.
std::span<const FileNameCode> file_name_codes();

}  // namespace emotiond::model
