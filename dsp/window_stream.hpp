#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/feature_extractor.hpp"
#include "dsp/feature_spec.hpp"
#include "dsp/resampler.hpp"
#include "dsp/sliding_window.hpp"
#include "dsp/voice_gate.hpp"

namespace emotiond::dsp {

struct WindowOptions {
    std::chrono::milliseconds length{3000};
    std::chrono::milliseconds hop{500};
    std::chrono::milliseconds first{1000};  ///< of a stream's first window, which is not yet whole

    /// Throws std::invalid_argument that says which is out of order.
    void validate() const;
};

/// One window of one channel: what the classifier is asked about.
struct FeatureWindow {
    std::span<const float> rows;  ///< [num_rows][num_features], valid until the next push()
    std::size_t num_rows = 0;
    std::uint64_t first_row = 0;  ///< index of the first row since the start or restart()
    /// The captured samples that the rows depend on, at the device's rate, on the stream's clock.
    std::uint64_t start_sample = 0;
    std::uint64_t end_sample = 0;
    float level_dbfs = 0.0F;  ///< RMS; 0 dBFS is a square wave of amplitude 1
    float voiced = 0.0F;      ///< share of rows with speech level, 0..1
};

/// One channel's way from captured samples to windows. Training, files and live streams all come
/// through here.
///
///     samples -> Resampler -> FeatureExtractor -> SlidingWindow -> FeatureWindow
///                      \----> level per hop -> VoiceGate ------/
///
/// No allocation after construction but soxr's own. Not thread-safe.
class WindowStream {
 public:
    /// Throws std::invalid_argument for a rate, specification or window that is not valid.
    WindowStream(const FeatureSpec& spec, int capture_rate_hz, const WindowOptions& options);

    /// samples: any number, captured directly after those of the last push().
    template <typename OnWindow>
    void push(std::span<const float> samples, OnWindow&& on_window) {
        resampler_.push(samples,
                        [&](std::span<const float> resampled) { analyse(resampled, on_window); });
    }

    /// The end of the stream, or a hole in it: the last rows, and a window for those not covered.
    template <typename OnWindow>
    void finish(OnWindow&& on_window) {
        resampler_.finish([&](std::span<const float> resampled) { analyse(resampled, on_window); });
        extractor_.finish([&](std::span<const float> row) { add_row(row, on_window); });
        window_.finish([&](const SlidingWindow::View& view) { on_window(describe(view)); });
    }

    /// Begins anew with the sample of this capture index. No window reaches over a hole.
    void restart(std::uint64_t first_sample);

    [[nodiscard]] const FeatureSpec& spec() const { return extractor_.spec(); }

 private:
    template <typename OnWindow>
    void analyse(std::span<const float> samples, OnWindow& on_window) {
        while (!samples.empty()) {
            // In short runs, so that levels are never far ahead of the rows they belong to.
            const auto run = samples.first(std::min(samples.size(), kRunSamples));
            samples = samples.subspan(run.size());
            measure_levels(run);
            extractor_.push(run, [&](std::span<const float> row) { add_row(row, on_window); });
        }
    }
    template <typename OnWindow>
    void add_row(std::span<const float> row, OnWindow& on_window) {
        window_.push(row, [&](const SlidingWindow::View& view) { on_window(describe(view)); });
    }
    void measure_levels(std::span<const float> samples);
    void end_block();
    [[nodiscard]] FeatureWindow describe(const SlidingWindow::View& view) const;
    [[nodiscard]] std::uint64_t capture_index(std::int64_t model_sample) const;

    static constexpr std::size_t kRunSamples = 1024;
    struct Block {
        float mean_square = 0.0F;
        bool voiced = false;
    };

    int capture_rate_hz_;
    Resampler resampler_;
    FeatureExtractor extractor_;
    SlidingWindow window_;
    VoiceGate gate_;
    std::uint64_t origin_ = 0;   ///< capture index of the first sample since restart()
    std::uint64_t pushed_ = 0;   ///< model-rate samples since restart()
    std::vector<Block> blocks_;  ///< ring of the latest hops; block i belongs to row i
    std::uint64_t num_blocks_ = 0;
    double block_energy_ = 0.0;
    int block_fill_ = 0;
};

}  // namespace emotiond::dsp
