#include "dsp/chroma.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include "dsp/frame_spectrum.hpp"
#include "tests/dsp/signals.hpp"

namespace emotiond::dsp {
namespace {

using Row = std::array<float, Chroma::kSize>;

Row chroma_of(const FeatureSpec& spec, std::span<const float> frame) {
    FrameSpectrum spectrum(spec);
    Row row{};
    Chroma(spec).compute(spectrum.compute(frame), row);
    return row;
}

std::size_t strongest(const Row& row) {
    return static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
}

TEST(Chroma, HearsEachSemitoneInEachOctave) {
    const FeatureSpec spec = FeatureSpec::librosa(16000);
    for (int semitone = 0; semitone < 36; ++semitone) {
        const double hz = 261.6256 * std::exp2(semitone / 12.0);  // from middle C
        const Row row = chroma_of(spec, test::make_sine(hz, 16000, 0.5, 2048));
        EXPECT_EQ(strongest(row), static_cast<std::size_t>(semitone % 12)) << hz << " Hz";
        EXPECT_EQ(row[strongest(row)], 1.0F);
    }
}

TEST(Chroma, DoesNotMindTheLevel) {
    const FeatureSpec spec = FeatureSpec::librosa(16000);
    std::vector<float> frame = test::make_noise(2048, 9);
    const Row row = chroma_of(spec, frame);
    for (float& sample : frame) {
        sample *= 0.01F;
    }
    EXPECT_THAT(chroma_of(spec, frame), testing::Pointwise(testing::FloatNear(1e-5F), row));
}

TEST(Chroma, IsZeroInSilence) {
    const Row row = chroma_of(FeatureSpec{}, std::vector<float>(400, 0.0F));
    EXPECT_THAT(row, testing::Each(0.0F));
}

TEST(Chroma, IsFiniteOfTheSmallestSpectrum) {
    FeatureSpec spec;
    spec.frame_samples = 2;
    spec.hop_samples = 1;
    spec.fft_size = 2;
    const Row row = chroma_of(spec, std::vector<float>{0.1F, 0.5F});
    EXPECT_EQ(row[strongest(row)], 1.0F);
    EXPECT_THAT(row, testing::Each(testing::Ge(0.0F)));
}

}  // namespace
}  // namespace emotiond::dsp
