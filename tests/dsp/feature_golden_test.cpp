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

/// Each column of the reference beside the feature of that name; bounds: largest error of each.
void expect_columns(const std::string& reference, const FeatureSpec& spec,
                    const std::vector<std::pair<std::string, double>>& bounds) {
    const std::vector<Golden> goldens = read_goldens(reference);
    ASSERT_EQ(goldens.size(), 3U);
    const std::vector<std::string> names = spec.feature_names();
    ASSERT_EQ(names.size(), spec.num_features());
    std::cout << "largest error beside " << reference << ':';
    for (std::size_t column = 0; column < bounds.size(); ++column) {
        const auto& [name, bound] = bounds[column];
        const auto feature =
            static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
        ASSERT_LT(feature, names.size()) << name;
        double largest = 0.0;
        for (const Golden& golden : goldens) {
            ASSERT_EQ(golden.num_features, bounds.size());
            const std::vector<float> rows = rows_of(spec, read_clip(golden.clip));
            ASSERT_EQ(rows.size() / names.size(), golden.num_rows);
            for (std::size_t row = 0; row < golden.num_rows; ++row) {
                const float value = rows[row * names.size() + feature];
                ASSERT_TRUE(std::isfinite(value));
                const double expected = golden.rows[row * bounds.size() + column];
                const double error = std::abs(static_cast<double>(value) - expected);
                EXPECT_LE(error, bound) << name << " of row " << row << " of " << golden.clip;
                largest = std::max(largest, error);
            }
        }
        testing::Test::RecordProperty(name, std::to_string(largest));
        std::cout << ' ' << name << ' ' << largest;
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
    expect_columns("librosa_overlap_pitch", prosody(), {{"f0_semitones", 1e-3}, {"voicing", 1e-6}});
}

}  // namespace
}  // namespace emotiond::dsp
