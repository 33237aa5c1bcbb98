#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "dsp/window_stream.hpp"
#include "model/training/corpus.hpp"

namespace emotiond::model {

class AugmentationBank;

/// Rows of one recording: [num_rows][num_features].
struct Rows {
    std::vector<float> values;
    std::size_t num_rows = 0;
    std::size_t begin = 0;  ///< the audible ones, outer silence left out but for a margin
    std::size_t end = 0;
};

/// A window of the recording as a live stream would cut it, for evaluation.
struct ClipWindow {
    std::size_t first_row = 0;
    std::size_t num_rows = 0;
    float voiced = 0.0F;
};

/// One recording as the trainer sees it.
struct ClipFeatures {
    Clip clip;
    bool is_speech = true;
    Rows rows;
    std::vector<ClipWindow> windows;  ///< of `rows`, silence left out; never empty
    std::vector<Rows> variants;       ///< slower, faster, and as many augmented as were asked for
};

struct LoadedClips {
    std::vector<ClipFeatures> clips;
    std::vector<std::string> problems;  ///< one line for each clip that had to be left out
    bool from_cache = false;
};

/// What is done to every recording before its features are computed: [samples] at a rate in Hz.
using Degrade =
    std::function<std::vector<float>(std::span<const float>, int rate_hz, std::mt19937_64&)>;

struct LoadOptions {
    std::uint64_t seed = 1;
    const AugmentationBank* bank = nullptr;  ///< none: no other speeds and no augmented versions
    int variants = 0;                        ///< augmented versions of each clip
    Degrade degrade{};                       ///< none: as recorded
    std::string degrade_name{};              ///< tells one degradation from another
    std::filesystem::path cache{};           ///< folder of features computed before; empty: none
    int threads = 2;
    /// on_progress(done, all) is called now and then, from the calling thread.
    std::function<void(std::size_t, std::size_t)> on_progress = [](auto...) {};
};

/// Reads every clip and computes its rows, windows and variants. The same clips, specification and
/// options give the same rows, whatever the number of threads. What was computed is kept in the
/// cache under all that it depends on: paths, sizes and times of the files included.
LoadedClips load_clips(const std::vector<Clip>& clips, const dsp::FeatureSpec& spec,
                       const LoadOptions& options);

/// Clip::corpus of a recording without speech, to tell speech from; its ClipFeatures::is_speech is
/// false, and its Clip::speaker the source that it comes from.
inline constexpr const char* kNoSpeech = "no speech";

}  // namespace emotiond::model
