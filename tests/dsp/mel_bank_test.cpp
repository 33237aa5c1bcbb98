#include "dsp/mel_bank.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace emotiond::dsp {
namespace {

/// [num_mels][num_fft_bins], found by asking the bank about one bin at a time.
std::vector<std::vector<float>> weights_of(const FeatureSpec& spec) {
    const MelBank bank(spec);
    const auto num_fft_bins = static_cast<std::size_t>(spec.fft_size) / 2 + 1;
    std::vector<std::vector<float>> weights(bank.num_mels(), std::vector<float>(num_fft_bins));
    std::vector<float> power(bank.num_bins(), 0.0F);
    std::vector<float> mels(bank.num_mels());
    for (std::size_t bin = 0; bin < num_fft_bins; ++bin) {
        power[bin] = 1.0F;
        bank.apply(power, mels);
        power[bin] = 0.0F;
        for (std::size_t m = 0; m < mels.size(); ++m) {
            weights[m][bin] = mels[m];
        }
    }
    return weights;
}

double hz_of(const FeatureSpec& spec, std::size_t bin) {
    return static_cast<double>(bin) * spec.sample_rate_hz / spec.fft_size;
}

double peak_hz(const FeatureSpec& spec, const std::vector<float>& filter) {
    const auto peak = std::ranges::max_element(filter) - filter.begin();
    return hz_of(spec, static_cast<std::size_t>(peak));
}

/// Bins fine enough to see the triangles.
FeatureSpec fine(FeatureSpec spec) {
    spec.fft_size = 16384;
    return spec;
}

TEST(MelBank, SharesEachBinBetweenTwoNeighbours) {
    // Triangles of height 1 that are straight over mel add up to 1 from the first peak to the last.
    const FeatureSpec spec = fine(FeatureSpec::htk());
    const auto weights = weights_of(spec);
    ASSERT_EQ(weights.size(), 26U);
    std::size_t num_checked = 0;
    for (std::size_t bin = 0; bin < weights[0].size(); ++bin) {
        const double hz = hz_of(spec, bin);
        if (hz < peak_hz(spec, weights.front()) || hz > peak_hz(spec, weights.back())) {
            continue;
        }
        float sum = 0.0F;
        for (const auto& filter : weights) {
            sum += filter[bin];
        }
        EXPECT_NEAR(sum, 1.0F, 0.01F) << hz << " Hz";
        ++num_checked;
    }
    EXPECT_GT(num_checked, 6000U);
}

TEST(MelBank, SpacesPeaksEquallyOnHtksScale) {
    const FeatureSpec spec = fine(FeatureSpec::htk());
    const auto weights = weights_of(spec);
    const double step = 1127.0 * std::log(1.0 + 8000.0 / 700.0) / 27.0;
    for (std::size_t m = 0; m < weights.size(); ++m) {
        const double mel = step * static_cast<double>(m + 1);
        EXPECT_NEAR(peak_hz(spec, weights[m]), 700.0 * (std::exp(mel / 1127.0) - 1.0), 1.0);
    }
}

TEST(MelBank, SpacesPeaksEquallyInHzBelow1000OnSlaneysScale) {
    FeatureSpec spec = fine(FeatureSpec::librosa(16000));
    spec.num_mels = 40;
    const auto weights = weights_of(spec);
    const double top_mel = 15.0 + 27.0 * std::log(8.0) / std::log(6.4);
    const double step_hz = top_mel / 41.0 * 200.0 / 3.0;
    std::size_t m = 0;
    for (; step_hz * static_cast<double>(m + 1) < 1000.0; ++m) {
        EXPECT_NEAR(peak_hz(spec, weights[m]), step_hz * static_cast<double>(m + 1), 1.0);
    }
    EXPECT_GT(m, 10U);
    EXPECT_GT(peak_hz(spec, weights[m + 2]) - peak_hz(spec, weights[m + 1]), 1.02 * step_hz);
}

TEST(MelBank, GivesSlaneysFiltersAnAreaOfOne) {
    FeatureSpec spec = fine(FeatureSpec::librosa(16000));
    spec.num_mels = 40;
    for (const auto& filter : weights_of(spec)) {
        double area = 0.0;
        for (const float weight : filter) {
            area += static_cast<double>(weight) * spec.sample_rate_hz / spec.fft_size;
        }
        EXPECT_NEAR(area, 1.0, 1e-3);
    }
}

TEST(MelBank, HearsNothingOutsideItsLimits) {
    FeatureSpec spec;
    spec.low_hz = 300.0F;
    spec.high_hz = 3400.0F;
    const auto weights = weights_of(spec);
    for (std::size_t bin = 0; bin < weights[0].size(); ++bin) {
        const double hz = hz_of(spec, bin);
        float sum = 0.0F;
        for (const auto& filter : weights) {
            EXPECT_GE(filter[bin], 0.0F);
            sum += filter[bin];
        }
        EXPECT_EQ(sum > 0.0F, hz > 300.0 && hz < 3400.0) << hz << " Hz";
    }
}

TEST(MelBank, MovesItsFiltersWhereTheWarpSays) {
    // Jaitly & Hinton 2013: f' = alpha f up to Fhi min(alpha, 1)/alpha, then straight to S/2.
    const auto warped_hz = [](double hz, double alpha) {
        const double half_rate = 8000.0;
        const double to = 4800.0 * std::min(alpha, 1.0);
        if (hz <= to / alpha) {
            return hz * alpha;
        }
        return half_rate - (half_rate - to) / (half_rate - to / alpha) * (half_rate - hz);
    };
    for (const float warp : {0.5F, 0.85F, 1.15F, 2.0F}) {
        for (const FeatureSpec& spec :
             {fine(FeatureSpec::htk()), fine(FeatureSpec::librosa(16000))}) {
            FeatureSpec warped = spec;
            warped.frequency_warp = warp;
            const auto weights = weights_of(spec);
            const auto warped_weights = weights_of(warped);
            ASSERT_EQ(warped_weights.size(), weights.size());
            for (std::size_t m = 0; m < weights.size(); ++m) {
                const double expected = warped_hz(peak_hz(spec, weights[m]), warp);
                EXPECT_NEAR(peak_hz(spec, warped_weights[m]), expected, 2.0) << "mel " << m;
            }
            EXPECT_EQ(warped_weights.back().back(), 0.0F);
        }
    }
}

TEST(MelBank, AddsUpPowerOverItsBins) {
    FeatureSpec spec;
    const auto weights = weights_of(spec);
    const MelBank bank(spec);
    std::vector<float> power(bank.num_bins());
    for (std::size_t bin = 0; bin < power.size(); ++bin) {
        power[bin] = static_cast<float>(bin % 17) + 0.5F;
    }
    std::vector<float> mels(bank.num_mels());
    bank.apply(power, mels);
    for (std::size_t m = 0; m < mels.size(); ++m) {
        double expected = 0.0;
        for (std::size_t bin = 0; bin < weights[m].size(); ++bin) {
            expected += static_cast<double>(weights[m][bin]) * static_cast<double>(power[bin]);
        }
        EXPECT_NEAR(mels[m], expected, 1e-5 * expected);
    }
}

}  // namespace
}  // namespace emotiond::dsp
