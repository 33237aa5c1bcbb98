#include "dsp/pitch_estimator.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "dsp/kernels.hpp"

namespace emotiond::dsp {
namespace {

constexpr std::size_t kNumThresholds = 100;

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

}  // namespace

PitchEstimator::PitchEstimator(const FeatureSpec& spec)
    : rate_hz_(spec.sample_rate_hz),
      kind_(spec.f0_difference),
      min_period_(static_cast<std::size_t>(std::floor(rate_hz_ / spec.f0_high_hz))),
      max_period_(static_cast<std::size_t>(std::ceil(rate_hz_ / spec.f0_low_hz))),
      fft_(fast_fft_size(static_cast<std::size_t>(spec.f0_frame_samples) + max_period_)),
      power_(fft_.input().size() / 2 + 1),
      differences_(max_period_ - min_period_ + 1),
      voicing_(make_voicing()) {}

void PitchEstimator::normalised_difference(std::span<const float> frame) {
    const bool overlap = kind_ == F0Difference::Overlap;
    const auto size = static_cast<double>(frame.size());
    // An offset cancels out of differences between samples, but costs digits on the way.
    const float mean =
        overlap ? kernels::sum(frame.data(), frame.size()) / static_cast<float>(size) : 0.0F;
    const std::span<float> samples = fft_.input();
    const auto end = std::ranges::transform(frame, samples.begin(), [mean](float sample) {
                         return sample - mean;
                     }).out;
    std::ranges::fill(end, samples.end(), 0.0F);
    std::span<const float> spectrum = fft_.execute();
    kernels::power_spectrum(spectrum.data(), power_.size(), power_.data());
    // The transform of a spectrum that is real and even is its inverse transform, but for the
    // scale.
    kernels::unfold(power_.data(), power_.size(), samples.data());
    spectrum = fft_.execute();

    const double scale = 1.0 / static_cast<double>(samples.size());
    const double energy = spectrum[0] * scale;
    double first = 0.0;  // the energy of the first k samples, on which no shifted one lies
    double last = 0.0;   // of the last k, which the shifted frame lacks
    double sum = 0.0;
    for (std::size_t k = 1; k <= max_period_; ++k) {
        const double entering = frame[k - 1] - mean;
        const double leaving = frame[frame.size() - k] - mean;
        first += entering * entering;
        last += leaving * leaving;
        double difference = 2.0 * (energy - spectrum[2 * k] * scale) - first;
        if (overlap) {
            difference = (difference - last) * size / (size - static_cast<double>(k));
        }
        sum += difference;
        if (k >= min_period_) {
            differences_[k - min_period_] =
                sum > 0.0 ? static_cast<float>(difference * static_cast<double>(k) / sum) : 0.0F;
        }
    }
}

PitchEstimator::Pitch PitchEstimator::estimate(std::span<const float> frame) {
    constexpr float kEnough = 0.1F;
    normalised_difference(frame);
    const std::span<const float> d = differences_;
    const std::size_t last = d.size() - 1;

    std::size_t lowest = 0;
    std::size_t first_trough = d.size();
    std::size_t deepest_trough = d.size();
    for (std::size_t i = 0; i <= last; ++i) {
        if (d[i] < d[lowest]) {
            lowest = i;
        }
        const bool falls = i == 0 || d[i] < d[i - 1];
        const bool rises = i == last || (i == 0 ? d[i] < d[i + 1] : d[i] <= d[i + 1]);
        if (!falls || !rises) {
            continue;
        }
        if (first_trough == d.size() && d[i] < kEnough) {
            first_trough = i;
        }
        if (deepest_trough == d.size() || d[i] < d[deepest_trough]) {
            deepest_trough = i;
        }
    }

    const std::size_t at = first_trough < d.size() ? first_trough : lowest;
    double shift = 0.0;
    if (at > 0 && at < last) {
        const double curvature = static_cast<double>(d[at + 1]) + d[at - 1] - 2.0 * d[at];
        const double slope = (static_cast<double>(d[at + 1]) - d[at - 1]) / 2.0;
        if (std::abs(slope) < std::abs(curvature)) {
            shift = -slope / curvature;
        }
    }
    float voicing = 0.0F;
    if (deepest_trough < d.size()) {
        const float height = std::clamp(d[deepest_trough], 0.0F, 1.0F);
        voicing = voicing_[static_cast<std::size_t>(height * static_cast<float>(kNumThresholds))];
    }
    return {static_cast<float>(rate_hz_ / (static_cast<double>(min_period_ + at) + shift)),
            voicing};
}

}  // namespace emotiond::dsp
