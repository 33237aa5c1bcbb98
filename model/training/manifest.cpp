#include "model/training/manifest.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "model/labels.hpp"

namespace emotiond::model {
namespace {

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');) {
        if (!cell.empty() && cell.back() == '\r') {
            cell.pop_back();
        }
        cells.push_back(cell);
    }
    return cells;
}

}  // namespace

Corpus read_corpus(const std::filesystem::path& folder) {
    const auto path = folder / "manifest.csv";
    std::ifstream in(path);
    std::string line;
    if (!in || !std::getline(in, line)) {
        throw std::runtime_error("cannot read " + path.string());
    }
    const std::vector<std::string> header = split(line);
    const auto column = [&](const char* name) {
        const auto found = std::ranges::find(header, name);
        if (found == header.end()) {
            throw std::runtime_error(path.string() + ":1: column '" + name +
                                     "' is missing, found: " + line);
        }
        return static_cast<std::size_t>(found - header.begin());
    };
    const std::size_t file = column("file");
    const std::size_t speaker = column("speaker");
    const std::size_t emotion = column("emotion");
    const std::size_t licence = column("licence");
    const std::size_t needed = std::max({file, speaker, emotion, licence}) + 1;

    Corpus corpus;
    corpus.name = std::filesystem::absolute(folder).lexically_normal().filename().string();
    if (corpus.name.empty()) {  // a trailing slash
        corpus.name = std::filesystem::absolute(folder).lexically_normal().parent_path().filename();
    }
    std::map<std::string, int> skipped;
    for (int line_number = 2; std::getline(in, line); ++line_number) {
        const std::vector<std::string> cells = split(line);
        if (cells.size() < needed) {
            throw std::runtime_error(path.string() + ":" + std::to_string(line_number) +
                                     ": expected " + std::to_string(needed) + " cells, got " +
                                     std::to_string(cells.size()));
        }
        const auto label = std::ranges::find(kEmotions, cells[emotion]);
        if (label == kEmotions.end()) {
            ++skipped[cells[emotion]];
            continue;
        }
        if (!corpus.clips.empty() && corpus.licence != cells[licence]) {
            throw std::runtime_error(path.string() + ":" + std::to_string(line_number) +
                                     ": licence '" + cells[licence] + "', the clips before have '" +
                                     corpus.licence + "'; a corpus has one");
        }
        corpus.licence = cells[licence];
        corpus.clips.push_back({folder / cells[file], corpus.name, cells[speaker],
                                static_cast<std::size_t>(label - kEmotions.begin())});
    }
    for (const auto& [name, count] : skipped) {
        corpus.skipped.push_back("'" + name + "': " + std::to_string(count) + " clips");
    }
    if (corpus.clips.empty()) {
        throw std::runtime_error(path.string() + ": no clip has a label that is known");
    }
    return corpus;
}

}  // namespace emotiond::model
