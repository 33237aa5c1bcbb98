#include "dsp/feature_extractor.hpp"

#include <algorithm>
#include <utility>

namespace emotiond::dsp {
namespace {

/// Samples taken in one gulp; larger ones move the unused tail less often.
constexpr std::size_t kGulpSamples = 1024;

}  // namespace

FeatureExtractor::FeatureExtractor(const FeatureSpec& spec)
    : FeatureExtractor(std::make_shared<FrameFeatures>(spec)) {}

FeatureExtractor::FeatureExtractor(std::shared_ptr<FrameFeatures> frame)
    : frame_(std::move(frame)),
      flux_(spec()),
      deltas_(spec()),
      span_samples_(spec().lookbehind_samples() + static_cast<std::size_t>(spec().frame_samples) +
                    spec().lookahead_samples()),
      static_row_(spec().num_static()),
      row_(spec().num_features()),
      buffer_(2 * span_samples_ + kGulpSamples) {
    start();
}

void FeatureExtractor::reset() {
    std::ranges::fill(buffer_, 0.0F);
    // Of silence: what the features of a frame work on is a part of the last frame too.
    frame_->compute({buffer_.data(), span_samples_}, flux_, static_row_);
    flux_.reset();
    deltas_.reset();
    std::ranges::fill(row_, 0.0F);
    start();
}

void FeatureExtractor::start() {
    begin_ = 0;
    end_ = spec().lookbehind_samples();
    empty_ = true;
    if (spec().padding == Padding::Centre) {
        end_ += static_cast<std::size_t>(spec().frame_samples) / 2;
    }
}

std::size_t FeatureExtractor::accept(std::span<const float> samples) {
    if (end_ == buffer_.size()) {
        const auto kept = std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                                    buffer_.end(), buffer_.begin());
        begin_ = 0;
        end_ = static_cast<std::size_t>(kept - buffer_.begin());
    }
    const std::size_t taken = std::min(samples.size(), buffer_.size() - end_);
    std::ranges::copy(samples.first(taken), buffer_.begin() + static_cast<std::ptrdiff_t>(end_));
    end_ += taken;
    empty_ = false;
    return taken;
}

void FeatureExtractor::begin_finish() {
    if (empty_) {
        return;
    }
    std::size_t missing = spec().lookahead_samples();
    if (spec().padding == Padding::Centre) {
        missing += static_cast<std::size_t>(spec().frame_samples) / 2;
    }
    while (missing > 0) {
        // Less than a span is left over, and the buffer holds two.
        static constexpr float kZeros[64] = {};
        missing -= accept({kZeros, std::min<std::size_t>(missing, 64)});
    }
}

bool FeatureExtractor::next_frame() {
    if (end_ - begin_ < span_samples_) {
        return false;
    }
    frame_->compute({buffer_.data() + begin_, span_samples_}, flux_, static_row_);
    deltas_.push(static_row_);
    begin_ += static_cast<std::size_t>(spec().hop_samples);
    return true;
}

}  // namespace emotiond::dsp
