#include "model/feature_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

#include "dsp/window_stream.hpp"
#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::HasSubstr;

/// At another rate than the model's, so that resampling is in it.
Recording noise() {
    return {test::coloured_noise(88200, 0.9F, 1), 44100};
}

dsp::FeatureSpec with_deltas() {
    dsp::FeatureSpec spec;
    spec.append_log_energy = true;
    spec.delta_order = 1;
    return spec;
}

TEST(FeatureRows, AreThoseThatALiveStreamHas) {
    const dsp::FeatureSpec spec = with_deltas();
    const Recording recording = noise();
    const std::vector<float> rows = feature_rows(recording, spec);
    dsp::WindowStream stream(spec, recording.rate_hz, {});
    std::size_t windows = 0;
    const auto compare = [&](const dsp::FeatureWindow& window) {
        ++windows;
        const auto first = static_cast<std::size_t>(window.first_row) * spec.num_features();
        ASSERT_LE(first + window.rows.size(), rows.size());
        for (std::size_t i = 0; i < window.rows.size(); ++i) {
            ASSERT_EQ(window.rows[i], rows[first + i]) << "window " << windows << " value " << i;
        }
    };
    for (std::size_t at = 0; at < recording.samples.size(); at += 441) {
        stream.push(std::span(recording.samples).subspan(at, 441), compare);
    }
    stream.finish(compare);
    EXPECT_GT(windows, 1U);
}

TEST(FeatureRows, AsCsvReadBackExactlyUnderTheirNames) {
    const dsp::FeatureSpec spec = with_deltas();
    const std::vector<float> rows = feature_rows(noise(), spec);
    std::stringstream text;
    write_rows_as_csv(text, spec, rows);
    std::string line;
    std::getline(text, line);
    EXPECT_THAT(line, HasSubstr(spec.feature_names().front() + ","));
    std::vector<float> read;
    while (std::getline(text, line)) {
        std::istringstream cells(line);
        std::size_t count = 0;
        for (std::string cell; std::getline(cells, cell, ','); ++count) {
            read.push_back(std::stof(cell));
        }
        ASSERT_EQ(count, spec.num_features());
    }
    EXPECT_EQ(read, rows);
}

TEST(FeatureRows, AsNpyAreWhatNumPyDescribes) {
    const dsp::FeatureSpec spec = with_deltas();
    const std::vector<float> rows = feature_rows(noise(), spec);
    std::ostringstream out;
    write_rows_as_npy(out, spec, rows);
    const std::string bytes = out.str();
    ASSERT_GT(bytes.size(), 10U);
    EXPECT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
    std::uint16_t size = 0;
    std::memcpy(&size, bytes.data() + 8, sizeof size);
    EXPECT_EQ((10U + size) % 64, 0U);
    const std::string header = bytes.substr(10, size);
    EXPECT_EQ(header.back(), '\n');
    EXPECT_THAT(header, HasSubstr("{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                                  std::to_string(rows.size() / 28) + ", 28), }"));
    ASSERT_EQ(bytes.size(), 10U + size + rows.size() * sizeof(float));
    EXPECT_EQ(std::memcmp(bytes.data() + 10 + size, rows.data(), rows.size() * sizeof(float)), 0);
}

}  // namespace
}  // namespace emotiond::model
