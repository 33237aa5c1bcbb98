// What an operator may write, into the settings and into the file of tokens: it is taken, or a
// ConfigError says what is wrong with it. What is taken can be written and read again.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/config.hpp"
#include "daemon/tokens.hpp"

using namespace emotiond::daemon;

namespace {

/// A file without a place on a disk.
struct File {
    explicit File(std::string_view bytes) : number(memfd_create("config", 0)) {
        if (number < 0 ||
            write(number, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
            std::abort();
        }
    }
    ~File() { close(number); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    std::string path() const { return "/proc/self/fd/" + std::to_string(number); }

    int number;
};

void read_settings(std::string_view bytes) {
    Config config;
    try {
        config.read_file(File(bytes).path());
        config.validate();
    } catch (const ConfigError&) {
        return;
    }
    Config again;
    again.read_file(File(config.to_toml()).path());
    if (again != config) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    read_settings(bytes);
    try {
        Config().apply_override(bytes);
    } catch (const ConfigError&) {
    }
    try {
        Tokens(File(bytes).path()).rights_of("t");
    } catch (const ConfigError&) {
    }
    return 0;
}
