#include "dsp/window_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/dsp/signals.hpp"

namespace emotiond::dsp {
namespace {

using std::chrono::milliseconds;
using test::cut;
using test::make_noise;
using test::make_sine;
using test::with_all_features;

constexpr int kRateHz = 16000;
constexpr WindowOptions kOptions{milliseconds(600), milliseconds(200), milliseconds(300)};

/// A window kept beyond its view.
struct Window {
    std::vector<float> rows;
    std::uint64_t first_row = 0;
    std::uint64_t start_sample = 0;
    std::uint64_t end_sample = 0;
    float level_dbfs = 0.0F;
    float voiced = 0.0F;

    bool operator==(const Window&) const = default;
};

auto keep_in(std::vector<Window>& windows) {
    return [&windows](const FeatureWindow& window) {
        windows.push_back({{window.rows.begin(), window.rows.end()},
                           window.first_row,
                           window.start_sample,
                           window.end_sample,
                           window.level_dbfs,
                           window.voiced});
    };
}

std::vector<Window> windows_of(WindowStream& stream, std::span<const float> samples,
                               std::size_t max_part = 4096, unsigned seed = 1) {
    std::vector<Window> windows;
    cut(samples, max_part, seed,
        [&](std::span<const float> part) { stream.push(part, keep_in(windows)); });
    stream.finish(keep_in(windows));
    return windows;
}

std::vector<Window> windows_of(const FeatureSpec& spec, std::span<const float> samples) {
    WindowStream stream(spec, spec.sample_rate_hz, kOptions);
    return windows_of(stream, samples);
}

FeatureSpec with_deltas(FeatureSpec spec = {}) {
    spec.delta_order = 2;
    return spec;
}

TEST(WindowStream, GivesTheRowsOfTheExtractor) {
    const std::vector<float> samples = make_noise(kRateHz, 31);
    std::vector<float> rows;
    const auto append = [&](std::span<const float> row) {
        rows.insert(rows.end(), row.begin(), row.end());
    };
    FeatureExtractor extractor(with_deltas());
    extractor.push(samples, append);
    extractor.finish(append);

    const std::vector<Window> windows = windows_of(with_deltas(), samples);
    ASSERT_EQ(windows.size(), 4U);
    const std::size_t num_features = with_deltas().num_features();
    for (const Window& window : windows) {
        const auto first =
            rows.begin() + static_cast<std::ptrdiff_t>(window.first_row * num_features);
        EXPECT_TRUE(std::equal(window.rows.begin(), window.rows.end(), first));
    }
}

TEST(WindowStream, CountsItsRangesInCapturedSamples) {
    WindowStream stream(FeatureSpec{}, kRateHz, kOptions);
    const std::vector<Window> windows = windows_of(stream, make_noise(kRateHz, 32));
    // 16000 samples make 98 rows; windows end after 40 (the first multiple of the hop, 20,
    // that is not below 30), 60, 80 and, at the end, 98 of them.
    ASSERT_EQ(windows.size(), 4U);
    EXPECT_EQ(windows[0].start_sample, 0U);
    EXPECT_EQ(windows[0].end_sample, 39U * 160U + 400U);
    EXPECT_EQ(windows[1].start_sample, 0U);
    EXPECT_EQ(windows[1].end_sample, 59U * 160U + 400U);
    EXPECT_EQ(windows[2].start_sample, 20U * 160U);
    EXPECT_EQ(windows[2].end_sample, 79U * 160U + 400U);
    EXPECT_EQ(windows[3].start_sample, 38U * 160U);
    EXPECT_EQ(windows[3].end_sample, 97U * 160U + 400U);
}

TEST(WindowStream, CountsWhatThePitchNeedsBeforeAndAfterAFrame) {
    FeatureSpec spec;
    spec.f0 = true;
    WindowStream stream(spec, kRateHz, kOptions);
    const std::vector<Window> windows = windows_of(stream, make_noise(kRateHz, 32));
    ASSERT_EQ(windows.size(), 4U);  // as many rows as without
    EXPECT_EQ(windows[0].start_sample, 0U);
    EXPECT_EQ(windows[0].end_sample, 39U * 160U + 400U + 312U);
    EXPECT_EQ(windows[2].start_sample, 20U * 160U - 312U);
    EXPECT_EQ(windows[3].end_sample, kRateHz);
}

TEST(WindowStream, GivesAWindowAsSoonAsItsLastSampleIsThere) {
    for (const FeatureSpec& spec : {FeatureSpec{}, with_deltas(), with_all_features(FeatureSpec{}),
                                    with_deltas(with_all_features(FeatureSpec{}))}) {
        const std::vector<float> samples = make_noise(kRateHz, 38);
        WindowStream stream(spec, kRateHz, kOptions);
        std::vector<Window> windows;
        for (std::size_t pushed = 1; windows.size() < 3; ++pushed) {
            ASSERT_LE(pushed, samples.size());
            const std::size_t before = windows.size();
            stream.push(std::span(samples).subspan(pushed - 1, 1), keep_in(windows));
            if (windows.size() > before) {
                EXPECT_EQ(windows.back().end_sample, pushed);
            }
        }
    }
}

TEST(WindowStream, CountsItsRangesAtTheDevicesRate) {
    WindowStream at_16(FeatureSpec{}, kRateHz, kOptions);
    WindowStream at_48(FeatureSpec{}, 48000, kOptions);
    at_48.restart(1'000'000'000'000);
    const std::vector<Window> expected = windows_of(at_16, make_noise(kRateHz, 33));
    const std::vector<Window> windows = windows_of(at_48, make_noise(48000, 33));
    ASSERT_EQ(windows.size(), expected.size());
    for (std::size_t i = 0; i < windows.size(); ++i) {
        EXPECT_EQ(windows[i].start_sample, 1'000'000'000'000 + 3 * expected[i].start_sample);
        EXPECT_EQ(windows[i].end_sample, 1'000'000'000'000 + 3 * expected[i].end_sample);
    }
}

TEST(WindowStream, NamesExactlyTheSamplesThatItsRowsDependOn) {
    const FeatureSpec librosa = FeatureSpec::librosa(kRateHz);
    FeatureSpec with_flux;
    with_flux.spectral_flux = true;
    FeatureSpec with_pitch;
    with_pitch.f0 = true;
    for (const FeatureSpec& spec :
         {FeatureSpec{}, with_deltas(), librosa, with_deltas(librosa), with_flux, with_pitch,
          with_deltas(with_flux), with_deltas(with_pitch), with_all_features(FeatureSpec{}),
          with_all_features(librosa), with_deltas(with_all_features(FeatureSpec{}))}) {
        SCOPED_TRACE(testing::PrintToString(spec.feature_names()));
        const std::vector<float> samples = make_noise(2 * kRateHz, 34);
        const Window window = windows_of(spec, samples)[3];
        const auto rows_with_noise = [&](std::uint64_t begin, std::uint64_t end) {
            std::vector<float> changed = samples;
            for (std::uint64_t i = begin; i < end; ++i) {
                changed[i] += i % 2 == 0 ? 0.5F : -0.5F;
            }
            return windows_of(spec, changed)[3].rows;
        };
        ASSERT_GT(window.start_sample, 0U);
        ASSERT_LT(window.end_sample, samples.size());
        EXPECT_EQ(rows_with_noise(0, window.start_sample), window.rows);
        EXPECT_EQ(rows_with_noise(window.end_sample, samples.size()), window.rows);
        // A frame's first and last samples weigh next to nothing, so it takes some to see them.
        EXPECT_NE(rows_with_noise(window.start_sample, window.start_sample + 100), window.rows);
        EXPECT_NE(rows_with_noise(window.end_sample - 100, window.end_sample), window.rows);
    }
}

TEST(WindowStream, GivesTheSameWindowsHoweverTheSamplesAreCut) {
    for (const int capture_rate_hz : {16000, 44100, 48000}) {
        for (const FeatureSpec& spec : {with_deltas(), FeatureSpec::librosa(kRateHz),
                                        with_deltas(with_all_features(FeatureSpec{}))}) {
            const std::vector<float> samples =
                make_noise(static_cast<std::size_t>(capture_rate_hz), 35);
            WindowStream stream(spec, capture_rate_hz, kOptions);
            const std::vector<Window> whole = windows_of(stream, samples, samples.size());
            ASSERT_GE(whole.size(), 3U);
            for (const std::size_t max_part : {3U, 480U, 5000U}) {
                SCOPED_TRACE(testing::Message() << capture_rate_hz << " Hz, parts to " << max_part);
                stream.restart(0);
                EXPECT_EQ(windows_of(stream, samples, max_part, 2), whole);
            }
        }
    }
}

TEST(WindowStream, MeasuresTheLevelOfASine) {
    for (const double amplitude : {1.0, 0.5, 0.01}) {
        const auto samples = make_sine(1000.0, kRateHz, amplitude, kRateHz);
        const std::vector<Window> windows = windows_of(FeatureSpec{}, samples);
        ASSERT_EQ(windows.size(), 4U);
        for (const Window& window : windows) {
            EXPECT_NEAR(window.level_dbfs, 20.0 * std::log10(amplitude / std::sqrt(2.0)), 0.01);
        }
    }
}

TEST(WindowStream, MeasuresTheLevelOfEachWindowAlone) {
    std::vector<float> samples = make_sine(1000.0, kRateHz, 0.5, 2 * kRateHz);
    std::fill(samples.begin() + kRateHz, samples.end(), 0.0F);
    const std::vector<Window> windows = windows_of(FeatureSpec{}, samples);
    const auto is_silent = [](const Window& window) { return window.level_dbfs == -120.0F; };
    for (const Window& window : windows) {
        const std::uint64_t begin = window.first_row * 160;
        const std::uint64_t end = begin + window.rows.size() / 13 * 160;
        EXPECT_EQ(is_silent(window), begin >= kRateHz) << "from " << begin;
        const double loud = static_cast<double>(std::min<std::uint64_t>(end, kRateHz)) -
                            static_cast<double>(std::min<std::uint64_t>(begin, kRateHz));
        const double share = loud / static_cast<double>(end - begin);
        EXPECT_NEAR(window.voiced, share, 1e-6);
        if (share > 0.0) {
            EXPECT_NEAR(window.level_dbfs, 20.0 * std::log10(0.5) + 10.0 * std::log10(share / 2.0),
                        0.01);
        }
    }
    EXPECT_TRUE(std::ranges::any_of(windows, is_silent));
    EXPECT_FALSE(std::ranges::all_of(windows, is_silent));
}

TEST(WindowStream, ReachesOverNoHole) {
    const std::vector<float> before = make_noise(12345, 36);
    const std::vector<float> after = make_noise(kRateHz, 37);
    WindowStream stream(with_deltas(), kRateHz, kOptions);
    const std::vector<Window> old_windows = windows_of(stream, before);
    stream.restart(20000);
    const std::vector<Window> windows = windows_of(stream, after);

    EXPECT_EQ(old_windows.back().end_sample, before.size());
    std::vector<Window> expected = windows_of(with_deltas(), after);
    for (Window& window : expected) {
        window.start_sample += 20000;
        window.end_sample += 20000;
    }
    EXPECT_EQ(windows, expected);
}

TEST(WindowStream, ForgetsTheRoomAtAHole) {
    const auto murmur = make_sine(1000.0, kRateHz, 0.001, kRateHz);  // -63 dBFS
    WindowStream stream(FeatureSpec{}, kRateHz, kOptions);
    windows_of(stream, std::vector<float>(kRateHz, 0.0F));
    stream.restart(0);
    const std::vector<Window> windows = windows_of(stream, murmur);
    EXPECT_EQ(windows.back().voiced, 0.0F);  // it would be speech in the silence before
    EXPECT_EQ(windows, windows_of(FeatureSpec{}, murmur));
}

TEST(WindowStream, GivesNoWindowOfNoSamples) {
    for (const FeatureSpec& spec :
         {FeatureSpec{}, FeatureSpec::librosa(kRateHz), with_all_features(FeatureSpec{})}) {
        EXPECT_THAT(windows_of(spec, {}), testing::IsEmpty());
    }
}

/// A detector for which a row is speech whose first feature is above this, however little.
VoiceDetector::Weights speech_above(float first_feature, const FeatureSpec& spec) {
    constexpr std::size_t kUnits = 8;
    constexpr float kSteep = 100.0F;
    VoiceDetector::Weights weights;
    weights.num_features = spec.num_features();
    weights.num_units = kUnits;
    weights.input.resize(3 * kUnits * weights.num_features);
    weights.input_bias.resize(3 * kUnits);
    weights.recurrent.resize(3 * kUnits * kUnits);
    weights.recurrent_bias.resize(3 * kUnits);
    weights.output.resize(kUnits);
    weights.input[2 * kUnits * weights.num_features] = kSteep;
    weights.input_bias[2 * kUnits] = -kSteep * first_feature;
    weights.input_bias[kUnits] = -kSteep;  // the update gate is shut: nothing is remembered
    weights.output[0] = 10.0F;
    return weights;
}

struct Heard {
    std::vector<VoiceRow> rows;
    std::vector<Window> windows;
};

Heard hear(WindowStream& stream, std::span<const float> samples, std::size_t max_part = 4096) {
    Heard heard;
    const auto keep_row = [&](const VoiceRow& row) { heard.rows.push_back(row); };
    cut(samples, max_part, 1,
        [&](std::span<const float> part) { stream.push(part, keep_in(heard.windows), keep_row); });
    stream.finish(keep_in(heard.windows), keep_row);
    return heard;
}

/// Half a second of a quiet room, of loud noise, and of the room again.
std::vector<float> noise_in_silence() {
    std::minstd_rand random(41);
    std::uniform_real_distribution<float> uniform(-0.5F, 0.5F);
    std::vector<float> samples(3 * kRateHz / 2);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const bool is_loud = i >= kRateHz / 2 && i < kRateHz;
        samples[i] = uniform(random) * (is_loud ? 1.0F : 1e-3F);
    }
    return samples;
}

TEST(WindowStream, TellsEveryRowBeforeTheWindowThatEndsWithIt) {
    WindowStream stream(with_deltas(), kRateHz, kOptions);
    std::uint64_t num_rows = 0;
    const auto on_row = [&](const VoiceRow& row) { EXPECT_EQ(row.row, num_rows++); };
    const auto on_window = [&](const FeatureWindow& window) {
        EXPECT_EQ(window.first_row + window.num_rows, num_rows);
    };
    const std::vector<float> samples = make_noise(kRateHz, 31);
    stream.push(samples, on_window, on_row);
    stream.finish(on_window, on_row);
    EXPECT_EQ(num_rows, 98U);
}

TEST(WindowStream, VoicedIsTheShareOfRowsThatTheDetectorHears) {
    const auto weights = speech_above(-20.0F, FeatureSpec{});
    WindowStream stream(FeatureSpec{}, kRateHz, kOptions, &weights, {0.5F, 0.5F, milliseconds(0)});
    const Heard heard = hear(stream, noise_in_silence());
    for (const VoiceRow& row : heard.rows) {
        // Frames of 25 ms begin every 10 ms.
        EXPECT_EQ(row.voiced, row.row >= 48 && row.row < 100) << row.row;
        EXPECT_EQ(row.speech >= 0.5F, row.voiced) << row.row;
    }
    ASSERT_FALSE(heard.windows.empty());
    for (const Window& window : heard.windows) {
        const std::size_t count = window.rows.size() / FeatureSpec{}.num_features();
        std::size_t voiced = 0;
        for (std::size_t i = 0; i < count; ++i) {
            voiced += heard.rows[window.first_row + i].voiced ? 1U : 0U;
        }
        EXPECT_FLOAT_EQ(window.voiced, static_cast<float>(voiced) / static_cast<float>(count));
    }
}

TEST(WindowStream, StaysVoicedForTheHangover) {
    const auto weights = speech_above(-20.0F, FeatureSpec{});
    WindowStream stream(FeatureSpec{}, kRateHz, kOptions, &weights,
                        {0.5F, 0.5F, milliseconds(100)});
    const Heard heard = hear(stream, noise_in_silence());
    for (const VoiceRow& row : heard.rows) {
        EXPECT_EQ(row.voiced, row.row >= 48 && row.row < 110) << row.row;
    }
}

TEST(WindowStream, WithoutADetectorSpeechIsLevel) {
    WindowStream stream(FeatureSpec{}, kRateHz, kOptions);
    const Heard heard = hear(stream, noise_in_silence());
    for (const VoiceRow& row : heard.rows) {
        EXPECT_EQ(row.voiced, row.row >= 50 && row.row < 100) << row.row;
        EXPECT_EQ(row.speech, row.voiced ? 1.0F : 0.0F);
    }
}

/// Whose rows are there before the hop that they begin with is over.
FeatureSpec with_long_hops() {
    FeatureSpec spec;
    spec.padding = Padding::Centre;
    spec.hop_samples = 320;
    return spec;
}

TEST(WindowStream, HearsTheSameHoweverTheSamplesAreCut) {
    const std::vector<float> samples = noise_in_silence();
    for (const FeatureSpec& spec : {with_deltas(), with_long_hops()}) {
        for (const bool has_detector : {true, false}) {
            const auto weights = speech_above(-20.0F, spec);
            WindowStream stream(spec, kRateHz, kOptions, has_detector ? &weights : nullptr);
            const Heard whole = hear(stream, samples, samples.size());
            for (const std::size_t max_part : {3U, 480U, 5000U}) {
                SCOPED_TRACE(testing::Message() << "hop " << spec.hop_samples << ", detector "
                                                << has_detector << ", parts to " << max_part);
                stream.restart(0);
                const Heard parts = hear(stream, samples, max_part);
                EXPECT_EQ(parts.windows, whole.windows);
                ASSERT_EQ(parts.rows.size(), whole.rows.size());
                for (std::size_t i = 0; i < parts.rows.size(); ++i) {
                    EXPECT_EQ(parts.rows[i].speech, whole.rows[i].speech) << i;
                    EXPECT_EQ(parts.rows[i].voiced, whole.rows[i].voiced) << i;
                }
            }
        }
    }
}

TEST(WindowStream, ACentredRowWithALongHopHasTheLevelOfTheHopBefore) {
    WindowStream stream(with_long_hops(), kRateHz, kOptions);
    const Heard heard = hear(stream, noise_in_silence());
    for (const VoiceRow& row : heard.rows) {
        EXPECT_EQ(row.voiced, row.row >= 26 && row.row < 51) << row.row;
    }
}

TEST(WindowStream, HearsAgainBehindASampleThatIsNoNumber) {
    FeatureSpec spec;
    spec.rms = true;
    std::vector<float> samples = noise_in_silence();
    const auto weights = speech_above(-20.0F, spec);
    WindowStream stream(spec, kRateHz, kOptions, &weights);
    const Heard clean = hear(stream, samples);
    samples[100] = std::numeric_limits<float>::quiet_NaN();
    samples[10'000] = std::numeric_limits<float>::infinity();
    stream.restart(0);
    const Heard holed = hear(stream, samples);
    ASSERT_EQ(holed.rows.size(), clean.rows.size());
    for (std::size_t i = 65; i < clean.rows.size(); ++i) {
        EXPECT_EQ(holed.rows[i].speech, clean.rows[i].speech) << i;
    }
}

TEST(WindowStream, HasAWholeWindowOfRowsThatEndedTheLookbackAgo) {
    // Windows as short as the lookback and shorter, and rows that lag behind the samples.
    for (const auto& [length, lookback] : {std::pair(milliseconds(600), milliseconds(300)),
                                           {milliseconds(100), milliseconds(600)}}) {
        WindowOptions options{length, milliseconds(50), milliseconds(100)};
        options.lookback = lookback;
        const auto window_rows = static_cast<std::uint64_t>(length.count() / 10);
        const auto lookback_rows = static_cast<std::uint64_t>(lookback.count() / 10);
        WindowStream stream(with_deltas(), kRateHz, options);
        const std::size_t num_features = with_deltas().num_features();
        std::vector<float> rows;
        FeatureExtractor extractor(with_deltas());
        const auto append = [&](std::span<const float> row) {
            rows.insert(rows.end(), row.begin(), row.end());
        };
        const std::vector<float> samples = noise_in_silence();
        extractor.push(samples, append);
        extractor.finish(append);

        std::vector<bool> voiced;
        const auto ignore = [](const FeatureWindow&) {};
        const auto on_row = [&](const VoiceRow& told) {
            voiced.push_back(told.voiced);
            const std::uint64_t num_rows = told.row + 1;
            for (const std::uint64_t ago : {std::uint64_t{0}, lookback_rows}) {
                const std::uint64_t end = num_rows - std::min(num_rows, ago);
                const std::uint64_t first = end - std::min(end, window_rows);
                const FeatureWindow window = stream.span(0, end);
                EXPECT_EQ(window.first_row, first);
                ASSERT_EQ(window.num_rows, end - first);
                EXPECT_TRUE(std::ranges::equal(
                    window.rows,
                    std::span(rows).subspan(first * num_features, (end - first) * num_features)));
                const auto count =
                    std::count(voiced.begin() + static_cast<std::ptrdiff_t>(first),
                               voiced.begin() + static_cast<std::ptrdiff_t>(end), true);
                if (end > first) {
                    EXPECT_FLOAT_EQ(window.voiced,
                                    static_cast<float>(count) / static_cast<float>(end - first));
                }
            }
        };
        stream.push(samples, ignore, on_row);
        stream.finish(ignore, on_row);
        EXPECT_EQ(voiced.size(), 148U);
    }
}

TEST(WindowStream, HearsTheSameWhereItSharesItsAnalysis) {
    const FeatureSpec spec = with_all_features(with_deltas());
    const auto weights = speech_above(-20.0F, spec);
    const RowAnalysis analysis(spec, &weights);
    const std::vector<std::vector<float>> voices = {make_noise(32000, 1), make_noise(32000, 2)};
    std::array<WindowStream, 2> streams = {WindowStream(analysis, kRateHz, kOptions),
                                           WindowStream(analysis, kRateHz, kOptions)};
    std::vector<std::vector<Window>> got(voices.size());
    for (std::size_t at = 0; at < voices[0].size(); at += 250) {
        for (std::size_t i = 0; i < voices.size(); ++i) {
            streams[i].push(std::span(voices[i]).subspan(at, 250), keep_in(got[i]));
        }
    }
    for (std::size_t i = 0; i < voices.size(); ++i) {
        streams[i].finish(keep_in(got[i]));
        WindowStream alone(spec, kRateHz, kOptions, &weights);
        EXPECT_EQ(got[i], windows_of(alone, voices[i]));
    }
}

TEST(WindowStream, KnowsWhereARowBegins) {
    WindowStream stream(FeatureSpec{}, 48000, kOptions);
    stream.restart(1'000'000);
    hear(stream, make_noise(48000, 33));
    EXPECT_EQ(stream.sample_of_row(0), 1'000'000U);
    EXPECT_EQ(stream.sample_of_row(10), 1'000'000U + 10U * 480U);
}

TEST(WindowStream, RefusesADetectorForOtherRows) {
    const auto weights = speech_above(0.0F, with_deltas());
    EXPECT_THROW(WindowStream(FeatureSpec{}, kRateHz, kOptions, &weights), std::invalid_argument);
}

TEST(VoiceOptions, SayWhichIsOutOfOrder) {
    EXPECT_NO_THROW(VoiceOptions{}.validate());
    EXPECT_THROW((VoiceOptions{0.3F, 0.5F, milliseconds(100)}.validate()), std::invalid_argument);
    EXPECT_THROW((VoiceOptions{1.0F, 0.5F, milliseconds(100)}.validate()), std::invalid_argument);
    EXPECT_THROW((VoiceOptions{0.5F, 0.3F, milliseconds(-1)}.validate()), std::invalid_argument);
}

TEST(WindowOptions, AreValidByDefault) {
    EXPECT_NO_THROW(WindowOptions{}.validate());
}

TEST(WindowOptions, SayWhichIsOutOfOrder) {
    const auto message = [](int length, int hop, int first) -> std::string {
        try {
            const WindowOptions options{milliseconds(length), milliseconds(hop),
                                        milliseconds(first)};
            const WindowStream stream(FeatureSpec{}, kRateHz, options);
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "valid";
    };
    EXPECT_EQ(message(100, 10, 100), "valid");
    EXPECT_EQ(message(60000, 60000, 60000), "valid");
    EXPECT_EQ(message(99, 10, 99), "the window length must be 100 to 60000 ms, got 99 ms");
    EXPECT_EQ(message(60001, 10, 100), "the window length must be 100 to 60000 ms, got 60001 ms");
    EXPECT_EQ(message(1000, 9, 100), "the hop must be 10 ms to the window length, got 9 ms");
    EXPECT_EQ(message(1000, 1001, 100), "the hop must be 10 ms to the window length, got 1001 ms");
    EXPECT_EQ(message(1000, 100, 99),
              "the first window must be 100 ms to the window length, got 99 ms");
    EXPECT_EQ(message(1000, 100, 1001),
              "the first window must be 100 ms to the window length, got 1001 ms");
}

TEST(WindowOptions, SayWhenTheLookbackIsOutOfOrder) {
    WindowOptions options;
    options.lookback = milliseconds(10000);
    EXPECT_NO_THROW(options.validate());
    options.lookback = milliseconds(10001);
    EXPECT_THROW(options.validate(), std::invalid_argument);
    options.lookback = milliseconds(-1);
    EXPECT_THROW(options.validate(), std::invalid_argument);
}

TEST(WindowStream, RefusesARateThatCannotBeResampled) {
    EXPECT_THROW(WindowStream(FeatureSpec{}, 4000, kOptions), std::invalid_argument);
}

}  // namespace
}  // namespace emotiond::dsp
