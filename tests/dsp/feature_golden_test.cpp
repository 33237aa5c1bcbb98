#include <gtest/gtest.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dsp/feature_extractor.hpp"

// Our rows beside other people's, of the same clips. tests/data/make_goldens.py made the goldens.

namespace emotiond::dsp {
namespace {

const std::string kDataFolder = EMOTIOND_SOURCE_DIR "/tests/data/";

struct Golden {
    std::string clip;
    std::size_t num_rows = 0;
    std::size_t num_features = 0;
    std::vector<double> rows;  // [num_rows][num_features]
};

std::vector<Golden> read_goldens(const std::string& reference) {
    std::ifstream file(kDataFolder + "goldens/" + reference + ".txt");
    std::vector<Golden> goldens;
    std::string word;
    while (file >> word) {
        if (word != "clip") {
            std::getline(file, word);  // a comment
            continue;
        }
        Golden& golden = goldens.emplace_back();
        file >> golden.clip >> golden.num_rows >> golden.num_features;
        golden.rows.resize(golden.num_rows * golden.num_features);
        for (double& value : golden.rows) {
            file >> value;
        }
        if (!file) {
            throw std::runtime_error("golden " + reference + " ends within " + golden.clip);
        }
    }
    return goldens;
}

std::vector<float> read_clip(const std::string& name) {
    const std::string path = kDataFolder + "clips/" + name + ".flac";
    SF_INFO info{};
    SNDFILE* file = sf_open(path.c_str(), SFM_READ, &info);
    if (file == nullptr) {
        throw std::runtime_error(path + ": " + sf_strerror(nullptr));
    }
    std::vector<float> samples(static_cast<std::size_t>(info.frames * info.channels));
    sf_readf_float(file, samples.data(), info.frames);
    sf_close(file);
    return samples;
}

std::vector<float> rows_of(const FeatureSpec& spec, std::span<const float> samples) {
    FeatureExtractor extractor(spec);
    std::vector<float> rows;
    const auto append = [&](std::span<const float> row) {
        rows.insert(rows.end(), row.begin(), row.end());
    };
    extractor.push(samples, append);
    extractor.finish(append);
    return rows;
}

/// What our rows may differ by from a reference, and where its definition ends.
struct Agreement {
    std::vector<double> bounds;               // largest error of statics, deltas, accelerations
    std::size_t num_other_accelerations = 0;  // at the end of a clip, defined otherwise
};

void expect_agreement(const std::string& reference, const FeatureSpec& spec,
                      const Agreement& agreement) {
    const std::vector<Golden> goldens = read_goldens(reference);
    ASSERT_EQ(goldens.size(), 3U);
    const std::size_t num_orders = agreement.bounds.size();
    std::vector<double> largest(num_orders, 0.0);
    for (const Golden& golden : goldens) {
        SCOPED_TRACE(golden.clip);
        ASSERT_EQ(golden.num_features, spec.num_features());
        ASSERT_EQ(golden.num_features, spec.num_static() * num_orders);
        const std::vector<float> rows = rows_of(spec, read_clip(golden.clip));
        ASSERT_EQ(rows.size(), golden.rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            ASSERT_TRUE(std::isfinite(rows[i]));
            const std::size_t row = i / golden.num_features;
            const std::size_t order = i % golden.num_features / spec.num_static();
            if (order == 2 && row + agreement.num_other_accelerations >= golden.num_rows) {
                continue;
            }
            const double error = std::abs(static_cast<double>(rows[i]) - golden.rows[i]);
            largest[order] = std::max(largest[order], error);
        }
    }
    const char* const names[] = {"statics", "deltas", "accelerations"};
    std::cout << "largest error beside " << reference << ':';
    for (std::size_t order = 0; order < num_orders; ++order) {
        EXPECT_LE(largest[order], agreement.bounds[order]) << names[order];
        testing::Test::RecordProperty(names[order], std::to_string(largest[order]));
        std::cout << ' ' << names[order] << ' ' << largest[order];
    }
    std::cout << '\n';
}

// In dB. librosa computed it in double, so the error is ours.
TEST(FeatureExtractor, AgreesWithLibrosa) {
    FeatureSpec spec = FeatureSpec::librosa(16000);
    spec.delta_order = 2;
    expect_agreement("librosa", spec, {{5e-4, 5e-5, 5e-5}});
}

// In nepers, times up to 12 by the lifter. Both sides compute in single precision.
TEST(FeatureExtractor, AgreesWithKaldi) {
    expect_agreement("kaldi", FeatureSpec::kaldi(), {{1e-3}});
}

TEST(FeatureExtractor, AgreesWithKaldiOf26Mels) {
    FeatureSpec spec = FeatureSpec::kaldi();
    spec.num_mels = 26;
    expect_agreement("kaldi_26_mels", spec, {{1e-3}});
}

// As for Kaldi. At the end openSMILE takes accelerations from deltas of two rows beyond the last,
// which do not exist in HTK's definition: that repeats the last delta.
TEST(FeatureExtractor, AgreesWithHtkAsOpenSmileComputesIt) {
    expect_agreement("opensmile", FeatureSpec::htk(), {{1e-3, 2e-4, 1e-4}, 2});
}

/// The reference has a column for each static feature behind the cepstrum; bounds: what those whose
/// names begin so may differ by.
void expect_columns(const std::string& reference, const FeatureSpec& spec,
                    const std::vector<std::pair<std::string, double>>& bounds) {
    const std::vector<Golden> goldens = read_goldens(reference);
    ASSERT_EQ(goldens.size(), 3U);
    const std::vector<std::string> names = spec.feature_names();
    const auto first = static_cast<std::size_t>(spec.num_coeffs);
    std::vector<double> largest(bounds.size(), 0.0);
    for (const Golden& golden : goldens) {
        const std::vector<float> rows = rows_of(spec, read_clip(golden.clip));
        ASSERT_EQ(golden.num_features, names.size() - first);
        ASSERT_EQ(rows.size(), golden.num_rows * names.size());
        for (std::size_t i = 0; i < golden.rows.size(); ++i) {
            const std::size_t row = i / golden.num_features;
            const std::size_t feature = first + i % golden.num_features;
            const auto bound = std::ranges::find_if(
                bounds, [&](const auto& each) { return names[feature].starts_with(each.first); });
            ASSERT_NE(bound, bounds.end()) << names[feature];
            const auto value = static_cast<double>(rows[row * names.size() + feature]);
            ASSERT_TRUE(std::isfinite(value));
            const double error = std::abs(value - golden.rows[i]);
            EXPECT_LE(error, bound->second)
                << names[feature] << " of row " << row << " of " << golden.clip;
            double& of_feature = largest[static_cast<std::size_t>(bound - bounds.begin())];
            of_feature = std::max(of_feature, error);
        }
    }
    std::cout << "largest error beside " << reference << ':';
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        testing::Test::RecordProperty(bounds[i].first, std::to_string(largest[i]));
        std::cout << ' ' << bounds[i].first << ' ' << largest[i];
    }
    std::cout << '\n';
}

FeatureSpec prosody() {
    FeatureSpec spec;
    spec.mel_scale = MelScale::Slaney;
    spec.mel_shape = MelShape::TriangleInHz;
    spec.mel_norm = MelNorm::Area;
    spec.log_scale = LogScale::Decibel;
    spec.f0 = true;
    spec.zero_crossing_rate = true;
    spec.rms = true;
    spec.spectral_flux = true;
    return spec;
}

// Where nothing but hum is in a frame its difference is a small one between large numbers: single
// precision then moves the pitch by some hundredths of a semitone.
TEST(FeatureExtractor, HasThePitchLoudnessAndFluxOfLibrosa) {
    FeatureSpec spec = prosody();
    spec.f0_difference = F0Difference::Zeros;
    expect_columns(
        "librosa_prosody", spec,
        {{"f0_semitones", 5e-2}, {"voicing", 1e-6}, {"zcr", 1e-6}, {"rms", 1e-6}, {"flux", 1e-4}});
}

TEST(FeatureExtractor, HasThePitchOfTheSamplesThatTheShiftedFrameShares) {
    FeatureSpec spec;
    spec.f0 = true;
    expect_columns("librosa_overlap_pitch", spec, {{"f0_semitones", 1e-3}, {"voicing", 1e-6}});
}

// A valley of the spectrum lies up to 60 dB below its peaks, where single precision ends.
TEST(FeatureExtractor, HasTheChromaContrastAndTonnetzOfLibrosa) {
    FeatureSpec spec = FeatureSpec::librosa(16000);
    spec.f0 = true;
    spec.zero_crossing_rate = true;
    spec.rms = true;
    spec.spectral_flux = true;
    spec.chroma = true;
    spec.spectral_contrast = true;
    spec.tonnetz = true;
    expect_columns("librosa_tonal", spec,
                   {{"f0_semitones", 5e-2},
                    {"voicing", 1e-6},
                    {"zcr", 1e-6},
                    {"rms", 1e-6},
                    {"flux", 1e-4},
                    {"chroma", 1e-5},
                    {"contrast", 1e-2},
                    {"tonnetz", 1e-5}});
}

}  // namespace
}  // namespace emotiond::dsp
