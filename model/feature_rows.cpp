#include "model/feature_rows.hpp"

#include <bit>
#include <charconv>
#include <cstdint>
#include <string>

#include "dsp/feature_extractor.hpp"
#include "dsp/resampler.hpp"

static_assert(std::endian::native == std::endian::little, "the header says little-endian");

namespace emotiond::model {

std::vector<float> feature_rows(const Recording& recording, const dsp::FeatureSpec& spec) {
    dsp::FeatureExtractor extractor(spec);
    std::vector<float> rows;
    const auto keep = [&rows](std::span<const float> row) {
        rows.insert(rows.end(), row.begin(), row.end());
    };
    extractor.push(dsp::resample(recording.samples, recording.rate_hz, spec.sample_rate_hz), keep);
    extractor.finish(keep);
    return rows;
}

void write_rows_as_csv(std::ostream& out, const dsp::FeatureSpec& spec,
                       const std::vector<float>& rows) {
    std::string line;
    for (const std::string& name : spec.feature_names()) {
        line += (line.empty() ? "" : ",") + name;
    }
    out << line << "\n";
    const std::size_t num_features = spec.num_features();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        char text[32];  // the shortest that reads back as the same float
        const auto [end, error] = std::to_chars(text, text + sizeof text, rows[i]);
        out.write(text, end - text);
        out << ((i + 1) % num_features == 0 ? '\n' : ',');
    }
}

void write_rows_as_npy(std::ostream& out, const dsp::FeatureSpec& spec,
                       const std::vector<float>& rows) {
    constexpr std::size_t kAlignment = 64;
    const std::string magic("\x93NUMPY\x01\x00", 8);
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                         std::to_string(rows.size() / spec.num_features()) + ", " +
                         std::to_string(spec.num_features()) + "), }";
    const std::size_t unpadded = magic.size() + sizeof(std::uint16_t) + header.size() + 1;
    header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
    header += '\n';
    const auto size = static_cast<std::uint16_t>(header.size());
    out << magic;
    out.write(reinterpret_cast<const char*>(&size), sizeof size);
    out << header;
    out.write(reinterpret_cast<const char*>(rows.data()),
              static_cast<std::streamsize>(rows.size() * sizeof(float)));
}

}  // namespace emotiond::model
