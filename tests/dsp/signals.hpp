#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>
#include <span>
#include <vector>

/// Signals and cuts for the tests of dsp. The same seed gives the same values.
namespace emotiond::test {

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
