// mfcc_rows SPEC PASSES < AUDIO: the rows of mono float32 audio at 16 kHz, and what a row took.
//
// Prints "us_per_row best B median M", the CPU time of this thread over PASSES passes, then a line
// for each row.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "dsp/feature_extractor.hpp"

namespace {

using emotiond::dsp::FeatureExtractor;
using emotiond::dsp::FeatureSpec;

FeatureSpec spec_named(const std::string& name) {
    if (name == "kaldi_26_mels") {
        FeatureSpec spec = FeatureSpec::kaldi();
        spec.num_mels = 26;
        return spec;
    }
    if (name == "htk") {
        return FeatureSpec::htk();
    }
    throw std::invalid_argument("SPEC must be kaldi_26_mels or htk, got " + name);
}

std::vector<float> read_samples(std::FILE* file) {
    std::vector<float> samples;
    float block[4096];
    while (const std::size_t size = std::fread(block, sizeof(float), std::size(block), file)) {
        samples.insert(samples.end(), block, block + size);
    }
    return samples;
}

double thread_cpu_us() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

void run(const FeatureSpec& spec, int num_passes) {
    const std::vector<float> samples = read_samples(stdin);
    const auto hop = static_cast<std::size_t>(spec.hop_samples);
    std::vector<float> rows;
    rows.reserve((samples.size() / hop + 1) * spec.num_features());
    const auto keep = [&](std::span<const float> row) {
        rows.insert(rows.end(), row.begin(), row.end());
    };

    FeatureExtractor extractor(spec);
    std::vector<double> us_per_row;
    for (int pass = 0; pass < num_passes; ++pass) {
        extractor.reset();
        rows.clear();
        const double start_us = thread_cpu_us();
        extractor.push(samples, keep);
        extractor.finish(keep);
        const double us = thread_cpu_us() - start_us;
        us_per_row.push_back(us * static_cast<double>(spec.num_features()) /
                             static_cast<double>(rows.size()));
    }
    std::ranges::sort(us_per_row);
    std::printf("us_per_row best %.4f median %.4f\n", us_per_row.front(),
                us_per_row[us_per_row.size() / 2]);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const bool ends_row = (i + 1) % spec.num_features() == 0;
        std::printf("%.9g%c", static_cast<double>(rows[i]), ends_row ? '\n' : ' ');
    }
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 3) {
        throw std::invalid_argument("usage: mfcc_rows kaldi_26_mels|htk PASSES < AUDIO");
    }
    run(spec_named(argv[1]), std::max(1, std::stoi(argv[2])));
    return 0;
} catch (const std::exception& error) {
    std::cerr << "mfcc_rows: " << error.what() << '\n';
    return 1;
}
