// Recordings from anywhere: AudioFile opens and reads them, or throws std::runtime_error.

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/audio_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const int file = memfd_create("recording", 0);
    if (file < 0 || write(file, data, size) != static_cast<ssize_t>(size)) {
        std::abort();
    }
    try {
        emotiond::model::AudioFile audio("/proc/self/fd/" + std::to_string(file));
        std::vector<float> samples(static_cast<std::size_t>(audio.channels()) * 1024);
        // A short file may claim a long one.
        for (int block = 0; block < 64 && audio.read(samples) > 0; ++block) {
        }
    } catch (const std::runtime_error&) {
    }
    close(file);
    return 0;
}
