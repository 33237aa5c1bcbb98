#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <span>
#include <vector>

#include "dsp/spectral_flux.hpp"
#include "dsp/window_stream.hpp"
#include "tests/dsp/signals.hpp"

namespace {

/// What this thread allocates by new while is_recording, and has not deleted.
thread_local std::array<std::span<const std::byte>, 1000> blocks;
thread_local std::size_t num_blocks = 0;
thread_local bool is_recording = false;

}  // namespace

// Not inlined, or GCC would see malloc where it expects new.
[[gnu::noinline]] void* operator new(std::size_t size) {
    void* memory = std::malloc(std::max<std::size_t>(1, size));
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    if (is_recording) {
        blocks.at(num_blocks++) = {static_cast<const std::byte*>(memory), size};
    }
    return memory;
}

[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::span<const std::byte>* const end = blocks.data() + num_blocks;
    const auto left =
        std::remove_if(blocks.data(), end, [&](auto block) { return block.data() == memory; });
    num_blocks -= static_cast<std::size_t>(end - left);
    std::free(memory);
}

[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
    operator delete(memory);
}

namespace emotiond::dsp {
namespace {

std::vector<std::byte> recorded_bytes() {
    std::vector<std::byte> bytes;
    for (const std::span<const std::byte> block : std::span(blocks).first(num_blocks)) {
        bytes.insert(bytes.end(), block.begin(), block.end());
    }
    return bytes;
}

TEST(SpectralFlux, LeavesNoTraceOfTheFrameBeforeInMemory) {
    is_recording = true;
    SpectralFlux flux(FeatureSpec{});
    is_recording = false;
    const std::vector<std::byte> before = recorded_bytes();
    flux.compute(test::make_noise(26, 2));
    EXPECT_NE(recorded_bytes(), before);
    flux.reset();
    EXPECT_EQ(recorded_bytes(), before);
}

TEST(WindowStream, LeavesNoTraceOfWhatItHeardInMemory) {
    constexpr int kRateHz = 16000;
    const auto ignore = [](const FeatureWindow&) {};
    const std::vector<float> samples = test::make_noise(2 * kRateHz, 1);
    FeatureSpec with_deltas = test::with_all_features(FeatureSpec{});
    with_deltas.delta_order = 2;
    for (const FeatureSpec& spec : {with_deltas, FeatureSpec::librosa(kRateHz)}) {
        for (const int rate_hz : {kRateHz, 44100}) {
            VoiceDetector::Weights weights;
            weights.num_features = spec.num_features();
            weights.num_units = 8;
            weights.input.assign(24 * weights.num_features, 0.1F);
            weights.input_bias.assign(24, 0.0F);
            weights.recurrent.assign(24 * 8, 0.1F);
            weights.recurrent_bias.assign(24, 0.0F);
            weights.output.assign(8, 0.1F);
            weights.output_bias = 10.0F;
            is_recording = true;
            WindowStream stream(spec, rate_hz, WindowOptions{}, &weights);
            is_recording = false;
            stream.restart(0);
            const std::vector<std::byte> before = recorded_bytes();
            stream.push(samples, ignore);
            EXPECT_NE(recorded_bytes(), before);
            stream.restart(0);
            EXPECT_EQ(recorded_bytes(), before);
            stream.push(samples, ignore);
            stream.finish(ignore);
            stream.restart(0);
            EXPECT_EQ(recorded_bytes(), before);
        }
        EXPECT_EQ(num_blocks, 0U);
    }
}

}  // namespace
}  // namespace emotiond::dsp
