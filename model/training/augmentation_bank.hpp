#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "model/training/augment.hpp"

namespace emotiond::model {

/// Noises and rooms to put recordings into. Recorded ones where there are folders of them,
/// synthetic ones where not. May be used by any number of threads, each with its own Random.
class AugmentationBank {
 public:
    /// Synthetic noise and rooms.
    explicit AugmentationBank(int rate_hz) : rate_hz_(rate_hz) {}
    /// Reads all files, mixes channels and resamples; no noise or no impulse_responses: synthetic
    /// ones. Of an impulse response, a second after its direct sound is kept, and what is before
    /// it. Throws std::runtime_error where none of the files can be used.
    AugmentationBank(int rate_hz, std::span<const std::filesystem::path> noise,
                     std::span<const std::filesystem::path> impulse_responses);

    /// What is in it, told apart from any other: the stamps of the files.
    [[nodiscard]] const std::string& description() const { return description_; }
    [[nodiscard]] int rate_hz() const { return rate_hz_; }
    [[nodiscard]] std::size_t num_noises() const { return noises_.size(); }
    [[nodiscard]] std::size_t num_impulse_responses() const { return responses_.size(); }
    /// One line for each file that had to be left out.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

    /// Noise at this signal-to-noise ratio.
    [[nodiscard]] std::vector<float> in_noise(std::span<const float> samples, float snr_db,
                                              Random& random) const;
    /// In one of the rooms; synthetic ones have an RT60 of 0.15 to 0.9 s and a direct sound of -3
    /// to 12 dB over the tail.
    [[nodiscard]] std::vector<float> in_room(std::span<const float> samples, Random& random) const;

 private:
    int rate_hz_;
    std::string description_ = "synthetic noise, synthetic rooms";
    std::vector<std::vector<float>> noises_;
    std::vector<ImpulseResponse> responses_;
    std::vector<std::string> problems_;
};

struct Augmented {
    std::vector<float> samples;
    std::string applied;  ///< "speed 1.04, noise 17 dB, level -8 dB"; for people
};

/// The recording as another voice, room, line and microphone might have made it. In this order,
/// each drawn anew: speed 0.9 to 1.1 (half of the time), a room (a third), noise at 5 to 30 dB
/// (half), a telephone (a fifth), a low-pass of 2.5 to 8 kHz (a quarter), a gain of -20 to +10 dB,
/// clipped at full scale (always). The same samples, bank and state of `random` give the same
/// result. rate_hz: of the samples. Throws std::invalid_argument where the bank has another.
Augmented augmented(std::span<const float> samples, int rate_hz, const AugmentationBank& bank,
                    Random& random);

}  // namespace emotiond::model
