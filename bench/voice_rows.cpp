// voice_rows BUNDLE FILE...: what the voice detector of a bundle says of each row of audio files,
// streamed in blocks of 10 ms.
//
// Prints two lines a file: the probabilities of speech, and 1 or 0 for each row that counts as
// voiced or not.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <span>
#include <string>

#include "dsp/window_stream.hpp"
#include "model/audio_file.hpp"
#include "model/bundle.hpp"

namespace {

using namespace emotiond;

void print_rows(const model::Bundle& bundle, const std::string& file) {
    const model::Recording recording = model::read_recording(file);
    dsp::WindowStream stream(bundle.features, recording.rate_hz, {}, bundle.voice_weights());
    std::string voiced;
    const auto on_window = [](const dsp::FeatureWindow&) {};
    const auto on_row = [&](const dsp::VoiceRow& row) {
        std::printf("%.6f ", static_cast<double>(row.speech));
        voiced += row.voiced ? '1' : '0';
    };
    const auto block = static_cast<std::size_t>(recording.rate_hz) / 100;
    std::span<const float> left = recording.samples;
    while (!left.empty()) {
        const auto part = left.first(std::min(block, left.size()));
        left = left.subspan(part.size());
        stream.push(part, on_window, on_row);
    }
    stream.finish(on_window, on_row);
    std::printf("\n%s\n", voiced.c_str());
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc < 3) {
            std::fprintf(stderr, "voice_rows BUNDLE FILE...\n");
            return 64;
        }
        const model::Bundle bundle = model::Bundle::load(argv[1]);
        for (int i = 2; i < argc; ++i) {
            print_rows(bundle, argv[i]);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "voice_rows: %s\n", error.what());
        return 1;
    }
}
