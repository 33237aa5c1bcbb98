#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/feature_spec.hpp"

namespace emotiond::dsp {

/// Appends deltas and accelerations to static rows. A row leaves when the rows that it looks ahead
/// to have come (FeatureSpec::lookahead_rows; Savitzky-Golay's first rows wait for a whole window),
/// or at the end. A stream shorter than one Savitzky-Golay window has deltas of zero.
///
///     push(row), then next(out) until it is false; at the end finish(), then the same.
///
/// Real-time safe after construction: no allocation, no lock. Not thread-safe.
/// Source: Young et al., The HTK Book, 5.9 (regression); Savitzky & Golay 1964, as
/// scipy.signal.savgol_filter(mode="interp") with polyorder = deriv (librosa.feature.delta).
class DeltaRows {
 public:
    explicit DeltaRows(const FeatureSpec& spec);

    /// row: [num_static]. Take all that next() gives before the next push().
    void push(std::span<const float> row);
    /// No more rows will come; next() then gives the rest.
    void finish() { finished_ = true; }
    /// The next complete row into out: [num_features]; false when there is none yet.
    bool next(std::span<float> out);
    /// As after construction; no row is left in memory.
    void reset();

 private:
    /// A ring of the latest rows, addressed by the index of the row in the stream.
    struct Rows {
        std::vector<float> values;
        std::int64_t count = 0;
    };
    [[nodiscard]] std::span<float> at(Rows& rows, std::int64_t index) const;
    bool derive(Rows& from, Rows& to, const std::vector<float>& taps);

    std::int64_t num_static_;
    std::int64_t depth_;
    std::int64_t half_width_;
    DeltaKind kind_;
    std::array<std::vector<float>, 2> taps_;  ///< per order; empty when it is not asked for
    Rows statics_;
    std::array<Rows, 2> derived_;
    std::int64_t emitted_ = 0;
    bool finished_ = false;
};

}  // namespace emotiond::dsp
