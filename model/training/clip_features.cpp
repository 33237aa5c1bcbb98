#include "model/training/clip_features.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <thread>

#include "dsp/feature_extractor.hpp"
#include "dsp/resampler.hpp"
#include "model/audio_file.hpp"
#include "model/feature_spec_json.hpp"
#include "model/timeline.hpp"
#include "model/training/audio_folder.hpp"
#include "model/training/augmentation_bank.hpp"
#include "model/training/feature_cache.hpp"

namespace emotiond::model {
namespace {

/// Of which no window can tell anything.
constexpr double kShortestClipS = 0.25;

/// The rows from the first to the last whose smoothed energy comes within 8 nepers (35 dB) of the
/// loudest, with a margin: as a network with an energy column masks them.
void find_audible(Rows& rows, std::span<const float> samples, const dsp::FeatureSpec& spec) {
    constexpr std::ptrdiff_t kSmoothed = 4;
    constexpr double kBelow = 8.0;
    constexpr std::size_t kMargin = 8;
    const auto hop = static_cast<std::size_t>(spec.hop_samples);
    std::vector<double> level(rows.num_rows, std::log(1e-10));
    for (std::size_t row = 0; row < rows.num_rows; ++row) {
        double energy = 0.0;
        for (std::size_t i = row * hop; i < std::min(samples.size(), (row + 1) * hop); ++i) {
            energy += static_cast<double>(samples[i]) * samples[i];
        }
        level[row] = std::log(std::max(1e-10, energy));
    }
    const auto count = static_cast<std::ptrdiff_t>(level.size());
    std::vector<double> smooth(level.size());
    for (std::ptrdiff_t row = 0; row < count; ++row) {
        const std::ptrdiff_t first = std::max<std::ptrdiff_t>(0, row - kSmoothed);
        const std::ptrdiff_t last = std::min(count - 1, row + kSmoothed);
        double sum = 0.0;
        for (std::ptrdiff_t i = first; i <= last; ++i) {
            sum += level[static_cast<std::size_t>(i)];
        }
        smooth[static_cast<std::size_t>(row)] = sum / static_cast<double>(last - first + 1);
    }
    const double least = *std::ranges::max_element(smooth) - kBelow;
    const auto audible = [&](double value) { return value > least; };
    const auto first =
        static_cast<std::size_t>(std::ranges::find_if(smooth, audible) - smooth.begin());
    const auto behind = static_cast<std::size_t>(
        std::find_if(smooth.rbegin(), smooth.rend(), audible).base() - smooth.begin());
    rows.begin = first > kMargin ? first - kMargin : 0;
    rows.end = std::min(rows.num_rows, behind + kMargin);
}

Rows extract(std::span<const float> samples, const dsp::FeatureSpec& spec) {
    Rows rows;
    dsp::FeatureExtractor extractor(spec);
    const auto keep = [&](std::span<const float> row) {
        rows.values.insert(rows.values.end(), row.begin(), row.end());
        ++rows.num_rows;
    };
    extractor.push(samples, keep);
    extractor.finish(keep);
    if (rows.num_rows > 0) {
        find_audible(rows, samples, spec);
    }
    return rows;
}

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

/// Speeds change what the vocal tract sounds like too, and a warp of the mel filters by itself.
std::vector<Rows> make_variants(std::span<const float> samples, const dsp::FeatureSpec& spec,
                                const LoadOptions& options, Random& random) {
    std::vector<Rows> variants;
    for (const float speed : {0.9F, 1.1F}) {
        variants.push_back(extract(change_speed(samples, spec.sample_rate_hz, speed), spec));
    }
    std::uniform_real_distribution<float> warp(0.9F, 1.1F);
    for (int i = 0; i < options.variants; ++i) {
        dsp::FeatureSpec warped = spec;
        warped.frequency_warp = warp(random);
        variants.push_back(extract(
            augmented(samples, spec.sample_rate_hz, *options.bank, random).samples, warped));
    }
    return variants;
}

ClipFeatures load_clip(const Clip& clip, const dsp::FeatureSpec& spec, const LoadOptions& options,
                       Random& random) {
    const Recording recording = read_recording(clip.path);
    std::vector<float> samples =
        dsp::resample(recording.samples, recording.rate_hz, spec.sample_rate_hz);
    if (static_cast<double>(samples.size()) < kShortestClipS * spec.sample_rate_hz) {
        char found[64];
        std::snprintf(found, sizeof found, ": %.2f s, expected at least %.2f s",
                      static_cast<double>(samples.size()) / spec.sample_rate_hz, kShortestClipS);
        throw std::runtime_error("too short: " + clip.path.string() + found);
    }
    if (options.degrade) {
        samples = options.degrade(samples, spec.sample_rate_hz, random);
    }
    ClipFeatures features;
    features.clip = clip;
    features.is_speech = clip.corpus != kNoSpeech;
    features.rows = extract(samples, spec);

    dsp::WindowStream stream(spec, spec.sample_rate_hz, dsp::WindowOptions{});
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
    if (options.bank != nullptr) {
        features.variants = make_variants(samples, spec, options, random);
    }
    return features;
}

std::string cache_key(const std::vector<Clip>& clips, const dsp::FeatureSpec& spec,
                      const LoadOptions& options) {
    std::string key = "features " + to_json(spec).dump() + "\nseed " +
                      std::to_string(options.seed) + " variants " +
                      std::to_string(options.variants) + " degrade " + options.degrade_name;
    if (options.bank != nullptr) {
        key += "\nspeeds" + (options.variants > 0 ? " " + options.bank->description() : "");
    }
    for (const Clip& clip : clips) {
        key += "\n" + file_stamp(clip.path);
    }
    return key;
}

}  // namespace

LoadedClips load_clips(const std::vector<Clip>& clips, const dsp::FeatureSpec& spec,
                       const LoadOptions& options) {
    std::string key;
    if (!options.cache.empty()) {
        key = cache_key(clips, spec, options);
        if (auto cached = read_cached_features(options.cache, key, clips)) {
            options.on_progress(clips.size(), clips.size());
            return std::move(*cached);
        }
    }
    std::vector<std::optional<ClipFeatures>> results(clips.size());
    std::vector<std::string> problems(clips.size());
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};
    const auto work = [&](bool tells) {
        for (std::size_t i = next++; i < clips.size(); i = next++) {
            Random random(options.seed * 1000003 + i);
            try {
                results[i] = load_clip(clips[i], spec, options, random);
            } catch (const std::exception& error) {
                problems[i] = error.what();
            }
            ++done;
            if (tells) {
                options.on_progress(done, clips.size());
            }
        }
    };
    {
        std::vector<std::jthread> others;
        for (int i = 1; i < options.threads; ++i) {
            others.emplace_back(work, false);
        }
        work(true);
    }
    options.on_progress(clips.size(), clips.size());

    LoadedClips loaded;
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < clips.size(); ++i) {
        if (results[i]) {
            loaded.clips.push_back(std::move(*results[i]));
            kept.push_back(i);
        } else {
            loaded.problems.push_back(std::move(problems[i]));
        }
    }
    if (!options.cache.empty()) {
        write_cached_features(options.cache, key, loaded, kept);
    }
    return loaded;
}

}  // namespace emotiond::model
