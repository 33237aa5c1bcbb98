#include "model/training/corpus.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

#include "model/labels.hpp"
#include "model/training/audio_folder.hpp"
#include "model/training/emotion_names.hpp"
#include "model/training/manifest.hpp"

namespace emotiond::model {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest digest_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    Digest digest{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
    return digest;
}

/// Nothing where the file cannot be read; loading its features will name it.
std::optional<std::uintmax_t> size_of(const std::filesystem::path& path) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error || size == 0) {
        return std::nullopt;
    }
    return size;
}

/// Takes out clips that have the bytes of one before them: in training and test they would leak.
void remove_duplicates(const std::filesystem::path& folder, Corpus& corpus) {
    std::map<std::uintmax_t, std::size_t> clips_of_size;
    std::vector<std::optional<std::uintmax_t>> sizes;
    for (const Clip& clip : corpus.clips) {
        sizes.push_back(size_of(clip.path));
        if (sizes.back()) {
            ++clips_of_size[*sizes.back()];
        }
    }
    std::map<Digest, const Clip*> seen;
    std::vector<Clip> kept;
    kept.reserve(corpus.clips.size());  // `seen` points into it
    for (std::size_t i = 0; i < corpus.clips.size(); ++i) {
        Clip& clip = corpus.clips[i];
        if (sizes[i] && clips_of_size[*sizes[i]] > 1) {
            const auto [first, is_new] = seen.emplace(digest_of(clip.path), nullptr);
            if (!is_new) {
                corpus.skipped.push_back(
                    "same bytes as " + first->second->path.lexically_relative(folder).string() +
                    (first->second->emotion == clip.emotion
                         ? ""
                         : ", which is " + first->second->emotion + " and not " + clip.emotion) +
                    ": " + clip.path.lexically_relative(folder).string());
                continue;
            }
            kept.push_back(std::move(clip));
            first->second = &kept.back();
            continue;
        }
        kept.push_back(std::move(clip));
    }
    corpus.clips = std::move(kept);
}

std::string joined(std::span<const std::string> names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : ", ") + name;
    }
    return text;
}

void require_usable(std::span<const std::string> labels) {
    if (labels.size() < 2) {
        throw std::runtime_error("a run needs at least two labels, got: " + joined(labels));
    }
    for (const std::string& label : labels) {
        if (std::ranges::count(labels, label) > 1) {
            throw std::runtime_error("label '" + label + "' is given twice: " + joined(labels));
        }
        const std::string_view canonical = canonical_emotion(label);
        if (!canonical.empty() && canonical != label) {
            throw std::runtime_error("label '" + label + "' is called '" + std::string(canonical) +
                                     "' here");
        }
    }
}

}  // namespace

Corpus read_corpus(const std::filesystem::path& folder) {
    if (!std::filesystem::is_directory(folder)) {
        throw std::runtime_error("cannot read the corpus " + folder.string() +
                                 ": there is no such folder");
    }
    Corpus corpus = std::filesystem::exists(folder / "manifest.csv") ? read_manifest(folder)
                                                                     : read_audio_folder(folder);
    if (corpus.clips.empty()) {
        throw std::runtime_error(folder.string() + ": " + corpus.layout + " has no clips");
    }
    remove_duplicates(folder, corpus);
    return corpus;
}

std::vector<std::string> default_labels() {
    return {kEmotions.begin(), kEmotions.end()};
}

std::vector<std::string> assign_labels(std::span<Corpus> corpora,
                                       std::span<const std::string> labels) {
    require_usable(labels);
    std::vector<std::string> lines;
    std::vector<bool> occurs(labels.size());
    for (Corpus& corpus : corpora) {
        std::map<std::string, std::size_t> others;
        std::vector<Clip> kept;
        for (Clip& clip : corpus.clips) {
            const auto label = std::ranges::find(labels, clip.emotion);
            if (label == labels.end()) {
                ++others[clip.emotion];
                continue;
            }
            clip.label = static_cast<std::size_t>(label - labels.begin());
            occurs[clip.label] = true;
            kept.push_back(std::move(clip));
        }
        std::vector<std::string> counts;
        for (const auto& [emotion, count] : others) {
            counts.push_back("'" + emotion + "': " + std::to_string(count) + " clips");
            lines.push_back(corpus.name + ": skipped " + counts.back() +
                            " (not one of the run's labels)");
        }
        if (kept.empty()) {
            throw std::runtime_error("corpus " + corpus.name +
                                     ": no clip has a label of the run (" + joined(labels) +
                                     "); it has " + joined(counts));
        }
        corpus.clips = std::move(kept);
    }
    std::vector<std::string> absent;
    for (std::size_t label = 0; label < labels.size(); ++label) {
        if (!occurs[label]) {
            absent.push_back(labels[label]);
        }
    }
    if (!absent.empty()) {
        lines.push_back("no clip of any corpus is " + joined(absent) +
                        "; the model cannot learn it");
    }
    return lines;
}

std::map<std::string, std::vector<std::size_t>> corpus_labels(std::span<const Corpus> corpora) {
    std::map<std::string, std::vector<std::size_t>> labels;
    for (const Corpus& corpus : corpora) {
        std::set<std::size_t> occurring;
        for (const Clip& clip : corpus.clips) {
            occurring.insert(clip.label);
        }
        labels[corpus.name].assign(occurring.begin(), occurring.end());
    }
    return labels;
}

}  // namespace emotiond::model
