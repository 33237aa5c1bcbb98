#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "model/training/augment.hpp"

namespace emotiond::model {

/// What scenes are made of: clean speech, and what is to be told from it.
class SceneMaterial {
 public:
    /// speakers: the recordings of each. Reads noise and music at once, of long pieces a minute
    /// from their middle; none: synthetic ones alone. Throws std::runtime_error where nobody
    /// speaks, and where none of the files of a kind can be read.
    SceneMaterial(int rate_hz, std::vector<std::vector<std::filesystem::path>> speakers,
                  std::span<const std::filesystem::path> noise,
                  std::span<const std::filesystem::path> music,
                  std::span<const std::filesystem::path> impulse_responses);

    [[nodiscard]] int rate_hz() const { return rate_hz_; }
    [[nodiscard]] const std::vector<std::vector<std::filesystem::path>>& speakers() const {
        return speakers_;
    }
    [[nodiscard]] const std::vector<std::vector<float>>& noises() const { return noises_; }
    [[nodiscard]] const std::vector<std::vector<float>>& music() const { return music_; }
    [[nodiscard]] const std::vector<ImpulseResponse>& rooms() const { return rooms_; }
    /// One line for each file that had to be left out.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

 private:
    int rate_hz_;
    std::vector<std::vector<std::filesystem::path>> speakers_;
    std::vector<std::string> problems_;  // reading the members below adds to it
    std::vector<std::vector<float>> noises_;
    std::vector<std::vector<float>> music_;
    std::vector<ImpulseResponse> rooms_;
};

/// What a microphone might have heard, and when there was speech in it.
struct VoiceScene {
    std::vector<float> samples;
    std::vector<bool> speech;        ///< one a hop
    std::set<std::string> problems;  ///< a line for each recording of speech that was left out
};

/// For each hop of clean speech whether it is speech: its energy, smoothed over 50 ms, comes within
/// 30 dB of the loudest and stands above the quietest. Gaps up to 150 ms are closed.
std::vector<bool> speech_hops(std::span<const float> samples, int rate_hz, int hop_samples);

/// Draws a scene of these seconds: one speaker's recordings with pauses in between, or none at all,
/// in a room or not, over up to three backgrounds one after the other at -5 to 30 dB (recorded
/// noise and music, synthetic music, coloured noise, hum, tones as telephones have them, keyboards,
/// nothing); half of it through a telephone or a low-pass, at any level.
/// A recording of speech that cannot be read, or is silent, is left out, and another speaker heard
/// instead. Throws std::runtime_error for twenty such in a row.
/// The same material and state of `random` give the same scene.
VoiceScene draw_scene(const SceneMaterial& material, const dsp::FeatureSpec& spec, double seconds,
                      Random& random);

/// Synthetic sounds of these many samples, of any level; each call draws another.
using Sound = std::vector<float> (*)(std::size_t size, int rate_hz, Random& random);
/// Mains hum of 50 or 60 Hz and its harmonics.
std::vector<float> hum(std::size_t size, int rate_hz, Random& random);
/// One tone or two, steady or with a cadence: dial, ring, busy, hold, keys.
std::vector<float> telephone_tones(std::size_t size, int rate_hz, Random& random);
/// Strokes of keys.
std::vector<float> keyboard(std::size_t size, int rate_hz, Random& random);
/// Chords, bass, melody and drums in a key and a tempo.
std::vector<float> synthetic_music(std::size_t size, int rate_hz, Random& random);

}  // namespace emotiond::model
