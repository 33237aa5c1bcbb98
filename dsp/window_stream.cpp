#include "dsp/window_stream.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace emotiond::dsp {
namespace {

std::size_t whole_rows_in(std::chrono::milliseconds time, const FeatureSpec& spec) {
    return static_cast<std::size_t>(time.count() * spec.sample_rate_hz / 1000 / spec.hop_samples);
}

std::size_t rows_in(std::chrono::milliseconds time, const FeatureSpec& spec) {
    return std::max<std::size_t>(1, whole_rows_in(time, spec));
}

/// Of a row, from where its hop begins to the last sample that it depends on.
std::int64_t reach_samples(const FeatureSpec& spec) {
    const int before = spec.padding == Padding::Centre ? spec.frame_samples / 2 : 0;
    return static_cast<std::int64_t>(spec.lookahead_rows()) * spec.hop_samples +
           spec.frame_samples - before + static_cast<std::int64_t>(spec.lookahead_samples());
}

float block_seconds(const FeatureSpec& spec) {
    return static_cast<float>(spec.hop_samples) / static_cast<float>(spec.sample_rate_hz);
}

float to_dbfs(double mean_square) {
    constexpr double kDigitalSilence = 1e-12;  // -120 dBFS
    return static_cast<float>(10.0 * std::log10(std::max(mean_square, kDigitalSilence)));
}

/// Rounded up, so that what is counted in other units is there.
std::size_t lookback_rows(const WindowOptions& options, const FeatureSpec& spec) {
    return options.lookback.count() == 0 ? 0 : whole_rows_in(options.lookback, spec) + 1;
}

const WindowOptions& validated(const WindowOptions& options) {
    options.validate();
    return options;
}

const VoiceOptions& validated(const VoiceOptions& options) {
    options.validate();
    return options;
}

}  // namespace

void VoiceOptions::validate() const {
    if (!(off > 0.0F && off <= on && on < 1.0F)) {
        throw std::invalid_argument("voice needs 0 < off <= on < 1, got off " +
                                    std::to_string(off) + " and on " + std::to_string(on));
    }
    if (hangover.count() < 0 || hangover > std::chrono::seconds(10)) {
        throw std::invalid_argument("the hangover of voice must be 0 to 10000 ms, got " +
                                    std::to_string(hangover.count()) + " ms");
    }
}

void WindowOptions::validate() const {
    const auto require = [](bool holds, const char* what, std::chrono::milliseconds got) {
        if (!holds) {
            throw std::invalid_argument(std::string(what) + ", got " + std::to_string(got.count()) +
                                        " ms");
        }
    };
    using std::chrono::milliseconds;
    require(length >= milliseconds(100) && length <= milliseconds(60000),
            "the window length must be 100 to 60000 ms", length);
    require(hop >= milliseconds(10) && hop <= length, "the hop must be 10 ms to the window length",
            hop);
    require(first >= milliseconds(100) && first <= length,
            "the first window must be 100 ms to the window length", first);
    require(phase >= milliseconds(0) && phase < hop, "the phase must be 0 to less than the hop",
            phase);
    require(lookback >= milliseconds(0) && lookback <= milliseconds(10000),
            "the lookback must be 0 to 10000 ms", lookback);
}

WindowStream::WindowStream(const FeatureSpec& spec, int capture_rate_hz,
                           const WindowOptions& options, const VoiceDetector::Weights* voice,
                           const VoiceOptions& voice_options)
    : WindowStream(RowAnalysis(spec, voice), capture_rate_hz, options, voice_options) {}

WindowStream::WindowStream(const RowAnalysis& analysis, int capture_rate_hz,
                           const WindowOptions& options, const VoiceOptions& voice_options)
    : capture_rate_hz_(capture_rate_hz),
      resampler_(capture_rate_hz, analysis.frames->spec().sample_rate_hz),
      extractor_(analysis.frames),
      window_(spec().num_features(), rows_in(validated(options).length, spec()),
              rows_in(options.hop, spec()), rows_in(options.first, spec()),
              options.phase.count() == 0 ? 0 : rows_in(options.phase, spec()),
              lookback_rows(options, spec())),
      gate_({}, block_seconds(spec())),
      detector_(analysis.voice),
      voice_options_(validated(voice_options)),
      hangover_rows_(whole_rows_in(voice_options.hangover, spec())),
      // Savitzky-Golay's first rows come later than they look ahead.
      blocks_(rows_in(options.length, spec()) + lookback_rows(options, spec()) +
              spec().lookahead_rows() +
              (static_cast<std::size_t>(reach_samples(spec())) + kRunSamples) /
                  static_cast<std::size_t>(spec().hop_samples) +
              3),
      // A centred row may be there before its hop is over, and takes the level of the one before.
      block_lag_(reach_samples(spec()) < spec().hop_samples ? 1 : 0) {
    voiced_.resize(blocks_.size());
}

