#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace emotiond::daemon {

/// What `emotiond train-voice` is told.
struct TrainVoiceOptions {
    std::filesystem::path bundle;              ///< that gets the detector
    std::vector<std::filesystem::path> data;   ///< folders of clean speech, as for `train`
    std::vector<std::filesystem::path> noise;  ///< folders of recordings without speech
    std::vector<std::filesystem::path> music;  ///< folders of music
    std::vector<std::filesystem::path> rooms;  ///< folders of room impulse responses
    std::filesystem::path out;                 ///< where the bundle goes
    std::vector<std::string> test_speakers;    ///< not trained on, beside those of the bundle
    std::uint64_t seed = 1;
    int threads = 2;
};

/// Trains a voice detector for the rows of a bundle and writes the bundle with it; the rest of the
/// bundle stays as it is. Speakers whom the bundle's network was validated on are left out, and
/// measured on. Throws std::runtime_error.
int train_voice_command(const TrainVoiceOptions& options);

}  // namespace emotiond::daemon
