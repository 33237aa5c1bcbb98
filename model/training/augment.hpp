#pragma once

#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include "dsp/convolution.hpp"

/// What makes one recording into others that a microphone might have heard. Functions of samples,
/// full scale +-1, that keep no state: the same input and the same state of `Random` give the same
/// output. Any number of threads may call them at once, each with its own `Random`. Every one takes
/// an empty recording and gives an empty one back.
namespace emotiond::model {

using Random = std::mt19937_64;

/// Root mean square; 0 of an empty recording.
float rms(std::span<const float> samples);

/// Noise from white to dark: Gaussian, through a one-pole low-pass of random depth. Of any level.
std::vector<float> coloured_noise(std::size_t size, Random& random);

/// The samples with the noise added at a signal-to-noise ratio, over the RMS of the whole. The
/// noise is cut from a random place; one that is shorter than the samples is repeated. Silent noise
/// adds nothing; without noise the samples come back.
std::vector<float> add_noise(std::span<const float> samples, std::span<const float> noise,
                             float snr_db, Random& random);

/// How a room answers to a click, with the direct sound at its largest sample. May be used by any
/// number of threads.
class ImpulseResponse {
 public:
    /// response: [length]. Throws std::invalid_argument where it is empty or silent.
    explicit ImpulseResponse(std::span<const float> response);

    /// The samples as heard in the room: as many, at the same RMS, the direct sound where it was.
    /// What rings on after the last sample is cut off.
    [[nodiscard]] std::vector<float> reverberate(std::span<const float> samples) const;

 private:
    dsp::Convolution convolution_;
    std::size_t direct_sample_;
};

/// A click of 1 and a tail of noise that falls by 60 dB in rt60_s and lasts as long, 2 ms after the
/// click. The energy of the click stands direct_to_reverb_db above that of the tail.
/// Source: Moorer, "About this reverberation business", 1979.
std::vector<float> synthetic_impulse_response(int rate_hz, float rt60_s, float direct_to_reverb_db,
                                              Random& random);

/// The samples without what is above cutoff_hz (half of the amplitude remains there): linear phase,
/// delay removed, -74 dB from 1.1 cutoff_hz on. A cutoff of half the rate or more lets all pass.
/// Throws std::invalid_argument for a cutoff that is not above 0.
std::vector<float> low_pass(std::span<const float> samples, int rate_hz, float cutoff_hz);

/// As through a telephone: 8 kHz, 300 to 3400 Hz, mu-law. As many samples, delay removed.
std::vector<float> telephone(std::span<const float> samples, int rate_hz);

/// Faster and higher by the factor, slower and lower below 1, as a tape: 1 / factor as many
/// samples. Throws std::invalid_argument for a factor outside 0.5 to 2.
std::vector<float> change_speed(std::span<const float> samples, int rate_hz, float factor);

struct Amplified {
    std::vector<float> samples;
    std::size_t num_clipped = 0;  ///< samples that would have left +-1 and stand there now
};
Amplified amplify(std::span<const float> samples, float gain_db);
/// To an RMS of level_dbfs; 0 dBFS is a square wave of amplitude 1. Silence stays silence.
Amplified set_level(std::span<const float> samples, float level_dbfs);

}  // namespace emotiond::model
