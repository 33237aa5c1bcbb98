#include "model/training/feature_cache.hpp"

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <stdexcept>

namespace emotiond::model {
namespace {

constexpr std::uint64_t kMagic = 0x3265727574616566;  // "feature2"

/// Over everything that is written, so that a damaged file is known. Against faults of disks, not
/// of people.
class Checksum {
 public:
    void add(const void* data, std::size_t size) {
        const auto* bytes = static_cast<const char*>(data);
        while (size > 0) {
            std::uint64_t word = 0;
            const std::size_t taken = std::min(size, sizeof word);
            std::memcpy(&word, bytes, taken);
            value_ = std::rotl((value_ ^ word) * 0x9e3779b97f4a7c15U, 29);
            bytes += taken;
            size -= taken;
        }
    }
    [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
    std::uint64_t value_ = 0xcbf29ce484222325U;
};

/// FNV-1a. It names the file; the key in it decides.
std::uint64_t hash_of(const std::string& key) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : key) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    return hash;
}

std::filesystem::path file_of(const std::filesystem::path& folder, const std::string& key) {
    char name[40];
    std::snprintf(name, sizeof name, "%016" PRIx64 ".features", hash_of(key));
    return folder / name;
}

class Writer {
 public:
    explicit Writer(std::ostream& out) : out_(out) {}
    void number(std::uint64_t value) { bytes(&value, sizeof value); }
    void real(float value) { bytes(&value, sizeof value); }
    void text(const std::string& value) {
        number(value.size());
        bytes(value.data(), value.size());
    }
    void rows(const Rows& rows) {
        number(rows.num_rows);
        number(rows.begin);
        number(rows.end);
        number(rows.values.size());
        bytes(rows.values.data(), rows.values.size() * sizeof(float));
    }
    void checksum() { number(checksum_.value()); }

 private:
    void bytes(const void* data, std::size_t size) {
        checksum_.add(data, size);
        out_.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
    }
    std::ostream& out_;
    Checksum checksum_;
};

/// Throws std::runtime_error at the end of the file, and for sizes that it cannot have.
class Reader {
 public:
    Reader(std::istream& in, std::uint64_t file_size) : in_(in), file_size_(file_size) {}
    std::uint64_t number() {
        std::uint64_t value = 0;
        bytes(&value, sizeof value);
        return value;
    }
    float real() {
        float value = 0.0F;
        bytes(&value, sizeof value);
        return value;
    }
    std::size_t size(std::size_t unit) {
        const std::uint64_t value = number();
        if (value > file_size_ / unit) {
            throw std::runtime_error("impossible size");
        }
        return value;
    }
    std::string text() {
        std::string value(size(1), '\0');
        bytes(value.data(), value.size());
        return value;
    }
    Rows rows() {
        Rows rows;
        rows.num_rows = number();
        rows.begin = number();
        rows.end = number();
        rows.values.resize(size(sizeof(float)));
        bytes(rows.values.data(), rows.values.size() * sizeof(float));
        if (rows.begin >= rows.end || rows.end > rows.num_rows || rows.values.empty() ||
            rows.values.size() % rows.num_rows != 0) {
            throw std::runtime_error("impossible rows");
        }
        return rows;
    }
    void checksum() {
        const std::uint64_t expected = checksum_.value();
        if (number() != expected) {
            throw std::runtime_error("damaged");
        }
    }

 private:
    void bytes(void* data, std::size_t size) {
        if (!in_.read(static_cast<char*>(data), static_cast<std::streamsize>(size))) {
            throw std::runtime_error("truncated");
        }
        checksum_.add(data, size);
    }
    std::istream& in_;
    Checksum checksum_;
    std::uint64_t file_size_;
};

}  // namespace

std::optional<LoadedClips> read_cached_features(const std::filesystem::path& folder,
                                                const std::string& key,
                                                const std::vector<Clip>& clips) {
    std::ifstream in(file_of(folder, key), std::ios::binary | std::ios::ate);
    if (!in) {
        return std::nullopt;
    }
    Reader reader(in, static_cast<std::uint64_t>(in.tellg()));
    in.seekg(0);
    try {
        if (reader.number() != kMagic || reader.text() != key) {
            return std::nullopt;
        }
        LoadedClips loaded;
        loaded.from_cache = true;
        loaded.problems.resize(reader.size(sizeof(std::uint64_t)));
        for (std::string& problem : loaded.problems) {
            problem = reader.text();
        }
        loaded.clips.resize(reader.size(sizeof(std::uint64_t)));
        for (ClipFeatures& features : loaded.clips) {
            features.clip = clips.at(reader.number());
            features.is_speech = features.clip.corpus != kNoSpeech;
            features.rows = reader.rows();
            features.windows.resize(reader.size(sizeof(std::uint64_t)));
            for (ClipWindow& window : features.windows) {
                window.first_row = reader.number();
                window.num_rows = reader.number();
                window.voiced = reader.real();
                if (window.num_rows == 0 ||
                    window.first_row + window.num_rows > features.rows.num_rows) {
                    throw std::runtime_error("impossible window");
                }
            }
            features.variants.resize(reader.size(sizeof(std::uint64_t)));
            for (Rows& variant : features.variants) {
                variant = reader.rows();
            }
        }
        reader.checksum();
        return loaded;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

void write_cached_features(const std::filesystem::path& folder, const std::string& key,
                           const LoadedClips& loaded, const std::vector<std::size_t>& kept) {
    std::filesystem::create_directories(folder);
    const std::filesystem::path path = file_of(folder, key);
    // Another run may be writing the same.
    const std::filesystem::path beside =
        path.string() + "." + std::to_string(std::random_device{}()) + ".part";
    try {
        std::ofstream out(beside, std::ios::binary);
        Writer writer(out);
        writer.number(kMagic);
        writer.text(key);
        writer.number(loaded.problems.size());
        for (const std::string& problem : loaded.problems) {
            writer.text(problem);
        }
        writer.number(loaded.clips.size());
        for (std::size_t i = 0; i < loaded.clips.size(); ++i) {
            const ClipFeatures& features = loaded.clips[i];
            writer.number(kept.at(i));
            writer.rows(features.rows);
            writer.number(features.windows.size());
            for (const ClipWindow& window : features.windows) {
                writer.number(window.first_row);
                writer.number(window.num_rows);
                writer.real(window.voiced);
            }
            writer.number(features.variants.size());
            for (const Rows& variant : features.variants) {
                writer.rows(variant);
            }
        }
        writer.checksum();
        if (!out.flush()) {
            throw std::runtime_error("cannot write the feature cache " + beside.string());
        }
        out.close();
        std::filesystem::rename(beside, path);
    } catch (...) {
        std::error_code ignored;
        std::filesystem::remove(beside, ignored);
        throw;
    }
}

}  // namespace emotiond::model
