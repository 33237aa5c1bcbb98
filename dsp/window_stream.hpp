#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dsp/feature_extractor.hpp"
#include "dsp/feature_spec.hpp"
#include "dsp/resampler.hpp"
#include "dsp/row_analysis.hpp"
#include "dsp/sliding_window.hpp"
#include "dsp/voice_detector.hpp"
#include "dsp/voice_gate.hpp"

namespace emotiond::dsp {

struct WindowOptions {
    std::chrono::milliseconds length{3000};
    std::chrono::milliseconds hop{500};
    std::chrono::milliseconds first{1000};  ///< of a stream's first window, which is not yet whole
    /// Windows end so long behind multiples of the hop: the windows of many channels that began at
    /// the same moment need not all end at the same moment.
    std::chrono::milliseconds phase{0};
    /// WindowStream::span() has whole windows that ended up to so long ago.
    std::chrono::milliseconds lookback{0};

    /// Throws std::invalid_argument that says which is out of order.
    void validate() const;
};

/// When a row counts as voiced, by the detector's probability of speech.
struct VoiceOptions {
    float on = 0.6F;                          ///< from here on
    float off = 0.4F;                         ///< and until it has been below here
    std::chrono::milliseconds hangover{100};  ///< for so long

    /// Throws std::invalid_argument that says which is out of order.
    void validate() const;
};

/// What is known of a row as soon as it is there.
struct VoiceRow {
    std::uint64_t row = 0;  ///< index since the start or restart()
    float speech = 0.0F;    ///< probability; without a detector 1 for speech level, else 0
    bool voiced = false;
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
    float voiced = 0.0F;  ///< share of rows with speech, without a detector of speech level, 0..1
};

/// One channel's way from captured samples to windows. Training, files and live streams all come
/// through here.
///
///     samples -> Resampler -> FeatureExtractor -> SlidingWindow -> FeatureWindow
///                      |             \--> VoiceDetector ------/
///                      \----> level per hop -> VoiceGate -----/   where there is no detector
///
/// No allocation after construction but soxr's own. Not thread-safe.
class WindowStream {
    struct Ignore {
        void operator()(const VoiceRow&) const {}
    };

 public:
    /// voice: of a detector that was trained on such rows; null: level alone tells what is voiced.
    /// Throws std::invalid_argument for a rate, specification, window or detector that is not
    /// valid.
    WindowStream(const FeatureSpec& spec, int capture_rate_hz, const WindowOptions& options,
                 const VoiceDetector::Weights* voice = nullptr,
                 const VoiceOptions& voice_options = {});
    /// Of streams that share one analysis, one thread at a time may run any.
    WindowStream(const RowAnalysis& analysis, int capture_rate_hz, const WindowOptions& options,
                 const VoiceOptions& voice_options = {});

    /// samples: any number, captured directly after those of the last push().
    /// on_row(const VoiceRow&) is called for every row, before on_window for a window that ends
    /// with it.
    template <typename OnWindow, typename OnRow = Ignore>
    void push(std::span<const float> samples, OnWindow&& on_window, OnRow&& on_row = {}) {
        resampler_.push(samples, [&](std::span<const float> resampled) {
            analyse(resampled, on_window, on_row);
        });
    }

    /// The end of the stream, or a hole in it: the last rows, and a window for those not covered.
    template <typename OnWindow, typename OnRow = Ignore>
    void finish(OnWindow&& on_window, OnRow&& on_row = {}) {
        resampler_.finish(
            [&](std::span<const float> resampled) { analyse(resampled, on_window, on_row); });
        extractor_.finish([&](std::span<const float> row) { add_row(row, on_window, on_row); });
        window_.finish([&](const SlidingWindow::View& view) { on_window(describe(view)); });
    }

    /// Begins anew with the sample of this capture index. No window reaches over a hole, and
    /// nothing that was heard before is left in memory.
    void restart(std::uint64_t first_sample);

    [[nodiscard]] const FeatureSpec& spec() const { return extractor_.spec(); }

    /// The last of the rows [first_row, end_row) as a window, a window's length of them at most, as
    /// far as they are still held: those of the latest window are, and those of `lookback` before
    /// them. From within the callbacks too, that of the row which is told included.
    [[nodiscard]] FeatureWindow span(std::uint64_t first_row, std::uint64_t end_row) const {
        return describe(window_.span(first_row, end_row));
    }

    /// Capture index of the sample with which the hop of a row begins.
    [[nodiscard]] std::uint64_t sample_of_row(std::uint64_t row) const;

 private:
    struct Block {
        float mean_square = 0.0F;
        bool voiced = false;
    };

    template <typename OnWindow, typename OnRow>
    void analyse(std::span<const float> samples, OnWindow& on_window, OnRow& on_row) {
        while (!samples.empty()) {
            // In short runs, so that levels are never far ahead of the rows they belong to.
            const auto run = samples.first(std::min(samples.size(), kRunSamples));
            samples = samples.subspan(run.size());
            measure_levels(run);
            extractor_.push(run,
                            [&](std::span<const float> row) { add_row(row, on_window, on_row); });
        }
    }
    template <typename OnWindow, typename OnRow>
    void add_row(std::span<const float> row, OnWindow& on_window, OnRow& on_row) {
        window_.append(row);
        on_row(judge(row));
        window_.slide([&](const SlidingWindow::View& view) { on_window(describe(view)); });
    }
    VoiceRow judge(std::span<const float> row);
    void measure_levels(std::span<const float> samples);
    void end_block();
    [[nodiscard]] const Block* block_of(std::uint64_t row) const;
    [[nodiscard]] FeatureWindow describe(const SlidingWindow::View& view) const;
    [[nodiscard]] std::uint64_t capture_index(std::int64_t model_sample) const;

    static constexpr std::size_t kRunSamples = 1024;

    int capture_rate_hz_;
    Resampler resampler_;
    FeatureExtractor extractor_;
    SlidingWindow window_;
    VoiceGate gate_;
    std::optional<VoiceDetector> detector_;
    VoiceOptions voice_options_;
    std::size_t hangover_rows_;
    std::size_t rows_below_ = 0;  ///< since the probability of speech was not below `off`
    bool is_voiced_ = false;
    std::uint64_t num_rows_ = 0;
    std::vector<char> voiced_;   ///< ring of the latest rows
    std::uint64_t origin_ = 0;   ///< capture index of the first sample since restart()
    std::uint64_t pushed_ = 0;   ///< model-rate samples since restart()
    std::vector<Block> blocks_;  ///< ring of the latest hops
    std::uint64_t block_lag_;    ///< block i belongs to row i + block_lag_
    std::uint64_t num_blocks_ = 0;
    double block_energy_ = 0.0;
    int block_fill_ = 0;
};

}  // namespace emotiond::dsp
