#include "dsp/sliding_window.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace emotiond::dsp {

SlidingWindow::SlidingWindow(std::size_t num_features, std::size_t window_rows,
                             std::size_t hop_rows, std::size_t min_rows, std::size_t phase_rows,
                             std::size_t lookback_rows)
    : num_features_(num_features),
      window_rows_(window_rows),
      held_rows_(window_rows + lookback_rows),
      hop_rows_(hop_rows),
      min_rows_(min_rows),
      phase_rows_(phase_rows),
      rows_(2 * held_rows_ * num_features) {
    if (num_features == 0 || hop_rows == 0 || min_rows == 0 || min_rows > window_rows ||
        phase_rows >= hop_rows) {
        throw std::invalid_argument(
            "sliding window: features, hop and minimum must be at least 1, the minimum at most the "
            "window and the phase less than the hop, got window " +
            std::to_string(window_rows) + ", hop " + std::to_string(hop_rows) + ", minimum " +
            std::to_string(min_rows) + ", phase " + std::to_string(phase_rows) + " rows of " +
            std::to_string(num_features));
    }
}

void SlidingWindow::reset() {
    num_rows_ = 0;
    covered_ = 0;
    end_ = 0;
    std::ranges::fill(rows_, 0.0F);
}

void SlidingWindow::append(std::span<const float> row) {
    if (end_ == rows_.size()) {
        // One move of all rows that are held in as many rows: a copy of one row per row.
        const auto kept = static_cast<std::ptrdiff_t>((held_rows_ - 1) * num_features_);
        std::copy(rows_.end() - kept, rows_.end(), rows_.begin());
        end_ = static_cast<std::size_t>(kept);
    }
    std::ranges::copy(row, rows_.begin() + static_cast<std::ptrdiff_t>(end_));
    end_ += num_features_;
    ++num_rows_;
}

SlidingWindow::View SlidingWindow::span(std::uint64_t first_row, std::uint64_t end_row) const {
    const std::uint64_t oldest = num_rows_ - std::min<std::uint64_t>(num_rows_, held_rows_);
    const std::uint64_t end = std::clamp(end_row, oldest, num_rows_);
    const std::uint64_t first = std::clamp(
        first_row, std::max(oldest, end - std::min<std::uint64_t>(end, window_rows_)), end);
    const auto count = static_cast<std::size_t>(end - first);
    const auto behind = static_cast<std::size_t>(num_rows_ - first);  // rows from the first on
    return {{rows_.data() + end_ - behind * num_features_, count * num_features_}, count, first};
}

}  // namespace emotiond::dsp
