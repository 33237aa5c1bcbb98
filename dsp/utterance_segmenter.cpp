#include "dsp/utterance_segmenter.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace emotiond::dsp {
namespace {

const SegmenterOptions& validated(const SegmenterOptions& options) {
    options.validate();
    return options;
}

std::chrono::microseconds validated(std::chrono::microseconds row_duration) {
    if (row_duration.count() <= 0) {
        throw std::invalid_argument("a row must last longer than 0, got " +
                                    std::to_string(row_duration.count()) + " us");
    }
    return row_duration;
}

std::uint64_t rows_in(std::chrono::milliseconds time, std::chrono::microseconds row) {
    return static_cast<std::uint64_t>(std::chrono::microseconds(time) / row);
}

}  // namespace

void SegmenterOptions::validate() const {
    if (!(offset > 0.0F && offset <= onset && onset < 1.0F)) {
        throw std::invalid_argument("an utterance needs 0 < offset <= onset < 1, got " +
                                    std::to_string(offset) + " and " + std::to_string(onset));
    }
    const auto require = [](bool holds, const char* what, std::chrono::milliseconds got) {
        if (!holds) {
            throw std::invalid_argument(std::string(what) + ", got " + std::to_string(got.count()) +
                                        " ms");
        }
    };
    using std::chrono::milliseconds;
    require(min_speech >= milliseconds(10) && min_speech <= milliseconds(10000),
            "an utterance's least speech must be 10 to 10000 ms", min_speech);
    require(hangover >= milliseconds(10) && hangover <= milliseconds(10000),
            "an utterance's hangover must be 10 to 10000 ms", hangover);
    require(max_length >= milliseconds(1000) && max_length <= milliseconds(600000) &&
                max_length > min_speech + pre_roll,
            "an utterance's longest must be 1000 to 600000 ms and more than pre-roll and least "
            "speech",
            max_length);
    require(pre_roll >= milliseconds(0) && pre_roll <= milliseconds(10000),
            "an utterance's pre-roll must be 0 to 10000 ms", pre_roll);
}

UtteranceSegmenter::UtteranceSegmenter(const SegmenterOptions& options,
                                       std::chrono::microseconds row_duration)
    : onset_(validated(options).onset),
      offset_(options.offset),
      min_speech_rows_(
          std::max<std::uint64_t>(1, rows_in(options.min_speech, validated(row_duration)))),
      hangover_rows_(std::max<std::uint64_t>(1, rows_in(options.hangover, row_duration))),
      max_rows_(std::max<std::uint64_t>(1, rows_in(options.max_length, row_duration))),
      pre_roll_rows_(rows_in(options.pre_roll, row_duration)) {}

void UtteranceSegmenter::reset() {
    next_row_ = 0;
    free_from_ = 0;
    hears_ = false;
    goes_on_ = false;
}

std::optional<std::uint64_t> UtteranceSegmenter::open_since() const {
    // What was split off may be followed by nothing.
    const bool goes_on = goes_on_ && speech_end_ > begin_;
    if (hears_ && (goes_on || speech_rows_ >= min_speech_rows_)) {
        return begin_;
    }
    return {};
}

std::optional<Utterance> UtteranceSegmenter::end() {
    const auto begin = open_since();
    hears_ = false;
    goes_on_ = false;
    if (!begin) {
        return {};
    }
    free_from_ = speech_end_;
    return Utterance{*begin, speech_end_};
}

std::optional<Utterance> UtteranceSegmenter::accept(float speech) {
    const std::uint64_t row = next_row_++;
    if (!hears_ && speech >= onset_) {
        hears_ = true;
        speech_rows_ = 0;
        begin_ = std::max(free_from_, row - std::min(row, pre_roll_rows_));
    }
    if (!hears_) {
        return {};
    }
    if (speech >= offset_) {
        ++speech_rows_;
        speech_end_ = row + 1;
    } else if (row + 1 - speech_end_ >= hangover_rows_) {
        return end();
    }
    if (row + 1 - begin_ < max_rows_) {
        return {};
    }
    if (speech < offset_ || !open_since()) {
        return end();  // in a pause, or too little speech in all that time: nothing to split
    }
    free_from_ = row + 1;
    const Utterance first{begin_, free_from_};
    begin_ = free_from_;
    speech_rows_ = 0;
    speech_end_ = free_from_;
    goes_on_ = true;
    return first;
}

}  // namespace emotiond::dsp
