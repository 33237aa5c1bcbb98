#include "model/training/audio_folder.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <stdexcept>

#include "model/training/emotion_names.hpp"
#include "model/training/file_name_codes.hpp"
#include "model/training/manifest.hpp"

namespace emotiond::model {
namespace {

namespace fs = std::filesystem;

/// Reasons for which files were passed over, and the files.
class PassedOver {
 public:
    void add(const std::string& reason, const fs::path& file) {
        files_[reason].push_back(file.string());
    }

    /// "song, not speech: a.wav, b.wav, c.wav and 9 more"
    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> lines;
        for (const auto& [reason, files] : files_) {
            lines.push_back(reason + ": " + some_of(files));
        }
        return lines;
    }

    static std::string some_of(const std::vector<std::string>& names) {
        constexpr std::size_t kShown = 3;
        std::string text;
        for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) {
            text += (i == 0 ? "" : ", ") + names[i];
        }
        return names.size() <= kShown
                   ? text
                   : text + " and " + std::to_string(names.size() - kShown) + " more";
    }

 private:
    std::map<std::string, std::vector<std::string>> files_;
};

/// In the order of their paths, whatever the file system's is: a seed then draws the same clips.
std::vector<fs::path> all_files_in(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(
             folder, fs::directory_options::follow_directory_symlink)) {
        if (!entry.is_directory()) {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    return files;
}

/// "train", "test" or "val" where the name of a folder says so.
std::string split_of_name(const std::string& name) {
    static const std::map<std::string, std::string> kSplits{
        {"train", "train"}, {"training", "train"}, {"test", "test"},      {"testing", "test"},
        {"val", "val"},     {"valid", "val"},      {"validation", "val"}, {"dev", "val"}};
    const auto found = kSplits.find(to_lower(name));
    return found == kSplits.end() ? "" : found->second;
}

/// The folders between the corpus and the file, the innermost first.
/// file: relative to the corpus.
std::vector<std::string> folders_of(const fs::path& file) {
    std::vector<std::string> folders;
    for (const fs::path& folder : file.parent_path()) {
        folders.insert(folders.begin(), folder.string());
    }
    return folders;
}

std::string split_of(const fs::path& file) {
    for (const std::string& folder : folders_of(file)) {
        if (std::string split = split_of_name(folder); !split.empty()) {
            return split;
        }
    }
    return "";
}

/// Of the innermost folder that names an emotion; empty where none does.
std::string emotion_of_folders(const fs::path& file) {
    for (const std::string& folder : folders_of(file)) {
        if (const auto emotions = emotions_in_name(folder); emotions.size() == 1) {
            return std::string(emotions.front());
        }
    }
    return "";
}

/// "EB0" of "EB0_anger_1.ogg"; empty where there is no '_' or '-'.
std::string name_prefix(const fs::path& file) {
    const std::string stem = file.stem().string();
    const std::size_t end = stem.find_first_of("_-");
    return end == std::string::npos ? "" : stem.substr(0, end);
}

const FileNameCode* code_of(const fs::path& file) {
    for (const FileNameCode& code : file_name_codes()) {
        if (code.read(file)) {
            return &code;
        }
    }
    return nullptr;
}

/// What stands in a folder without a manifest. Paths are relative to it.
struct Contents {
    std::vector<fs::path> files;
    std::map<const FileNameCode*, std::size_t> codes;  ///< files that have the code
};

[[noreturn]] void complain(const fs::path& folder, const std::string& found,
                           const std::vector<std::string>& examples) {
    std::string message = folder.string() + ": " + found;
    if (!examples.empty()) {
        message += ", among them " + PassedOver::some_of(examples);
    }
    message += ". Looked for manifest.csv; for file names of";
    for (const FileNameCode& code : file_name_codes()) {
        message += (&code == file_name_codes().data() ? " " : ", ") + std::string(code.corpus) +
                   " (" + std::string(code.example) + ")";
    }
    throw std::runtime_error(message +
                             "; for folders named after emotions (train/angry/1.wav, angry/1.wav); "
                             "for an emotion in the file names (1_angry.wav)");
}

void read_coded(const fs::path& folder, const Contents& contents, const FileNameCode& code,
                Corpus& corpus, PassedOver& passed_over) {
    corpus.layout = "file names of " + std::string(code.corpus);
    for (const fs::path& file : contents.files) {
        const auto coded = code.read(file);
        if (!coded) {
            passed_over.add("not a file name of " + std::string(code.corpus), file);
            continue;
        }
        if (!coded->problem.empty()) {
            passed_over.add(coded->problem, file);
            continue;
        }
        Clip clip{folder / file, corpus.name, coded->speaker};
        clip.emotion = coded->emotion;
        clip.intensity = coded->intensity;
        clip.sex = coded->sex;
        clip.utterance = coded->utterance;
        clip.language = coded->language;
        clip.split = split_of(file);
        corpus.clips.push_back(std::move(clip));
    }
}

/// Whether file names begin with their speakers.
bool tells_speakers(const std::vector<fs::path>& files) {
    std::map<std::string, std::size_t> count;
    for (const fs::path& file : files) {
        ++count[name_prefix(file)];
    }
    return count.size() >= 2 && std::ranges::all_of(count, [](const auto& entry) {
               const auto& [prefix, num_files] = entry;
               return num_files >= 2 && !prefix.empty() && emotions_in_name(prefix).empty() &&
                      split_of_name(prefix).empty();
           });
}

/// Emotion by folder or file name. `passed_over` gets the files for which neither tells one.
std::string emotion_of(const fs::path& file, PassedOver& passed_over) {
    if (std::string emotion = emotion_of_folders(file); !emotion.empty()) {
        return emotion;
    }
    const auto emotions = emotions_in_name(file.stem().string());
    if (emotions.size() == 1) {
        return std::string(emotions.front());
    }
    if (emotions.size() > 1) {
        passed_over.add("more than one emotion in the file name", file);
        return "";
    }
    // A name of the user's own; the labels of the run decide about it.
    for (const std::string& folder : folders_of(file)) {
        if (split_of_name(folder).empty()) {
            return to_lower(folder);
        }
    }
    passed_over.add("no emotion in folder or file name", file);
    return "";
}

void read_folders(const fs::path& folder, const Contents& contents, Corpus& corpus,
                  PassedOver& passed_over) {
    corpus.layout = "folders and file names";
    std::vector<fs::path> others;  // than those of known corpora
    std::ranges::copy_if(contents.files, std::back_inserter(others),
                         [](const fs::path& file) { return code_of(file) == nullptr; });
    const bool names_have_speakers = tells_speakers(others);
    std::set<std::string> speakers;
    std::size_t without_speaker = 0;
    for (const fs::path& file : contents.files) {
        Clip clip{folder / file, corpus.name, corpus.name + "_unknown"};
        clip.emotion = emotion_of(file, passed_over);
        if (clip.emotion.empty()) {
            continue;
        }
        clip.split = split_of(file);
        if (const FileNameCode* code = code_of(file)) {
            // Known corpora, put into folders of emotions together.
            const CodedClip coded = *code->read(file);
            clip.speaker = coded.speaker;
            clip.sex = coded.sex;
        } else if (names_have_speakers) {
            clip.speaker = corpus.name + "_" + name_prefix(file);
        } else {
            ++without_speaker;
        }
        speakers.insert(clip.speaker);
        corpus.clips.push_back(std::move(clip));
    }
    if (without_speaker > 0) {
        corpus.notes.push_back(
            "speakers are not told; a speaker-independent split is not "
            "possible: " +
            std::to_string(without_speaker) + " clips count as one speaker, '" + corpus.name +
            "_unknown'");
    } else if (names_have_speakers) {
        corpus.notes.push_back(
            "speakers are taken from the file names, up to the first '_' or '-': " +
            std::to_string(speakers.size()) + " speakers, " +
            PassedOver::some_of({speakers.begin(), speakers.end()}));
    }
}

}  // namespace

