#include "dsp/window_stream.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace emotiond::dsp {
namespace {

std::size_t rows_in(std::chrono::milliseconds time, const FeatureSpec& spec) {
    const std::int64_t samples = time.count() * spec.sample_rate_hz / 1000;
    return static_cast<std::size_t>(std::max<std::int64_t>(1, samples / spec.hop_samples));
}

float block_seconds(const FeatureSpec& spec) {
    return static_cast<float>(spec.hop_samples) / static_cast<float>(spec.sample_rate_hz);
}

float to_dbfs(double mean_square) {
    constexpr double kDigitalSilence = 1e-12;  // -120 dBFS
    return static_cast<float>(10.0 * std::log10(std::max(mean_square, kDigitalSilence)));
}

const WindowOptions& validated(const WindowOptions& options) {
    options.validate();
    return options;
}

}  // namespace

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
}

WindowStream::WindowStream(const FeatureSpec& spec, int capture_rate_hz,
                           const WindowOptions& options)
    : capture_rate_hz_(capture_rate_hz),
      resampler_(capture_rate_hz, spec.sample_rate_hz),
      extractor_(spec),
      window_(spec.num_features(), rows_in(validated(options).length, spec),
              rows_in(options.hop, spec), rows_in(options.first, spec)),
      gate_({}, block_seconds(spec)),
      blocks_(
          rows_in(options.length, spec) + spec.lookahead_rows() +
          (static_cast<std::size_t>(spec.frame_samples) + spec.lookahead_samples() + kRunSamples) /
              static_cast<std::size_t>(spec.hop_samples) +
          2) {}

void WindowStream::restart(std::uint64_t first_sample) {
    resampler_.reset();
    extractor_.reset();
    window_.reset();
    gate_.reset();
    origin_ = first_sample;
    pushed_ = 0;
    num_blocks_ = 0;
    block_energy_ = 0.0;
    block_fill_ = 0;
}

void WindowStream::end_block() {
    const double mean_square = block_energy_ / block_fill_;
    blocks_[num_blocks_ % blocks_.size()] = {static_cast<float>(mean_square),
                                             gate_.is_voiced(to_dbfs(mean_square))};
    ++num_blocks_;
    block_energy_ = 0.0;
    block_fill_ = 0;
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
    const auto frame = static_cast<std::int64_t>(spec().frame_samples);
    const std::int64_t before = spec().padding == Padding::Centre ? frame / 2 : 0;
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
    window.end_sample =
        capture_index((last_row + ahead) * hop + frame +
                      static_cast<std::int64_t>(spec().lookahead_samples()) - before);

    double mean_square = 0.0;
    std::size_t voiced = 0;
    std::size_t blocks = 0;
    for (std::int64_t row = first_row; row <= last_row; ++row) {
        if (static_cast<std::uint64_t>(row) >= num_blocks_) {
            break;  // the last hop of a centred stream, which its end cut short
        }
        const Block& block = blocks_[static_cast<std::size_t>(row) % blocks_.size()];
        mean_square += block.mean_square;
        voiced += block.voiced ? 1 : 0;
        ++blocks;
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
