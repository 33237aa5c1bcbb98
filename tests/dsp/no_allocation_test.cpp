#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "dsp/feature_extractor.hpp"
#include "dsp/sample_ring.hpp"
#include "dsp/sliding_window.hpp"
#include "dsp/utterance_segmenter.hpp"
#include "dsp/window_stream.hpp"
#include "tests/dsp/signals.hpp"
#include "tests/support/allocation_counter.hpp"

namespace emotiond::dsp {
namespace {

using test::AllocationCounter;

FeatureSpec with_deltas(FeatureSpec spec) {
    spec.delta_order = 2;
    return spec;
}

TEST(AllocationCounter, SeesNewAndMalloc) {
    void* volatile memory = nullptr;
    const AllocationCounter counter;
    memory = std::malloc(10);
    std::free(memory);
    EXPECT_EQ(counter.count(), 1U);
    memory = ::operator new(10);
    ::operator delete(memory);
    EXPECT_EQ(counter.count(), 2U);
    memory = std::calloc(2, 5);
    std::free(memory);
    EXPECT_EQ(counter.count(), 3U);
}

TEST(SampleRing, AllocatesNothingAfterConstruction) {
    const std::vector<float> samples = test::make_noise(100, 1);
    std::array<float, 70> out{};
    SampleRing ring(256);
    std::size_t num_read = 0;
    const AllocationCounter counter;
    for (int i = 0; i < 1000; ++i) {
        ring.write(samples);
        ring.lose(3);
        num_read += ring.read(out).size;
    }
    EXPECT_EQ(counter.count(), 0U);
    EXPECT_GT(ring.dropped(), 3000U);
    EXPECT_GT(num_read, 0U);
}

TEST(FeatureExtractor, AllocatesNothingAfterConstruction) {
    const std::vector<float> samples = test::make_noise(50000, 2);
    for (const FeatureSpec& spec :
         {with_deltas(FeatureSpec::librosa(16000)), with_deltas(FeatureSpec::kaldi()),
          with_deltas(FeatureSpec::htk()), test::with_all_features(FeatureSpec::librosa(16000)),
          with_deltas(test::with_all_features(FeatureSpec::htk()))}) {
        FeatureExtractor extractor(spec);
        std::size_t num_rows = 0;
        const AllocationCounter counter;
        for (int stream = 0; stream < 2; ++stream) {
            extractor.push(samples, [&](std::span<const float>) { ++num_rows; });
            extractor.finish([&](std::span<const float>) { ++num_rows; });
            extractor.reset();
        }
        EXPECT_EQ(counter.count(), 0U);
        EXPECT_GT(num_rows, 0U);
    }
}

TEST(SlidingWindow, AllocatesNothingAfterConstruction) {
    const std::array<float, 13> row{};
    SlidingWindow sliding(row.size(), 300, 50, 100);
    std::size_t num_windows = 0;
    const AllocationCounter counter;
    for (int i = 0; i < 10000; ++i) {
        sliding.push(row, [&](const SlidingWindow::View&) { ++num_windows; });
    }
    sliding.finish([&](const SlidingWindow::View&) { ++num_windows; });
    EXPECT_EQ(counter.count(), 0U);
    EXPECT_GT(num_windows, 0U);
}

TEST(WindowStream, AllocatesNothingAfterConstructionAtEqualRates) {
    const std::vector<float> samples = test::make_noise(100000, 3);
    const FeatureSpec spec = with_deltas(test::with_all_features(FeatureSpec{}));
    WindowStream stream(spec, spec.sample_rate_hz, WindowOptions{});
    std::size_t num_windows = 0;
    const AllocationCounter counter;
    for (int i = 0; i < 2; ++i) {
        stream.push(samples, [&](const FeatureWindow&) { ++num_windows; });
        stream.finish([&](const FeatureWindow&) { ++num_windows; });
        stream.restart(samples.size());
    }
    EXPECT_EQ(counter.count(), 0U);
    EXPECT_GT(num_windows, 0U);
}

TEST(WindowStream, AllocatesNothingWithADetectorAndASegmenter) {
    const std::vector<float> samples = test::make_noise(100000, 4);
    const FeatureSpec spec;
    VoiceDetector::Weights weights;
    weights.num_features = spec.num_features();
    weights.num_units = 32;
    weights.input.assign(96 * weights.num_features, 0.1F);
    weights.input_bias.assign(96, 0.0F);
    weights.recurrent.assign(96 * 32, 0.1F);
    weights.recurrent_bias.assign(96, 0.0F);
    weights.output.assign(32, 0.1F);
    WindowStream stream(spec, spec.sample_rate_hz, WindowOptions{}, &weights);
    UtteranceSegmenter segmenter(SegmenterOptions{}, std::chrono::milliseconds(10));
    std::size_t num_rows = 0;
    std::size_t num_utterances = 0;
    const auto on_window = [](const FeatureWindow&) {};
    const auto on_utterance = [&](const Utterance&) { ++num_utterances; };
    const auto on_row = [&](const VoiceRow&) {
        segmenter.push(num_rows++ % 500 < 300 ? 0.9F : 0.1F, on_utterance);
    };
    const AllocationCounter counter;
    for (int i = 0; i < 2; ++i) {
        stream.push(samples, on_window, on_row);
        stream.finish(on_window, on_row);
        stream.restart(samples.size());
        segmenter.finish(on_utterance);
        segmenter.reset();
    }
    EXPECT_EQ(counter.count(), 0U);
    EXPECT_GT(num_rows, 1000U);
    EXPECT_GT(num_utterances, 2U);
}

}  // namespace
}  // namespace emotiond::dsp
