#pragma once

#include <cstddef>
#include <span>
#include <vector>

struct fftwf_plan_s;

namespace emotiond::dsp {

/// Convolution of whole recordings with a fixed response: overlap-add by FFTW, single precision.
/// A response of a second on four seconds of 16 kHz takes a few milliseconds.
/// Construction takes a process-wide lock (FFTW's planner); convolve() allocates, and several
/// threads may call it at once.
class Convolution {
 public:
    /// response: [length], at least one sample. Throws std::invalid_argument where it is empty.
    explicit Convolution(std::span<const float> response);
    ~Convolution();
    Convolution(Convolution&& other) noexcept;
    Convolution& operator=(Convolution&&) = delete;
    Convolution(const Convolution&) = delete;
    Convolution& operator=(const Convolution&) = delete;

    [[nodiscard]] std::size_t length() const { return length_; }
    /// out[n] = sum over k of response[k] samples[n - k]: [samples + length - 1]; empty of an empty
    /// input.
    [[nodiscard]] std::vector<float> convolve(std::span<const float> samples) const;

 private:
    std::size_t length_;
    std::size_t fft_size_;
    std::vector<float> spectrum_;  ///< of the response, over fft_size_: [fft_size/2 + 1][2]
    fftwf_plan_s* forward_ = nullptr;
    fftwf_plan_s* backward_ = nullptr;
};

}  // namespace emotiond::dsp
