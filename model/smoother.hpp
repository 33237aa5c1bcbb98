#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace emotiond::model {

/// Steadies the answers to the windows of one stream: windows overlap and a network changes its
/// mind, but people do so less often.
///
///     scores ──> mean of their logarithms, older ones fade ──> softmax ──> label that has to be
///                                                                          beaten by a margin
///
/// One thread at a time. Real-time safe but for the constructor: no allocation, no lock.
class Smoother {
 public:
    struct Options {
        /// After it a window's share in the mean has faded to 1/e; 0: each window for itself.
        std::chrono::milliseconds time_constant{0};
        /// By which the probability of another label must lead to take the place of the last one.
        float label_margin = 0.0F;
        /// By which the confidence must pass the threshold to be no longer uncertain.
        float uncertain_margin = 0.0F;
        /// Behind windows further apart than this nothing is remembered.
        std::chrono::milliseconds memory{3000};
    };

    struct Steady {
        std::span<const float> scores;  ///< [num_labels], sums to 1; valid until the next call
        std::size_t label = 0;          ///< not always that of the highest score
        bool uncertain = false;
    };

    /// uncertain_below: as Bundle::uncertain_below.
    Smoother(const Options& options, std::size_t num_labels, float uncertain_below);

    /// scores: [num_labels], probabilities.  end: of the window, on the stream's clock.
    Steady step(std::span<const float> scores, std::chrono::milliseconds end) noexcept;

    /// The next window is the first one again: behind a hole, a pause, at a new utterance.
    void reset() noexcept { last_end_.reset(); }

 private:
    Options options_;
    float uncertain_below_;
    std::vector<float> log_scores_;  ///< their mean
    std::vector<float> scores_;
    std::size_t label_ = 0;
    bool uncertain_ = false;
    std::optional<std::chrono::milliseconds> last_end_;  ///< none: nothing is remembered
};

}  // namespace emotiond::model
