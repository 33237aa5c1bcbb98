#include "dsp/feature_extractor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/dsp/signals.hpp"

namespace emotiond::dsp {
namespace {

using test::cut;
using test::make_noise;
using test::with_all_features;

using Rows = std::vector<std::vector<float>>;

Rows rows_of(FeatureExtractor& extractor, std::span<const float> samples, std::size_t max_part,
             unsigned seed = 1) {
    Rows rows;
    const auto append = [&](std::span<const float> row) {
        rows.emplace_back(row.begin(), row.end());
    };
    cut(samples, max_part, seed,
        [&](std::span<const float> part) { extractor.push(part, append); });
    extractor.finish(append);
    return rows;
}

Rows rows_of(const FeatureSpec& spec, std::span<const float> samples) {
    FeatureExtractor extractor(spec);
    return rows_of(extractor, samples, 1 + samples.size());
}

FeatureSpec with_deltas(FeatureSpec spec, int order) {
    spec.delta_order = order;
    return spec;
}

FeatureSpec odd_frame_with_all_features() {
    FeatureSpec spec = with_all_features(FeatureSpec{});
    spec.frame_samples = 401;
    spec.hop_samples = 401;
    return spec;
}

struct Definition {
    std::string name;
    FeatureSpec spec;
    friend void PrintTo(const Definition& definition, std::ostream* out) {
        *out << definition.name;
    }
};

class FeatureExtractorOf : public testing::TestWithParam<Definition> {};

INSTANTIATE_TEST_SUITE_P(
    Definitions, FeatureExtractorOf,
    testing::Values(Definition{"librosa", with_deltas(FeatureSpec::librosa(16000), 0)},
                    Definition{"librosa_d", with_deltas(FeatureSpec::librosa(16000), 1)},
                    Definition{"librosa_d_a", with_deltas(FeatureSpec::librosa(16000), 2)},
                    Definition{"kaldi", with_deltas(FeatureSpec::kaldi(), 0)},
                    Definition{"kaldi_d", with_deltas(FeatureSpec::kaldi(), 1)},
                    Definition{"kaldi_d_a", with_deltas(FeatureSpec::kaldi(), 2)},
                    Definition{"htk", with_deltas(FeatureSpec::htk(), 0)},
                    Definition{"htk_d", with_deltas(FeatureSpec::htk(), 1)},
                    Definition{"htk_d_a", with_deltas(FeatureSpec::htk(), 2)},
                    Definition{"librosa_all",
                               with_deltas(with_all_features(FeatureSpec::librosa(16000)), 0)},
                    Definition{"kaldi_all", with_all_features(FeatureSpec::kaldi())},
                    Definition{"htk_all_d_a", with_all_features(FeatureSpec::htk())},
                    Definition{"odd_frame_all", odd_frame_with_all_features()}),
    [](const auto& instance) { return instance.param.name; });

TEST_P(FeatureExtractorOf, GivesTheSameBitsHoweverTheSamplesAreCut) {
    const std::vector<float> samples = make_noise(40000, 21);
    FeatureExtractor extractor(GetParam().spec);
    const Rows whole = rows_of(extractor, samples, samples.size());
    ASSERT_FALSE(whole.empty());
    for (const std::size_t max_part : {1U, 7U, 160U, 401U, 3000U, 9000U}) {
        for (const unsigned seed : {1U, 2U, 3U}) {
            SCOPED_TRACE(testing::Message() << "parts to " << max_part << ", seed " << seed);
            extractor.reset();
            EXPECT_EQ(rows_of(extractor, samples, max_part, seed), whole);
        }
    }
}

TEST_P(FeatureExtractorOf, ForgetsAStreamThatWasBrokenOff) {
    const std::vector<float> samples = make_noise(10000, 22);
    FeatureExtractor extractor(GetParam().spec);
    extractor.push(make_noise(7777, 23), [](std::span<const float>) {});
    extractor.reset();
    EXPECT_EQ(rows_of(extractor, samples, 1000), rows_of(GetParam().spec, samples));
}

TEST_P(FeatureExtractorOf, GivesOneRowPerHop) {
    const FeatureSpec& spec = GetParam().spec;
    const auto hop = static_cast<std::size_t>(spec.hop_samples);
    const auto frame = static_cast<std::size_t>(spec.frame_samples);
    for (const std::size_t size : {std::size_t{1}, frame / 2, frame - 1, frame, frame + hop - 1,
                                   frame + hop, 10 * frame + 3}) {
        const std::size_t whole_frames = size < frame ? 0 : (size - frame) / hop + 1;
        const std::size_t expected =
            spec.padding == Padding::Centre ? size / hop + 1 : whole_frames;
        const Rows rows = rows_of(spec, make_noise(size, 24));
        EXPECT_EQ(rows.size(), expected) << size << " samples";
        for (const auto& row : rows) {
            ASSERT_EQ(row.size(), spec.num_features());
        }
    }
}

TEST_P(FeatureExtractorOf, GivesNoRowOfNoSamples) {
    EXPECT_THAT(rows_of(GetParam().spec, {}), testing::IsEmpty());
}

TEST_P(FeatureExtractorOf, StaysFiniteInSilenceAndOverload) {
    std::vector<float> samples(20000, 0.0F);
    for (std::size_t i = 10000; i < samples.size(); ++i) {
        samples[i] = i % 50 < 25 ? 1e6F : -1e6F;
    }
    for (const auto& row : rows_of(GetParam().spec, samples)) {
        for (const float value : row) {
            ASSERT_TRUE(std::isfinite(value));
        }
    }
}

TEST(FeatureExtractor, HasNoCepstrumButC0InDigitalSilence) {
    for (const FeatureSpec& spec : {FeatureSpec{}, FeatureSpec::kaldi()}) {
        const Rows rows = rows_of(spec, std::vector<float>(800, 0.0F));
        ASSERT_EQ(rows.size(), 3U);
        const float floor = spec.zeroth_coeff == ZerothCoeff::LogEnergyInstead
                                ? std::log(std::numeric_limits<float>::epsilon())
                                : std::log(spec.log_floor) * std::sqrt(26.0F);
        EXPECT_NEAR(rows[0][0], floor, 1e-3F);
        for (std::size_t n = 1; n < rows[0].size(); ++n) {
            EXPECT_NEAR(rows[0][n], 0.0F, 1e-3F);
        }
    }
}

TEST(FeatureExtractor, AppendsTheEnergyBeforePreEmphasis) {
    FeatureSpec spec;
    spec.pre_emphasis = 0.97F;
    spec.sample_scale = 32768.0F;
    spec.append_log_energy = true;
    const std::vector<float> samples = make_noise(400, 25);
    double energy = 0.0;
    for (const float sample : samples) {
        energy += std::pow(static_cast<double>(sample) * 32768.0, 2.0);
    }
    const Rows rows = rows_of(spec, samples);
    ASSERT_EQ(rows.size(), 1U);
    ASSERT_EQ(rows[0].size(), 14U);
    EXPECT_NEAR(rows[0][13], std::log(energy), 1e-5);
}

TEST(FeatureExtractor, HearsNoOffsetThatItRemoves) {
    FeatureSpec spec;
    spec.remove_dc = true;
    std::vector<float> samples = make_noise(400, 26);
    const Rows without = rows_of(spec, samples);
    for (float& sample : samples) {
        sample += 0.25F;
    }
    const Rows with = rows_of(spec, samples);
    ASSERT_EQ(with.size(), 1U);
    for (std::size_t n = 0; n < with[0].size(); ++n) {
        EXPECT_NEAR(with[0][n], without[0][n], 1e-3F);
    }
}

TEST(FeatureExtractor, RefusesASpecificationThatIsNotValid) {
    FeatureSpec spec;
    spec.hop_samples = 0;
    EXPECT_THROW(FeatureExtractor{spec}, std::invalid_argument);
}

}  // namespace
}  // namespace emotiond::dsp
