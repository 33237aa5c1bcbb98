#pragma once

#include <cstddef>
#include <span>
#include <vector>

struct fftwf_plan_s;

namespace emotiond::dsp {

/// Forward real transform of a fixed even size in buffers it owns: FFTW's complex one of half the
/// size, single precision, whose plan FFTW chooses better than that of its real one.
/// Construction takes a process-wide lock (FFTW's planner is not thread-safe) and may take
/// milliseconds; execute() is real-time safe. Not thread-safe.
class RealFft {
 public:
    explicit RealFft(std::size_t size);
    ~RealFft();
    RealFft(const RealFft&) = delete;
    RealFft& operator=(const RealFft&) = delete;

    /// [size], zero after construction.
    [[nodiscard]] std::span<float> input() { return {input_, size_}; }
    /// Reads input(); returns re, im interleaved: [size/2 + 1][2].
    std::span<const float> execute();

 private:
    std::size_t size_;
    float* input_;
    float* half_;                  ///< [size/2][2]
    std::vector<float> twiddles_;  ///< [2][size/2 + 1]
    std::vector<float> work_;      ///< [2][size/2 + 1]
    std::vector<float> output_;    ///< [size/2 + 1][2]
    fftwf_plan_s* plan_;
};

}  // namespace emotiond::dsp
