#pragma once

#include <filesystem>
#include <string>

namespace emotiond::daemon {

/// `emotiond bundle`: packs a TorchScript module, or shows what a bundle is.
struct BundleOptions {
    std::filesystem::path torchscript;
    std::filesystem::path spec;  ///< JSON: model::read_bundle_spec
    std::filesystem::path out;
    std::filesystem::path show;  ///< not empty: only show this one
    bool as_json = false;
};

/// Runs the module on windows of several lengths before anything is written. Returns 0. Throws
/// std::runtime_error that says what, where, what was expected and what was got.
int bundle_command(const BundleOptions& options);

/// `emotiond features`: the rows that a network is given, to train one elsewhere.
struct FeaturesOptions {
    std::filesystem::path file;
    std::filesystem::path spec;  ///< as of BundleOptions; empty: what `network` is trained on
    std::string network = "crnn";
    std::string format;         ///< csv | npy; empty: by the name of `out`
    std::filesystem::path out;  ///< empty: stdout
    bool print_spec = false;    ///< the specification instead of rows
};

/// Returns 0. Throws std::runtime_error for files, std::invalid_argument for an unknown network.
int features_command(const FeaturesOptions& options);

}  // namespace emotiond::daemon
