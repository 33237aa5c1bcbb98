#include "dsp/pitch_estimator.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "dsp/kernels.hpp"

namespace emotiond::dsp {
namespace {

constexpr std::size_t kNumThresholds = 100;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The least size from `size` on that is 2^n, 5/4 or 3/2 of it: FFTW is fast with these.
std::size_t fast_fft_size(std::size_t size) {
    const std::size_t power_of_two = std::bit_ceil(std::max<std::size_t>(size, 16));
    for (const std::size_t eighths : {5U, 6U}) {
        if (power_of_two / 8 * eighths >= size) {
            return power_of_two / 8 * eighths;
        }
    }
    return power_of_two;
}

/// [kNumThresholds + 1]
std::vector<float> make_voicing() {
    constexpr double kWithoutTrough = 0.01;
    std::vector<float> voicing(kNumThresholds + 1);
    for (std::size_t i = 0; i <= kNumThresholds; ++i) {
        const double height = static_cast<double>(i) / static_cast<double>(kNumThresholds);
        // That a threshold from beta(2, 18) lies above: the cumulative binomial in closed form.
        const double above = std::pow(1.0 - height, 18.0) * (1.0 + 18.0 * height);
        voicing[i] = static_cast<float>(above + kWithoutTrough * (1.0 - above));
    }
    return voicing;
}

/// cos and sin of step i, for i < size: [2][size].
std::vector<float> make_circle(double step, std::size_t size) {
    std::vector<float> circle(2 * size);
    for (std::size_t i = 0; i < size; ++i) {
        const double angle = step * static_cast<double>(i);
        circle[i] = static_cast<float>(std::cos(angle));
        circle[size + i] = static_cast<float>(std::sin(angle));
    }
    return circle;
}

/// [4][num_lags]
std::vector<float> make_lag_twiddles(double step, std::size_t num_lags) {
    std::vector<float> twiddles = make_circle(step, num_lags);
    const std::vector<float> odd = make_circle(5.0 * step, num_lags);
    twiddles.insert(twiddles.end(), odd.begin(), odd.end());
    return twiddles;
}

/// Room for the frame and its largest lag in zeros, and for that in a quarter.
std::size_t transform_size(std::size_t frame_samples, std::size_t max_period) {
    return fast_fft_size(std::max(frame_samples + max_period, 4 * (max_period + 1)));
}

}  // namespace

PitchEstimator::PitchEstimator(const FeatureSpec& spec)
    : rate_hz_(spec.sample_rate_hz),
      kind_(spec.f0_difference),
      min_period_(static_cast<std::size_t>(std::floor(rate_hz_ / spec.f0_high_hz))),
      max_period_(static_cast<std::size_t>(std::ceil(rate_hz_ / spec.f0_low_hz))),
      forward_(transform_size(static_cast<std::size_t>(spec.f0_frame_samples), max_period_) / 2),
      backward_(forward_.size() / 2),
      work_(2 * (backward_.size() + 1)),
      autocorrelation_(max_period_ + 1),
      sums_(2 * (kernels::kLanes + max_period_)),
      differences_(max_period_),
      troughs_(max_period_ - min_period_ + 1),
      voicing_(make_voicing()) {
    const double step = std::numbers::pi / static_cast<double>(2 * forward_.size());
    fold_twiddles_ = make_circle(step, forward_.size());
    lag_twiddles_ = make_lag_twiddles(step, autocorrelation_.size());
}

void PitchEstimator::autocorrelate(std::span<const float> frame, float mean) {
    kernels::fold_for_odd_bins(frame.data(), frame.size(), mean, fold_twiddles_.data(),
                               forward_.size(), forward_.input().data());
    const std::span<const float> odd_bins = forward_.execute();
    kernels::power_spectrum(odd_bins.data(), forward_.size(), backward_.input().data());
    kernels::autocorrelation_of_odd_bins(backward_.execute().data(), lag_twiddles_.data(),
                                         backward_.size(), autocorrelation_.size(), work_.data(),
                                         autocorrelation_.data());
}

PitchEstimator::Pitch PitchEstimator::estimate(std::span<const float> frame) {
    constexpr float kEnough = 0.1F;
    const bool overlap = kind_ == F0Difference::Overlap;
    // An offset cancels out of differences between samples, but costs digits on the way.
    const float mean =
        overlap ? kernels::sum(frame.data(), frame.size()) / static_cast<float>(frame.size())
                : 0.0F;
    autocorrelate(frame, mean);
    kernels::normalised_difference(frame.data(), frame.size(), mean, autocorrelation_.data(),
                                   0.5 / static_cast<double>(forward_.size()), overlap, max_period_,
                                   sums_.data(), differences_.data());
    const std::span<const float> d = std::span(differences_).subspan(min_period_ - 1);
    kernels::troughs(d.data(), d.size(), troughs_.data());
    const float deepest = kernels::least(troughs_.data(), troughs_.size(), -kInfinity);

    const auto period =
        deepest < kEnough
            ? std::ranges::find_if(troughs_, [](float trough) { return trough < kEnough; }) -
                  troughs_.begin()
            : std::ranges::find(d, kernels::least(d.data(), d.size(), -kInfinity)) - d.begin();
    const std::size_t last = d.size() - 1;
    const std::size_t at = std::min(static_cast<std::size_t>(period), last);
    double shift = 0.0;
    if (at > 0 && at < last) {
        const double curvature = static_cast<double>(d[at + 1]) + d[at - 1] - 2.0 * d[at];
        const double slope = (static_cast<double>(d[at + 1]) - d[at - 1]) / 2.0;
        if (std::abs(slope) < std::abs(curvature)) {
            shift = -slope / curvature;
        }
    }
    float voicing = 0.0F;
    if (std::isfinite(deepest)) {
        const float height = std::clamp(deepest, 0.0F, 1.0F);
        voicing = voicing_[static_cast<std::size_t>(height * static_cast<float>(kNumThresholds))];
    }
    return {static_cast<float>(rate_hz_ / (static_cast<double>(min_period_ + at) + shift)),
            voicing};
}

}  // namespace emotiond::dsp
