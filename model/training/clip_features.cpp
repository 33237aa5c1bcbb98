#include "model/training/clip_features.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <random>

#include "model/audio_file.hpp"
#include "model/timeline.hpp"
#include "model/training/augment.hpp"

namespace emotiond::model {
namespace {

Rows extract(std::span<const float> samples, const dsp::FeatureSpec& spec) {
    Rows rows;
    dsp::FeatureExtractor extractor(spec);
    const auto keep = [&](std::span<const float> row) {
        rows.values.insert(rows.values.end(), row.begin(), row.end());
        ++rows.num_rows;
    };
    extractor.push(samples, keep);
    extractor.finish(keep);
    return rows;
}

/// Adds noise of a random colour at a random signal-to-noise ratio of 5 to 30 dB, on the recording
/// and on a margin around it, as a room would.
std::vector<float> in_noise(std::span<const float> samples, const dsp::FeatureSpec& spec,
                            Random& random) {
    std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
    const auto margin =
        static_cast<std::size_t>(uniform(random) * 0.8F * static_cast<float>(spec.sample_rate_hz));
    std::vector<float> noise = coloured_noise(samples.size() + 2 * margin, random);
    const float snr_db = 5.0F + 25.0F * uniform(random);
    const float gain =
        rms(samples) * std::pow(10.0F, -snr_db / 20.0F) / std::max(1e-9F, rms(noise));
    for (std::size_t i = 0; i < noise.size(); ++i) {
        noise[i] *= gain;
        if (i >= margin && i - margin < samples.size()) {
            noise[i] += samples[i - margin];
        }
    }
    return noise;
}

/// Of which no window can tell anything.
constexpr double kShortestClipS = 0.25;

std::string silent_message(const std::filesystem::path& path, std::span<const float> samples,
                           int rate_hz) {
    float peak = 0.0F;
    for (const float sample : samples) {
        peak = std::max(peak, std::abs(sample));
    }
    char found[96];
    std::snprintf(found, sizeof found, ": %.2f s with peak %.4f (full scale 1)",
                  static_cast<double>(samples.size()) / rate_hz, static_cast<double>(peak));
    return "silent or too short: " + path.string() + found + "; no window of it has speech level";
}

ClipFeatures load_clip(const Clip& clip, const dsp::FeatureSpec& spec,
                       const dsp::WindowOptions& window, Random& random) {
    const Recording recording = read_recording(clip.path);
    const std::vector<float> samples =
        dsp::resample(recording.samples, recording.rate_hz, spec.sample_rate_hz);
    if (static_cast<double>(samples.size()) < kShortestClipS * spec.sample_rate_hz) {
        char found[64];
        std::snprintf(found, sizeof found, ": %.2f s, expected at least %.2f s",
                      static_cast<double>(samples.size()) / spec.sample_rate_hz, kShortestClipS);
        throw std::runtime_error("too short: " + clip.path.string() + found);
    }
    ClipFeatures features{clip, extract(samples, spec), {}, {}};

    dsp::WindowStream stream(spec, spec.sample_rate_hz, window);
    const auto keep = [&](const dsp::FeatureWindow& found) {
        if (found.voiced >= kDefaultMinVoiced) {
            features.windows.push_back(
                {static_cast<std::size_t>(found.first_row), found.num_rows, found.voiced});
        }
    };
    stream.push(samples, keep);
    stream.finish(keep);
    if (features.windows.empty()) {
        throw std::runtime_error(silent_message(clip.path, samples, spec.sample_rate_hz));
    }
    for (const double speed : {0.9, 1.1}) {
        const auto fast_rate_hz = static_cast<int>(std::lround(spec.sample_rate_hz * speed));
        const auto changed = dsp::resample(samples, fast_rate_hz, spec.sample_rate_hz);
        features.variants.push_back(extract(in_noise(changed, spec, random), spec));
    }
    features.variants.push_back(extract(in_noise(samples, spec, random), spec));
    return features;
}

}  // namespace

LoadedClips load_clips(const std::vector<Clip>& clips, const dsp::FeatureSpec& spec,
                       const dsp::WindowOptions& window, std::uint64_t seed,
                       const std::function<void(std::size_t, std::size_t)>& on_progress) {
    LoadedClips loaded;
    loaded.clips.reserve(clips.size());
    for (std::size_t i = 0; i < clips.size(); ++i) {
        Random random(seed + i);
        try {
            loaded.clips.push_back(load_clip(clips[i], spec, window, random));
        } catch (const std::exception& error) {
            loaded.problems.emplace_back(error.what());
        }
        if (i % 64 == 63 || i + 1 == clips.size()) {
            on_progress(i + 1, clips.size());
        }
    }
    return loaded;
}

}  // namespace emotiond::model
