#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace emotiond::test {

inline std::string read_bytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    return bytes.str();
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// 16-bit PCM at 16 kHz. samples: channels interleaved.
inline void write_wav(const std::filesystem::path& path, const std::vector<float>& samples,
                      std::uint16_t channels = 1) {
    std::ofstream out(path, std::ios::binary);
    const auto put = [&out](auto value) {
        out.write(reinterpret_cast<const char*>(&value), sizeof value);
    };
    const auto bytes = static_cast<std::uint32_t>(samples.size() * 2);
    out << "RIFF";
    put(bytes + 36);
    out << "WAVEfmt ";
    put(std::uint32_t{16});
    put(std::uint16_t{1});
    put(channels);
    put(std::uint32_t{16000});
    put(std::uint32_t{16000U * 2U * channels});
    put(static_cast<std::uint16_t>(2 * channels));
    put(std::uint16_t{16});
    out << "data";
    put(bytes);
    for (const float sample : samples) {
        put(static_cast<std::int16_t>(std::lround(sample * 32767.0F)));
    }
}

/// Noise of amplitude 0.3, smoothed: a larger `smoothing` (0..1) sounds darker.
inline std::vector<float> coloured_noise(std::size_t size, float smoothing, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> samples(size);
    float state = 0.0F;
    for (float& sample : samples) {
        state = smoothing * state + (1.0F - smoothing) * normal(random);
        sample = std::clamp(0.3F * state / (1.0F - smoothing), -1.0F, 1.0F);
    }
    return samples;
}

}  // namespace emotiond::test