void WindowStream::restart(std::uint64_t first_sample) {
    resampler_.reset();
    extractor_.reset();
    window_.reset();
    gate_.reset();
    if (detector_) {
        detector_->reset();
    }
    rows_below_ = 0;
    is_voiced_ = false;
    num_rows_ = 0;
    origin_ = first_sample;
    pushed_ = 0;
    num_blocks_ = 0;
    block_energy_ = 0.0;
    block_fill_ = 0;
    std::ranges::fill(blocks_, Block{});
    std::ranges::fill(voiced_, char{0});
}

void WindowStream::end_block() {
    const double mean_square = block_energy_ / block_fill_;
    blocks_[num_blocks_ % blocks_.size()] = {static_cast<float>(mean_square),
                                             gate_.is_voiced(to_dbfs(mean_square))};
    ++num_blocks_;
    block_energy_ = 0.0;
    block_fill_ = 0;
}

/// Null where there is none: of the last row of a centred stream, whose end cut its hop short.
const WindowStream::Block* WindowStream::block_of(std::uint64_t row) const {
    const std::uint64_t block = row - block_lag_;  // of the first row none, then
    return block < num_blocks_ ? &blocks_[block % blocks_.size()] : nullptr;
}

VoiceRow WindowStream::judge(std::span<const float> row) {
    const std::uint64_t index = num_rows_++;
    VoiceRow told{index, 0.0F, false};
    if (detector_) {
        told.speech = detector_->push(row);
        rows_below_ = told.speech < voice_options_.off ? rows_below_ + 1 : 0;
        is_voiced_ =
            told.speech >= voice_options_.on || (is_voiced_ && rows_below_ <= hangover_rows_);
        told.voiced = is_voiced_;
    } else {
        const Block* block = block_of(index);
        told.voiced = block != nullptr && block->voiced;
        told.speech = told.voiced ? 1.0F : 0.0F;
    }
    voiced_[index % voiced_.size()] = told.voiced ? 1 : 0;
    return told;
}

std::uint64_t WindowStream::sample_of_row(std::uint64_t row) const {
    return capture_index(static_cast<std::int64_t>(row) * spec().hop_samples);
}

void WindowStream::measure_levels(std::span<const float> samples) {
    pushed_ += samples.size();
    for (const float sample : samples) {
        block_energy_ += static_cast<double>(sample) * sample;
        if (++block_fill_ == spec().hop_samples) {
            end_block();
        }
    }
}

std::uint64_t WindowStream::capture_index(std::int64_t model_sample) const {
    const auto within = static_cast<std::uint64_t>(
        std::clamp<std::int64_t>(model_sample, 0, static_cast<std::int64_t>(pushed_)));
    return origin_ + within * static_cast<std::uint64_t>(capture_rate_hz_) /
                         static_cast<std::uint64_t>(spec().sample_rate_hz);
}

FeatureWindow WindowStream::describe(const SlidingWindow::View& view) const {
    const auto hop = static_cast<std::int64_t>(spec().hop_samples);
    const std::int64_t before = spec().padding == Padding::Centre ? spec().frame_samples / 2 : 0;
    const auto ahead = static_cast<std::int64_t>(spec().lookahead_rows());
    const auto behind = static_cast<std::int64_t>(spec().lookbehind_rows());
    const auto first_row = static_cast<std::int64_t>(view.first_row);
    const auto last_row = first_row + static_cast<std::int64_t>(view.num_rows) - 1;

    FeatureWindow window;
    window.rows = view.rows;
    window.num_rows = view.num_rows;
    window.first_row = view.first_row;
    // Deltas reach as far back as ahead, over all that a row needs; what else needs earlier rows
    // needs no more of them than their frame.
    window.start_sample = capture_index(
        std::min((first_row - ahead) * hop - static_cast<std::int64_t>(spec().lookbehind_samples()),
                 (first_row - behind) * hop) -
        before);
    window.end_sample = capture_index(last_row * hop + reach_samples(spec()));

    double mean_square = 0.0;
    std::size_t voiced = 0;
    std::size_t blocks = 0;
    for (std::uint64_t row = view.first_row; row < view.first_row + view.num_rows; ++row) {
        if (const Block* block = block_of(row)) {
            mean_square += block->mean_square;
            voiced += voiced_[row % voiced_.size()] != 0 ? 1U : 0U;
            ++blocks;
        }
    }
    if (blocks > 0) {
        window.level_dbfs = to_dbfs(mean_square / static_cast<double>(blocks));
        window.voiced = static_cast<float>(voiced) / static_cast<float>(blocks);
    } else {
        window.level_dbfs = to_dbfs(0.0);
    }
    return window;
}

}  // namespace emotiond::dsp
