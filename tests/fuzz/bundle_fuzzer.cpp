// Model bundles from anywhere: Bundle::load() takes a file or throws std::runtime_error, whatever
// the bytes are.

#include <openssl/sha.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "model/bundle.hpp"

namespace {

using nlohmann::ordered_json;

/// A file without a place on a disk.
class MemoryFile {
 public:
    explicit MemoryFile(std::string_view bytes) : descriptor_(memfd_create("bundle", MFD_CLOEXEC)) {
        if (descriptor_ < 0 ||
            write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
            std::abort();
        }
    }
    ~MemoryFile() { close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    [[nodiscard]] std::string path() const {
        return "/proc/self/fd/" + std::to_string(descriptor_);
    }

 private:
    int descriptor_;
};

void load(std::string_view bytes) {
    const MemoryFile file(bytes);
    try {
        emotiond::model::Bundle::load(file.path());
    } catch (const std::runtime_error&) {
        // Refused. Anything else that is thrown ends the program, and that is a finding.
    }
}

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
    std::string hex;
    for (const unsigned char byte : digest) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        hex += kDigits[byte >> 4];
        hex += kDigits[byte & 15];
    }
    return hex;
}

/// The same file with the digest that its content has, since no mutation of the input would find
/// it. Empty where the input is not enough of a bundle for that.
std::string with_right_digest(std::string_view bytes) {
    std::uint64_t header_size = 0;
    if (bytes.size() < sizeof header_size) {
        return {};
    }
    std::memcpy(&header_size, bytes.data(), sizeof header_size);
    bytes.remove_prefix(sizeof header_size);
    if (header_size > bytes.size()) {
        return {};
    }
    ordered_json header = ordered_json::parse(bytes.substr(0, header_size), nullptr, false);
    const std::string_view data = bytes.substr(header_size);
    if (!header.is_object() || !header.contains("__metadata__")) {
        return {};
    }
    ordered_json& metadata = header["__metadata__"];
    if (!metadata.is_object() || !metadata.contains("manifest") ||
        !metadata["manifest"].is_string()) {
        return {};
    }
    ordered_json index = header;
    index.erase("__metadata__");
    metadata["sha256"] =
        sha256_hex(metadata["manifest"].get<std::string>() + index.dump() + std::string(data));
    const std::string header_text = header.dump();
    header_size = header_text.size();
    std::string repaired(sizeof header_size, '\0');
    std::memcpy(repaired.data(), &header_size, sizeof header_size);
    return repaired.append(header_text).append(data);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    load(bytes);
    if (const std::string repaired = with_right_digest(bytes); !repaired.empty()) {
        load(repaired);
    }
    return 0;
}
