#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numbers>
#include <random>
#include <span>
#include <vector>

#include "dsp/feature_spec.hpp"

/// Signals, specifications and cuts for the tests of dsp. The same seed gives the same values.
namespace emotiond::test {

/// A specification that asks for every feature there is.
inline dsp::FeatureSpec with_all_features(dsp::FeatureSpec spec) {
    spec.append_log_energy = true;
    spec.f0 = true;
    spec.zero_crossing_rate = true;
    spec.rms = true;
    spec.spectral_flux = true;
    spec.chroma = true;
    spec.spectral_contrast = true;
    spec.tonnetz = true;
    return spec;
}

/// White noise in -0.5..0.5 under a slow swell, so that frames differ in level.
inline std::vector<float> make_noise(std::size_t size, unsigned seed) {
    std::minstd_rand random(seed);
    std::uniform_real_distribution<float> uniform(-0.5F, 0.5F);
    std::vector<float> samples(size);
    for (std::size_t i = 0; i < size; ++i) {
        samples[i] = uniform(random) * std::abs(std::sin(static_cast<float>(i) * 1e-3F));
    }
    return samples;
}

inline std::vector<float> make_sine(double hz, int rate_hz, double amplitude, std::size_t size) {
    std::vector<float> samples(size);
    for (std::size_t i = 0; i < size; ++i) {
        const double turns = hz * static_cast<double>(i) / rate_hz;
        samples[i] = static_cast<float>(amplitude * std::sin(2.0 * std::numbers::pi * turns));
    }
    return samples;
}

/// Equal harmonics 1 to num_harmonics that start together, as a voice's do.
inline std::vector<float> make_voice(double hz, int num_harmonics, int rate_hz, std::size_t size) {
    std::vector<float> samples(size, 0.0F);
    for (int harmonic = 1; harmonic <= num_harmonics; ++harmonic) {
        const auto sine = make_sine(harmonic * hz, rate_hz, 0.5 / num_harmonics, size);
        std::ranges::transform(samples, sine, samples.begin(), std::plus<>());
    }
    return samples;
}

/// Calls on_part with consecutive parts of random sizes from 0 to max_size.
template <typename OnPart>
void cut(std::span<const float> samples, std::size_t max_size, unsigned seed, OnPart&& on_part) {
    std::minstd_rand random(seed);
    std::uniform_int_distribution<std::size_t> sizes(0, max_size);
    while (!samples.empty()) {
        const auto part = samples.first(std::min(samples.size(), sizes(random)));
        samples = samples.subspan(part.size());
        on_part(part);
    }
}

}  // namespace emotiond::test
