#include "model/smoother.hpp"

#include <algorithm>
#include <cmath>

namespace emotiond::model {
namespace {

/// A score of zero would bar its label for ever.
constexpr float kLeastScore = 1e-6F;

}  // namespace

Smoother::Smoother(const Options& options, std::size_t num_labels, float uncertain_below)
    : options_(options),
      uncertain_below_(uncertain_below),
      log_scores_(num_labels),
      scores_(num_labels) {}

Smoother::Steady Smoother::step(std::span<const float> scores,
                                std::chrono::milliseconds end) noexcept {
    const bool is_first = !last_end_ || end - *last_end_ > options_.memory;
    if (options_.time_constant.count() == 0) {
        std::ranges::copy(scores, scores_.begin());
    } else {
        float share = 1.0F;  // of this window in the mean
        if (!is_first) {
            const std::chrono::duration<float> elapsed = end - *last_end_;
            const std::chrono::duration<float> time_constant = options_.time_constant;
            share = -std::expm1(-elapsed / time_constant);
        }
        float sum = 0.0F;
        for (std::size_t i = 0; i < scores.size(); ++i) {
            const float log_score = std::log(std::max(scores[i], kLeastScore));
            log_scores_[i] += share * (log_score - log_scores_[i]);
            scores_[i] = std::exp(log_scores_[i]);
            sum += scores_[i];
        }
        for (float& score : scores_) {
            score /= sum;
        }
    }
    last_end_ = end;

    const auto best =
        static_cast<std::size_t>(std::distance(scores_.begin(), std::ranges::max_element(scores_)));
    if (is_first || scores_[best] - scores_[label_] >= options_.label_margin) {
        label_ = best;
    }
    const bool was_uncertain = !is_first && uncertain_;
    const float margin = was_uncertain ? options_.uncertain_margin : 0.0F;
    uncertain_ = uncertain_below_ > 0.0F && scores_[label_] < uncertain_below_ + margin;
    return {scores_, label_, uncertain_};
}

}  // namespace emotiond::model
