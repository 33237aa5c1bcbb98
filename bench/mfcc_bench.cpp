#include <benchmark/benchmark.h>

#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>
#include <vector>

#include "dsp/feature_extractor.hpp"
#include "dsp/resampler.hpp"
#include "dsp/sample_ring.hpp"
#include "dsp/sliding_window.hpp"
#include "dsp/voice_detector.hpp"

// items_per_second counts rows, samples or windows, as each benchmark says.

namespace emotiond::dsp {
namespace {

std::vector<float> make_noise(std::size_t size) {
    std::minstd_rand random(1);
    std::uniform_real_distribution<float> uniform(-0.5F, 0.5F);
    std::vector<float> samples(size);
    for (float& sample : samples) {
        sample = uniform(random);
    }
    return samples;
}

/// 25/10 ms at 16 kHz with all that costs: offset removal, pre-emphasis.
FeatureSpec spec_of(int num_coeffs, int num_mels, int delta_order) {
    FeatureSpec spec;
    spec.remove_dc = true;
    spec.pre_emphasis = 0.97F;
    spec.num_coeffs = num_coeffs;
    spec.num_mels = num_mels;
    spec.delta_order = delta_order;
    return spec;
}

/// Rows of a stream that comes in blocks of 10 ms.
void feature_rows(benchmark::State& state, const FeatureSpec& spec) {
    const std::vector<float> samples = make_noise(static_cast<std::size_t>(spec.hop_samples) * 100);
    FeatureExtractor extractor(spec);
    std::int64_t num_rows = 0;
    std::size_t at = 0;
    for (auto _ : state) {
        const std::span<const float> block(samples.data() + at, 160);
        at = (at + 160) % samples.size();
        extractor.push(block, [&](std::span<const float> row) {
            benchmark::DoNotOptimize(row.data());
            ++num_rows;
        });
    }
    state.SetItemsProcessed(num_rows);
}
BENCHMARK_CAPTURE(feature_rows, 13_of_26, spec_of(13, 26, 0));
BENCHMARK_CAPTURE(feature_rows, 13_of_26_with_deltas, spec_of(13, 26, 2));
BENCHMARK_CAPTURE(feature_rows, 40_of_64, spec_of(40, 64, 0));
BENCHMARK_CAPTURE(feature_rows, 40_of_64_with_deltas, spec_of(40, 64, 2));

/// A row of 13 of 26 and more.
FeatureSpec with(std::initializer_list<bool FeatureSpec::*> features) {
    FeatureSpec spec = spec_of(13, 26, 0);
    for (bool FeatureSpec::*feature : features) {
        spec.*feature = true;
    }
    return spec;
}
using Spec = FeatureSpec;
BENCHMARK_CAPTURE(feature_rows, 13_of_26_f0, with({&Spec::f0}));
BENCHMARK_CAPTURE(feature_rows, 13_of_26_zcr_rms_flux,
                  with({&Spec::zero_crossing_rate, &Spec::rms, &Spec::spectral_flux}));
BENCHMARK_CAPTURE(feature_rows, 13_of_26_chroma, with({&Spec::chroma}));
BENCHMARK_CAPTURE(feature_rows, 13_of_26_contrast, with({&Spec::spectral_contrast}));
BENCHMARK_CAPTURE(feature_rows, 13_of_26_tonnetz, with({&Spec::tonnetz}));
BENCHMARK_CAPTURE(feature_rows, 13_of_26_all,
                  with({&Spec::append_log_energy, &Spec::f0, &Spec::zero_crossing_rate, &Spec::rms,
                        &Spec::spectral_flux, &Spec::chroma, &Spec::spectral_contrast,
                        &Spec::tonnetz}));

/// The bundled detector's size, on a row of 32 features.
void voice_detector(benchmark::State& state) {
    VoiceDetector::Weights weights;
    weights.num_features = 32;
    weights.num_units = 32;
    const auto draw = [](std::size_t size) { return make_noise(size); };
    weights.input = draw(96 * 32);
    weights.input_bias = draw(96);
    weights.recurrent = draw(96 * 32);
    weights.recurrent_bias = draw(96);
    weights.output = draw(32);
    VoiceDetector detector(weights);
    const std::vector<float> row = draw(32);
    for (auto _ : state) {
        benchmark::DoNotOptimize(detector.push(row));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(voice_detector);

/// 10 ms of samples into the ring and out of it.
void sample_ring(benchmark::State& state) {
    const std::vector<float> samples = make_noise(static_cast<std::size_t>(state.range(0)) / 100);
    std::vector<float> out(samples.size());
    SampleRing ring(1U << 16);
    for (auto _ : state) {
        ring.write(samples);
        benchmark::DoNotOptimize(ring.read(out));
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(samples.size()));
}
BENCHMARK(sample_ring)->ArgName("rate_hz")->Arg(16000)->Arg(48000);

/// 10 ms of samples at 48 kHz to 16 kHz.
void resampler(benchmark::State& state) {
    const std::vector<float> samples = make_noise(480);
    Resampler to_16_khz(48000, 16000);
    for (auto _ : state) {
        to_16_khz.push(samples, [](std::span<const float> resampled) {
            benchmark::DoNotOptimize(resampled.data());
        });
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(samples.size()));
}
BENCHMARK(resampler);

/// A row of 39 features into windows of 3 s every 500 ms.
void sliding_window(benchmark::State& state) {
    const std::vector<float> row = make_noise(39);
    SlidingWindow window(row.size(), 300, 50, 100);
    for (auto _ : state) {
        window.push(row, [](const SlidingWindow::View& view) {
            benchmark::DoNotOptimize(view.rows.data());
        });
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(sliding_window);

}  // namespace
}  // namespace emotiond::dsp
