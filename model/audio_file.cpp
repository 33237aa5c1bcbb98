#include "model/audio_file.hpp"

#include <sndfile.h>

#include <stdexcept>
#include <string>

namespace emotiond::model {

void AudioFile::Close::operator()(sf_private_tag* file) const { sf_close(file); }

AudioFile::AudioFile(const std::filesystem::path& path) : path_(path) {
    SF_INFO info{};
    file_.reset(sf_open(path.c_str(), SFM_READ, &info));
    if (file_ == nullptr) {
        throw std::runtime_error("cannot read audio from " + path.string() + ": " +
                                 sf_strerror(nullptr));
    }
    rate_hz_ = info.samplerate;
    channels_ = info.channels;
    announced_frames_ = info.frames;
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

void AudioFile::rewind() { sf_seek(file_.get(), 0, SEEK_SET); }

Recording read_recording(const std::filesystem::path& path) {
    AudioFile file(path);
    const auto channels = static_cast<std::size_t>(file.channels());
    Recording recording;
    recording.rate_hz = file.rate_hz();
    std::vector<float> piece(4096 * channels);
    for (std::size_t frames = file.read(piece); frames > 0; frames = file.read(piece)) {
        for (std::size_t frame = 0; frame < frames; ++frame) {
            float sum = 0.0F;
            for (std::size_t channel = 0; channel < channels; ++channel) {
                sum += piece[frame * channels + channel];
            }
            recording.samples.push_back(sum / static_cast<float>(channels));
        }
    }
    const auto got = static_cast<std::int64_t>(recording.samples.size());
    if (got == 0) {
        throw std::runtime_error("no audio in " + path.string() + ": 0 samples");
    }
    // Streams of unknown length announce a huge number; mp3 counts are estimates.
    if (got < file.announced_frames() && file.announced_frames() < SF_COUNT_MAX) {
        throw std::runtime_error("truncated audio in " + path.string() + ": the header announces " +
                                 std::to_string(file.announced_frames()) + " samples, " +
                                 std::to_string(got) + " are there");
    }
    return recording;
}

}  // namespace emotiond::model
