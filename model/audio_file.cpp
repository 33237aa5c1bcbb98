#include "model/audio_file.hpp"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>

namespace emotiond::model {

namespace {

/// Whether an Ogg file ends with a whole page that is marked as the last of its stream.
/// Source: RFC 3533, section 6.
bool has_ogg_end_mark(const std::filesystem::path& path) {
    constexpr std::size_t kHeaderBytes = 27;
    constexpr std::size_t kLargestPageBytes = 65307;
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    const auto file_bytes = static_cast<std::size_t>(std::max<std::streamoff>(0, in.tellg()));
    std::string end(std::min(file_bytes, kLargestPageBytes), '\0');
    in.seekg(static_cast<std::streamoff>(file_bytes - end.size()));
    in.read(end.data(), static_cast<std::streamsize>(end.size()));
    const auto byte = [&end](std::size_t at) { return static_cast<unsigned char>(end[at]); };
    for (std::size_t page = end.rfind("OggS"); page != std::string::npos;
         page = page == 0 ? std::string::npos : end.rfind("OggS", page - 1)) {
        const std::size_t segments = page + kHeaderBytes;
        if (segments > end.size() || segments + byte(segments - 1) > end.size()) {
            continue;
        }
        std::size_t page_end = segments + byte(segments - 1);
        for (std::size_t i = 0; i < byte(segments - 1); ++i) {
            page_end += byte(segments + i);
        }
        if (page_end == end.size()) {
            constexpr unsigned kLastOfStream = 4;
            return (byte(page + 5) & kLastOfStream) != 0;
        }
    }
    return false;
}

/// libsndfile mends the header of a cut WAV and passes over a missing end of an Ogg stream, but
/// notes both in its log. Empty where it notes nothing.
std::string evidence_of_truncation(SNDFILE* file, const std::filesystem::path& path) {
    std::string log(16384, '\0');
    sf_command(file, SFC_GET_LOG_INFO, log.data(), static_cast<int>(log.size()));
    log.resize(log.find('\0'));
    // libsndfile notes it also of whole streams whose sound is one page long.
    if (log.find("ended unexpectedly") != std::string::npos && !has_ogg_end_mark(path)) {
        return "its stream has no end mark";
    }
    unsigned long announced = 0;
    unsigned long found = 0;
    const std::size_t at = log.find("data : ");
    if (at != std::string::npos &&
        std::sscanf(log.c_str() + at, "data : %lu (should be %lu)", &announced, &found) == 2) {
        // A WAV written to a pipe announces about 2^31 or 2^32 bytes for "unknown".
        constexpr unsigned long kUnknown = 0x7fff0000;
        if (announced > found && announced < kUnknown) {
            return "its header announces " + std::to_string(announced) + " bytes, " +
                   std::to_string(found) + " are there";
        }
    }
    return "";
}

}  // namespace

void AudioFile::Close::operator()(sf_private_tag* file) const {
    sf_close(file);
}

AudioFile::AudioFile(const std::filesystem::path& path) : path_(path) {
    // libsndfile keeps the reason why a file did not open in one variable for all threads.
    static std::mutex opening;
    const std::scoped_lock lock(opening);
    SF_INFO info{};
    file_.reset(sf_open(path.c_str(), SFM_READ, &info));
    if (file_ == nullptr) {
        throw std::runtime_error("cannot read audio from " + path.string() + ": " +
                                 sf_strerror(nullptr));
    }
    rate_hz_ = info.samplerate;
    channels_ = info.channels;
    // Of an mp3 without an index the length is a guess from the size of the file.
    const bool is_guess = (info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG;
    announced_frames_ = is_guess ? SF_COUNT_MAX : info.frames;
}

std::size_t AudioFile::read(std::span<float> out) {
    const auto frames = static_cast<sf_count_t>(out.size()) / channels_;
    const sf_count_t got = sf_readf_float(file_.get(), out.data(), frames);
    if (got <= 0 && sf_error(file_.get()) != SF_ERR_NO_ERROR) {
        throw std::runtime_error("damaged audio in " + path_.string() + ": " +
                                 sf_strerror(file_.get()));
    }
    return got > 0 ? static_cast<std::size_t>(got) : 0;
}

void AudioFile::rewind() {
    sf_seek(file_.get(), 0, SEEK_SET);
}

void AudioFile::require_complete(std::uint64_t frames_read) const {
    if (frames_read == 0) {
        throw std::runtime_error("no audio in " + path_.string() + ": 0 samples");
    }
    if (const std::string evidence = evidence_of_truncation(file_.get(), path_);
        !evidence.empty()) {
        throw std::runtime_error("truncated audio in " + path_.string() + ": " + evidence);
    }
    // A stream of unknown length announces the largest number there is.
    const bool announces = announced_frames_ < SF_COUNT_MAX;
    if (announces && frames_read < static_cast<std::uint64_t>(announced_frames_)) {
        throw std::runtime_error("truncated audio in " + path_.string() +
                                 ": the header announces " + std::to_string(announced_frames_) +
                                 " samples, " + std::to_string(frames_read) + " are there");
    }
}

void mix_to_mono(std::span<const float> frames, std::size_t channels, std::optional<int> channel,
                 std::span<float> out) {
    if (channels == 1) {
        std::copy_n(frames.begin(), out.size(), out.begin());
        return;
    }
    for (std::size_t frame = 0; frame < out.size(); ++frame) {
        const float* samples = frames.data() + frame * channels;
        if (channel) {
            out[frame] = samples[*channel];
            continue;
        }
        float sum = 0.0F;
        for (std::size_t i = 0; i < channels; ++i) {
            sum += samples[i];
        }
        out[frame] = sum / static_cast<float>(channels);
    }
}

Recording read_recording(const std::filesystem::path& path) {
    AudioFile file(path);
    const auto channels = static_cast<std::size_t>(file.channels());
    Recording recording;
    recording.rate_hz = file.rate_hz();
    constexpr std::size_t kPieceFrames = 4096;
    std::vector<float> piece(kPieceFrames * channels);
    for (std::size_t got = file.read(piece); got > 0; got = file.read(piece)) {
        const std::size_t before = recording.samples.size();
        recording.samples.resize(before + got);
        mix_to_mono(piece, channels, std::nullopt, std::span(recording.samples).subspan(before));
        for (std::size_t i = before; i < recording.samples.size(); ++i) {
            if (!std::isfinite(recording.samples[i])) {
                throw std::runtime_error(
                    "damaged audio in " + path.string() + ": sample " + std::to_string(i) + " is " +
                    std::to_string(recording.samples[i]) + ", expected a finite number");
            }
        }
    }
    file.require_complete(recording.samples.size());
    return recording;
}

}  // namespace emotiond::model
