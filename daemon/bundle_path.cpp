#include "daemon/bundle_path.hpp"

#include <stdexcept>

namespace emotiond::daemon {

std::filesystem::path bundle_path(const Config& config) {
    namespace fs = std::filesystem;
    if (!config.model.bundle.empty()) {
        return config.model.bundle;
    }
    const fs::path program = fs::canonical("/proc/self/exe");
    const fs::path candidates[]{
        program.parent_path().parent_path() / "share/emotiond/default.safetensors",
        fs::path(EMOTIOND_SOURCE_DIR) / "model/pretrained/default.safetensors"};
    std::string tried;
    for (const fs::path& candidate : candidates) {
        if (fs::exists(candidate)) {
            return candidate;
        }
        tried += " " + candidate.string();
    }
    throw std::runtime_error("no model bundle: --model.bundle is not set and none is at" + tried);
}

}  // namespace emotiond::daemon
