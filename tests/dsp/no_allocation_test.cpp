#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "dsp/feature_extractor.hpp"
#include "dsp/sample_ring.hpp"
#include "dsp/sliding_window.hpp"
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

}  // namespace
}  // namespace emotiond::dsp
