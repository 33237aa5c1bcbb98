#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dsp/complex_fft.hpp"

namespace emotiond::dsp {

/// Squared magnitudes of the discrete Fourier transform of a fixed even number of real samples, by
/// a complex transform of half the size. Construction as ComplexFft's; compute() is real-time safe.
/// Not thread-safe.
class PowerSpectrum {
 public:
    explicit PowerSpectrum(std::size_t size);

    /// [size], zero after construction; compute() keeps it.
    [[nodiscard]] std::span<float> input() { return fft_.input(); }
    /// Of input(), into out: [size/2 + 1].
    void compute(std::span<float> out);

 private:
    ComplexFft fft_;
    std::vector<float> twiddles_;  ///< [2][size/2 + 1]
    std::vector<float> work_;      ///< [2][size/2 + 1]
};

}  // namespace emotiond::dsp
