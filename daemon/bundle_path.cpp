#include "daemon/bundle_path.hpp"

#include <stdexcept>

#include "daemon/printable.hpp"

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

model::Bundle load_bundle(const Config& config) {
    const auto path = bundle_path(config);
    model::Bundle bundle = model::Bundle::load(path);
    if (!bundle.torchscript.empty() && !config.model.trust_code) {
        throw ConfigError("model bundle " + path.string() +
                          " holds a TorchScript module, which is code and can do what this "
                          "process can; set model.trust_code = true if you trust who made it");
    }
    return bundle;
}

std::string origin_text(const model::Bundle& bundle) {
    std::string sources;
    for (const std::string& source : bundle.training_data) {
        sources += (sources.empty() ? "" : ", ") + source;
    }
    return printable("licence " + (bundle.licence.empty() ? "not told" : bundle.licence) +
                     ", trained on " + (sources.empty() ? "data that it does not name" : sources));
}

}  // namespace emotiond::daemon
