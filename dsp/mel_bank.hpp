#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dsp/feature_spec.hpp"
#include "dsp/kernels.hpp"

namespace emotiond::dsp {

/// The triangular filters of a specification, each stored as the run of FFT bins it touches.
/// Real-time safe after construction, immutable.
class MelBank {
 public:
    explicit MelBank(const FeatureSpec& spec);

    /// power: [num_bins] from num_bins(), readable to its end.  out: [num_mels].
    void apply(std::span<const float> power, std::span<float> out) const;

    [[nodiscard]] std::size_t num_mels() const { return filters_.size(); }
    /// Bins of the power spectrum that apply() may read: fft_size/2 + 1 and padding, whose values
    /// do not matter as long as they are finite.
    [[nodiscard]] std::size_t num_bins() const { return num_bins_; }

 private:
    std::size_t num_bins_;
    std::vector<kernels::BinRun> filters_;
    std::vector<float> weights_;
};

}  // namespace emotiond::dsp
