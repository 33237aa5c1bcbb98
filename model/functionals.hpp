#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace emotiond::model {

/// What a level of 1 is in deltas: about their deviation in RAVDESS's rows.
inline constexpr float kDeltaUnit = 0.2F;

/// Deviations are the roots of at least this.
inline constexpr float kLeastVariance = 1e-3F;

/// Functionals of one window on the processor, in one pass over its rows where libtorch's operators
/// make sixty. FunctionalsImpl in network_kinds.cpp defines them and computes them by operators,
/// for other devices; a test holds one against the other.
class WindowFunctionals {
 public:
    struct Options {
        std::size_t num_features = 0;
        std::optional<std::size_t> voicing_column;
        float voiced_above = 0.0F;              ///< in the unit of the normalised column
        std::vector<std::size_t> follow_level;  ///< columns that lose their mean over the window
        std::size_t first_cepstrum = 0;
        std::size_t num_cepstra = 0;
        std::vector<float> bands;  ///< [num_cepstra][num_cepstra], from cepstra to bands
    };
    explicit WindowFunctionals(Options options);

    /// How many there are.
    [[nodiscard]] std::size_t size() const;

    /// rows: [num_rows][num_features], normalised; num_rows is at least 1.  out: [size()].
    /// Allocates; any number of threads.
    void compute(const float* rows, std::size_t num_rows, std::span<float> out) const;

 private:
    struct Sums;
    [[nodiscard]] std::vector<float> with_bands(const float* rows, std::size_t num_rows) const;
    [[nodiscard]] std::vector<float> voiced_rows(const float* rows, std::size_t num_rows) const;

    Options options_;
    std::size_t first_band_;           ///< column of a padded row
    std::size_t stride_;               ///< of padded rows
    std::vector<float> padded_bands_;  ///< [num_cepstra][num_cepstra, padded]
};

}  // namespace emotiond::model
