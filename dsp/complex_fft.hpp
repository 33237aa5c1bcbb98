#pragma once

#include <cstddef>
#include <span>

struct fftwf_plan_s;

namespace emotiond::dsp {

/// Forward complex transform of a fixed size in buffers it owns: FFTW's, single precision. Real
/// transforms are made of it (PowerSpectrum, PitchEstimator), for FFTW chooses its plans better
/// than those of its real ones.
/// Construction takes a process-wide lock (FFTW's planner is not thread-safe) and may take
/// milliseconds; execute() is real-time safe. Not thread-safe.
class ComplexFft {
 public:
    explicit ComplexFft(std::size_t size);
    ~ComplexFft();
    ComplexFft(const ComplexFft&) = delete;
    ComplexFft& operator=(const ComplexFft&) = delete;

    [[nodiscard]] std::size_t size() const { return size_; }
    /// re, im interleaved: [size][2], zero after construction; execute() keeps it.
    [[nodiscard]] std::span<float> input() { return {input_, 2 * size_}; }
    /// Of input(), in the same form.
    std::span<const float> execute();

 private:
    std::size_t size_;
    float* input_;
    float* output_;
    fftwf_plan_s* plan_;
};

}  // namespace emotiond::dsp
