#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

struct sf_private_tag;

namespace emotiond::model {

/// An audio file read in pieces: wav, flac, ogg, mp3 and whatever else libsndfile knows.
/// Not thread-safe.
class AudioFile {
 public:
    /// Throws std::runtime_error with the path and libsndfile's reason.
    explicit AudioFile(const std::filesystem::path& path);

    [[nodiscard]] int rate_hz() const { return rate_hz_; }
    [[nodiscard]] int channels() const { return channels_; }
    /// Frames that the header announces; a truncated file may hold fewer. A huge number where it
    /// does not tell (mp3, Ogg), so that a cut mp3 passes for a whole one.
    [[nodiscard]] std::int64_t announced_frames() const { return announced_frames_; }

    /// Reads up to out.size() / channels() whole frames, full scale +-1, channels interleaved.
    /// Returns the frames read; 0 at the end.
    /// Throws std::runtime_error where the data is damaged.
    std::size_t read(std::span<float> out);
    /// At the end, with the number of frames that were read: throws std::runtime_error where the
    /// file is empty or ends before the length that its header announces.
    void require_complete(std::uint64_t frames_read) const;
    void rewind();

 private:
    struct Close {
        void operator()(sf_private_tag* file) const;
    };
    std::filesystem::path path_;
    std::unique_ptr<sf_private_tag, Close> file_;
    int rate_hz_ = 0;
    int channels_ = 0;
    std::int64_t announced_frames_ = 0;
};

/// frames: channels interleaved.  out: one sample per frame, of one channel or the mean of all.
void mix_to_mono(std::span<const float> frames, std::size_t channels, std::optional<int> channel,
                 std::span<float> out);

/// One channel of a whole file.
struct Recording {
    std::vector<float> samples;
    int rate_hz = 0;
};

/// Reads a file and mixes its channels to one. Throws as AudioFile does, and for samples that are
/// no finite numbers, as files of floats may have.
Recording read_recording(const std::filesystem::path& path);

}  // namespace emotiond::model
