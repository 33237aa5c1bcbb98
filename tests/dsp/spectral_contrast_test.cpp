#include "dsp/spectral_contrast.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace emotiond::dsp {
namespace {

using Row = std::array<float, SpectralContrast::kSize>;

/// Bins of 2 Hz at 16 kHz.
FeatureSpec fine() {
    FeatureSpec spec;
    spec.fft_size = 8000;
    return spec;
}

Row contrast_of(const FeatureSpec& spec, const std::vector<float>& power) {
    Row row{};
    SpectralContrast(spec).compute(power, row);
    return row;
}

std::vector<float> flat(const FeatureSpec& spec) {
    return std::vector<float>(static_cast<std::size_t>(spec.fft_size) / 2 + 9, 1.0F);
}

TEST(SpectralContrast, IsZeroOfAFlatSpectrum) {
    for (const FeatureSpec& spec : {FeatureSpec{}, fine()}) {
        EXPECT_THAT(contrast_of(spec, flat(spec)), testing::Each(testing::FloatNear(0.0F, 1e-5F)));
        EXPECT_THAT(contrast_of(spec, std::vector<float>(flat(spec).size(), 0.0F)),
                    testing::Each(0.0F));
    }
}

TEST(SpectralContrast, LooksAtEachBandAlone) {
    const float edges_hz[] = {0.0F, 200.0F, 400.0F, 800.0F, 1600.0F, 3200.0F, 6400.0F, 8000.0F};
    for (std::size_t band = 0; band < SpectralContrast::kSize; ++band) {
        std::vector<float> power = flat(fine());
        const float hz = 0.5F * (edges_hz[band] + edges_hz[band + 1]);
        for (std::size_t i = 0; i < 40; ++i) {  // of a band, these are the 2 %
            power[static_cast<std::size_t>(hz / 2.0F) + i - 20] = 1e4F;
        }
        const Row row = contrast_of(fine(), power);
        for (std::size_t i = 0; i < row.size(); ++i) {
            // A hundred times the magnitude is 20 dB as librosa counts it.
            EXPECT_NEAR(row[i], i == band ? 20.0F : 0.0F, 1e-4F) << "band " << i;
        }
    }
}

TEST(SpectralContrast, TakesTwoPercentOfTheBinsAtLeastOne) {
    // 1600 to 3200 Hz in bins of 2 Hz, both edges and one below: 802 bins, 16 of them extremes.
    std::vector<float> power = flat(fine());
    power[1000] = 1e4F;
    const double mean = (100.0 + 15.0) / 16.0;
    EXPECT_NEAR(contrast_of(fine(), power)[4], 10.0 * std::log10(mean), 1e-4);
    power[1001] = 0.0F;
    EXPECT_NEAR(contrast_of(fine(), power)[4], 10.0 * std::log10(mean / (15.0 / 16.0)), 1e-4);

    const FeatureSpec coarse;  // 400 to 800 Hz in bins of 31.25: 14 bins
    power = flat(coarse);
    power[20] = 1e4F;
    EXPECT_NEAR(contrast_of(coarse, power)[2], 20.0, 1e-4);
}

TEST(SpectralContrast, CutsTheBandsAsLibrosaDoes) {
    // In bins of 31.25 Hz: 0..200 has 0 to 6 and drops the last; 200..400 has 7 to 12 and the one
    // below, drops the last: 6 to 11; 6400..8000 has 205 to 256 and the one below: 204 to 256.
    const FeatureSpec spec;
    const auto bands_with = [&](std::size_t bin) {
        std::vector<float> power = flat(spec);
        power[bin] = 1e4F;
        std::vector<std::size_t> bands;
        const Row row = contrast_of(spec, power);
        for (std::size_t band = 0; band < row.size(); ++band) {
            if (row[band] > 1.0F) {
                bands.push_back(band);
            }
        }
        return bands;
    };
    EXPECT_THAT(bands_with(0), testing::ElementsAre(0U));
    EXPECT_THAT(bands_with(5), testing::ElementsAre(0U));
    EXPECT_THAT(bands_with(6), testing::ElementsAre(1U));
    EXPECT_THAT(bands_with(11), testing::ElementsAre(1U));
    EXPECT_THAT(bands_with(12), testing::ElementsAre(2U));
    EXPECT_THAT(bands_with(203), testing::ElementsAre(5U));
    EXPECT_THAT(bands_with(204), testing::ElementsAre(6U));
    EXPECT_THAT(bands_with(256), testing::ElementsAre(6U));
    EXPECT_THAT(bands_with(257), testing::IsEmpty());
}

TEST(SpectralContrast, SurvivesWhatIsNotANumber) {
    const std::vector<float> power(flat(fine()).size(), std::numeric_limits<float>::quiet_NaN());
    EXPECT_THAT(contrast_of(fine(), power), testing::Each(0.0F));
}

}  // namespace
}  // namespace emotiond::dsp
