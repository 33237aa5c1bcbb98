#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace emotiond::dsp {

/// Overlapping windows over a stream of rows. Each row is stored once and shared by all windows
/// that cover it; a window is a view, not a copy.
///
///     rows      r0 r1 r2 r3 r4 r5 r6 r7 r8 ...        window 6, hop 2, min 4
///     windows   [---------)                            r0..r3: the start of a stream is not
///               [---------------)                      r0..r5    waited through
///                     [---------------)                r2..r7
///
/// Windows end at multiples of the hop, or `phase_rows` behind them; the first that holds min_rows
/// is given, and at the end of the stream one more for the rows that none has covered yet.
/// Real-time safe after construction: no allocation, no lock. Not thread-safe.
class SlidingWindow {
 public:
    struct View {
        std::span<const float> rows;  ///< [num_rows][num_features], valid until the next push()
        std::size_t num_rows = 0;
        std::uint64_t first_row = 0;  ///< index in the stream
    };

    /// lookback_rows: so many rows are held before those of the latest window, for span().
    /// Throws std::invalid_argument unless 1 <= hop_rows, 1 <= min_rows <= window_rows and
    /// phase_rows < hop_rows.
    SlidingWindow(std::size_t num_features, std::size_t window_rows, std::size_t hop_rows,
                  std::size_t min_rows, std::size_t phase_rows = 0, std::size_t lookback_rows = 0);

    /// row: [num_features]. on_window(const View&) is called when a window ends with this row.
    template <typename OnWindow>
    void push(std::span<const float> row, OnWindow&& on_window) {
        append(row);
        slide(on_window);
    }
    /// push() in two steps: between them span() has the row already.
    void append(std::span<const float> row);
    template <typename OnWindow>
    void slide(OnWindow&& on_window) {
        if (num_rows_ % hop_rows_ == phase_rows_ && num_rows_ >= min_rows_) {
            covered_ = num_rows_;
            on_window(latest());
        }
    }

    /// The end of the stream. Call reset() before the next.
    template <typename OnWindow>
    void finish(OnWindow&& on_window) {
        if (covered_ < num_rows_) {
            covered_ = num_rows_;
            on_window(latest());
        }
    }

    /// The last of the rows [first_row, end_row), window_rows of them at most, as far as they are
    /// held: all of them where end_row is no more than lookback_rows behind the latest row.
    [[nodiscard]] View span(std::uint64_t first_row, std::uint64_t end_row) const;

    /// As after construction; no row is left in memory.
    void reset();

 private:
    [[nodiscard]] View latest() const { return span(0, num_rows_); }

    std::size_t num_features_;
    std::size_t window_rows_;
    std::size_t held_rows_;
    std::size_t hop_rows_;
    std::size_t min_rows_;
    std::size_t phase_rows_;
    std::uint64_t num_rows_ = 0;
    std::uint64_t covered_ = 0;
    std::vector<float> rows_;  ///< [2 held_rows][num_features]; the newest row ends at end_
    std::size_t end_ = 0;
};

}  // namespace emotiond::dsp