bool is_audio_file(const fs::path& file) {
    constexpr std::array<std::string_view, 4> kExtensions{".wav", ".flac", ".ogg", ".mp3"};
    return !file.filename().string().starts_with('.') &&
           std::ranges::find(kExtensions, to_lower(file.extension().string())) != kExtensions.end();
}

std::vector<fs::path> audio_files_in(const fs::path& folder) {
    std::vector<fs::path> files = all_files_in(folder);
    std::erase_if(files, [](const fs::path& file) { return !is_audio_file(file); });
    return files;
}

Corpus read_audio_folder(const fs::path& folder) {
    Corpus corpus;
    corpus.name = folder_name(folder);
    PassedOver passed_over;
    Contents contents;
    for (const fs::path& path : all_files_in(folder)) {
        const fs::path file = path.lexically_relative(folder);
        if (is_audio_file(file)) {
            contents.files.push_back(file);
        } else {
            passed_over.add("no audio file by its name", file);
        }
    }
    std::vector<std::string> examples_without_code;
    std::vector<std::string> examples;  // one of each code
    bool all_in_emotion_folders = true;
    for (const fs::path& file : contents.files) {
        all_in_emotion_folders &= !emotion_of_folders(file).empty();
        if (const FileNameCode* code = code_of(file)) {
            if (++contents.codes[code] == 1) {
                examples.push_back(file.string());
            }
        } else {
            examples_without_code.push_back(file.string());
        }
    }
    examples.insert(examples.end(), examples_without_code.begin(), examples_without_code.end());
    if (contents.files.empty()) {
        complain(folder, "no audio files (wav, flac, ogg, mp3)", {});
    }

    const std::size_t num_coded = contents.files.size() - examples_without_code.size();
    const bool is_one_code = contents.codes.size() == 1;
    const bool all_coded = num_coded == contents.files.size();
    const bool most_coded = 2 * num_coded > contents.files.size();
    if (is_one_code && (all_coded || (most_coded && !all_in_emotion_folders))) {
        read_coded(folder, contents, *contents.codes.begin()->first, corpus, passed_over);
    } else if (contents.codes.empty() || all_in_emotion_folders) {
        read_folders(folder, contents, corpus, passed_over);
    } else {
        std::string found;
        for (const auto& [code, count] : contents.codes) {
            found += std::to_string(count) + " files named as those of " +
                     std::string(code->corpus) + ", ";
        }
        complain(folder,
                 "mixed layouts: " + found + std::to_string(examples_without_code.size()) +
                     " others; each corpus needs a folder of its own",
                 examples);
    }
    corpus.skipped = passed_over.lines();
    if (corpus.clips.empty()) {
        std::string found = std::to_string(contents.files.size()) + " audio files, none usable";
        for (const std::string& line : corpus.skipped) {
            found += "; " + line;
        }
        complain(folder, found, {});
    }
    return corpus;
}

std::string file_stamp(const fs::path& file) {
    std::error_code unreadable;
    const auto size = fs::file_size(file, unreadable);
    const auto time = fs::last_write_time(file, unreadable);
    return file.string() + " " + std::to_string(size) + " " +
           std::to_string(time.time_since_epoch().count());
}

}  // namespace emotiond::model
