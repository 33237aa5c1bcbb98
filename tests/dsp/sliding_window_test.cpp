#include "dsp/sliding_window.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace emotiond::dsp {
namespace {

constexpr std::size_t kNumFeatures = 3;

/// A window kept beyond its view; rows are told apart by their values.
struct Window {
    std::uint64_t first_row = 0;
    std::vector<float> rows;

    bool operator==(const Window&) const = default;
};

std::vector<float> row_of(std::uint64_t index) {
    const auto value = static_cast<float>(index);
    return {value, value + 0.25F, value + 0.5F};
}

Window window_of(std::uint64_t begin, std::uint64_t end) {
    Window window{begin, {}};
    for (std::uint64_t index = begin; index < end; ++index) {
        const std::vector<float> row = row_of(index);
        window.rows.insert(window.rows.end(), row.begin(), row.end());
    }
    return window;
}

std::vector<Window> windows_of(SlidingWindow& sliding, std::uint64_t num_rows) {
    std::vector<Window> windows;
    const auto keep = [&](const SlidingWindow::View& view) {
        EXPECT_EQ(view.rows.size(), view.num_rows * kNumFeatures);
        windows.push_back({view.first_row, {view.rows.begin(), view.rows.end()}});
    };
    for (std::uint64_t index = 0; index < num_rows; ++index) {
        sliding.push(row_of(index), keep);
    }
    sliding.finish(keep);
    return windows;
}

TEST(SlidingWindow, GivesWhatItsDrawingShows) {
    SlidingWindow sliding(kNumFeatures, 6, 2, 4);
    EXPECT_THAT(windows_of(sliding, 9), testing::ElementsAre(window_of(0, 4), window_of(0, 6),
                                                             window_of(2, 8), window_of(3, 9)));
}

TEST(SlidingWindow, GivesNothingTwiceAtTheEnd) {
    SlidingWindow sliding(kNumFeatures, 6, 2, 4);
    EXPECT_THAT(windows_of(sliding, 6), testing::ElementsAre(window_of(0, 4), window_of(0, 6)));
}

TEST(SlidingWindow, GivesAStreamShorterThanItsMinimumAtTheEnd) {
    SlidingWindow sliding(kNumFeatures, 6, 2, 4);
    EXPECT_THAT(windows_of(sliding, 3), testing::ElementsAre(window_of(0, 3)));
}

TEST(SlidingWindow, GivesNothingOfAnEmptyStream) {
    SlidingWindow sliding(kNumFeatures, 6, 2, 4);
    EXPECT_THAT(windows_of(sliding, 0), testing::IsEmpty());
}

TEST(SlidingWindow, OwesAShortStreamItsWindowAfterALongOne) {
    SlidingWindow sliding(kNumFeatures, 6, 2, 4);
    windows_of(sliding, 9);
    sliding.reset();
    EXPECT_THAT(windows_of(sliding, 3), testing::ElementsAre(window_of(0, 3)));
}

TEST(SlidingWindow, AgreesWithKeepingAllRows) {
    for (const std::size_t length : {1U, 2U, 7U, 30U}) {
        for (const std::size_t hop : {1U, 3U, 10U, 40U}) {
            for (const std::size_t minimum : {std::size_t{1}, (length + 1) / 2, length}) {
                SCOPED_TRACE(testing::Message()
                             << "window " << length << " hop " << hop << " minimum " << minimum);
                constexpr std::uint64_t kNumRows = 205;
                std::vector<Window> expected;
                for (std::uint64_t end = 1; end <= kNumRows; ++end) {
                    if ((end % hop == 0 && end >= minimum) || end == kNumRows) {
                        expected.push_back(
                            window_of(end - std::min<std::uint64_t>(end, length), end));
                    }
                }
                SlidingWindow sliding(kNumFeatures, length, hop, minimum);
                EXPECT_EQ(windows_of(sliding, kNumRows), expected);
                sliding.reset();
                EXPECT_EQ(windows_of(sliding, kNumRows), expected) << "after reset()";
            }
        }
    }
}

TEST(SlidingWindow, EndsItsWindowsAPhaseBehindMultiplesOfTheHop) {
    SlidingWindow sliding(kNumFeatures, 6, 3, 4, 1);
    EXPECT_THAT(windows_of(sliding, 11), testing::ElementsAre(window_of(0, 4), window_of(1, 7),
                                                              window_of(4, 10), window_of(5, 11)));
}

Window span_of(const SlidingWindow& sliding, std::uint64_t first_row, std::uint64_t end_row) {
    const SlidingWindow::View view = sliding.span(first_row, end_row);
    EXPECT_EQ(view.rows.size(), view.num_rows * kNumFeatures);
    return {view.first_row, {view.rows.begin(), view.rows.end()}};
}

TEST(SlidingWindow, GivesAnyRowsThatItHolds) {
    constexpr std::uint64_t kWindow = 6;
    for (const std::uint64_t lookback : {0U, 1U, 4U, 9U}) {
        SlidingWindow sliding(kNumFeatures, kWindow, 2, 4, 0, lookback);
        for (std::uint64_t num_rows = 1; num_rows < 60; ++num_rows) {
            sliding.append(row_of(num_rows - 1));
            const std::uint64_t oldest = num_rows - std::min(num_rows, kWindow + lookback);
            for (std::uint64_t end = oldest; end <= num_rows; ++end) {
                for (std::uint64_t first = 0; first <= end; ++first) {
                    const std::uint64_t latest = end - std::min(end, kWindow);
                    EXPECT_EQ(span_of(sliding, first, end),
                              window_of(std::max({first, latest, oldest}), end));
                }
            }
            EXPECT_EQ(span_of(sliding, num_rows - 1, num_rows + 5),
                      window_of(num_rows - 1, num_rows));
            EXPECT_TRUE(span_of(sliding, num_rows, num_rows + 5).rows.empty());
            EXPECT_TRUE(span_of(sliding, 0, oldest).rows.empty());
        }
    }
}

TEST(SlidingWindow, HoldsAWholeWindowThatEndedTheLookbackAgo) {
    SlidingWindow sliding(kNumFeatures, 6, 2, 4, 0, 4);
    windows_of(sliding, 50);
    EXPECT_EQ(span_of(sliding, 0, 46), window_of(40, 46));
    EXPECT_EQ(span_of(sliding, 0, 45), window_of(40, 45));
    EXPECT_EQ(span_of(sliding, 43, 46), window_of(43, 46));
}

TEST(SlidingWindow, RefusesWhatCannotSlide) {
    EXPECT_THROW(SlidingWindow(0, 6, 2, 4), std::invalid_argument);
    EXPECT_THROW(SlidingWindow(3, 6, 0, 4), std::invalid_argument);
    EXPECT_THROW(SlidingWindow(3, 6, 2, 0), std::invalid_argument);
    EXPECT_THROW(SlidingWindow(3, 6, 2, 7), std::invalid_argument);
    EXPECT_THROW(SlidingWindow(3, 6, 2, 6, 2), std::invalid_argument);
    EXPECT_NO_THROW(SlidingWindow(3, 6, 2, 6, 1));
}

}  // namespace
}  // namespace emotiond::dsp
