#include "model/training/manifest.hpp"

#include <stdexcept>

#include "model/training/csv.hpp"
#include "model/training/emotion_names.hpp"

namespace emotiond::model {

std::string folder_name(const std::filesystem::path& folder) {
    const auto path = std::filesystem::absolute(folder).lexically_normal();
    return (path.has_filename() ? path : path.parent_path()).filename().string();
}

Corpus read_manifest(const std::filesystem::path& folder) {
    const CsvTable table = read_csv(folder / "manifest.csv");
    const std::size_t file = table.require_column("file");
    const std::size_t speaker = table.require_column("speaker");
    const std::size_t emotion = table.require_column("emotion");

    Corpus corpus;
    corpus.name = folder_name(folder);
    corpus.layout = "manifest.csv";
    std::size_t without_speaker = 0;
    for (const CsvRow& row : table.rows) {
        const auto complain = [&](const std::string& what) {
            throw std::runtime_error(table.path.string() + ":" + std::to_string(row.line) + ": " +
                                     what);
        };
        const auto optional_cell = [&](const char* name) {
            const auto column = table.find_column(name);
            return column ? row.cells[*column] : "";
        };
        if (row.cells[file].empty()) {
            complain("the cell 'file' is empty");
        }
        if (row.cells[emotion].empty()) {
            corpus.skipped.push_back("no emotion: " + row.cells[file] + " (line " +
                                     std::to_string(row.line) + ")");
            continue;
        }
        if (const std::string licence = optional_cell("licence"); !licence.empty()) {
            if (!corpus.clips.empty() && corpus.licence != licence) {
                complain("licence '" + licence + "', the clips before have '" + corpus.licence +
                         "'; a corpus has one");
            }
            corpus.licence = licence;
        }
        Clip clip{folder / row.cells[file], corpus.name, row.cells[speaker]};
        if (clip.speaker.empty()) {
            clip.speaker = corpus.name + "_unknown";
            ++without_speaker;
        }
        const std::string_view known = canonical_emotion(row.cells[emotion]);
        clip.emotion = known.empty() ? row.cells[emotion] : known;
        clip.intensity = optional_cell("intensity");
        clip.sex = optional_cell("sex");
        clip.utterance = optional_cell("utterance");
        clip.language = optional_cell("language");
        clip.split = optional_cell("split");
        corpus.clips.push_back(std::move(clip));
    }
    if (without_speaker > 0) {
        corpus.notes.push_back(std::to_string(without_speaker) +
                               " clips have no speaker; they count as one, '" + corpus.name +
                               "_unknown'");
    }
    return corpus;
}

}  // namespace emotiond::model
