#include "dsp/convolution.hpp"

#include <fftw3.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>

#include "dsp/fftw_planner.hpp"

namespace emotiond::dsp {
namespace {

/// Aligned as FFTW's plans expect it, so that one plan serves the buffers of every call.
class FftwBuffer {
 public:
    explicit FftwBuffer(std::size_t size) : data_(fftwf_alloc_real(size)) {
        if (data_ == nullptr) {
            throw std::bad_alloc();
        }
    }
    ~FftwBuffer() { fftwf_free(data_); }
    FftwBuffer(const FftwBuffer&) = delete;
    FftwBuffer& operator=(const FftwBuffer&) = delete;

    [[nodiscard]] float* data() { return data_; }
    [[nodiscard]] fftwf_complex* complex() { return reinterpret_cast<fftwf_complex*>(data_); }

 private:
    float* data_;
};

std::size_t spectrum_floats(std::size_t fft_size) {
    return fft_size + 2;
}

/// x *= y, both [size] of re, im interleaved.
void multiply(float* x, const float* y, std::size_t size) {
    for (std::size_t i = 0; i < size; i += 2) {
        const float re = x[i] * y[i] - x[i + 1] * y[i + 1];
        x[i + 1] = x[i] * y[i + 1] + x[i + 1] * y[i];
        x[i] = re;
    }
}

}  // namespace

Convolution::Convolution(std::span<const float> response)
    : length_(response.size()),
      fft_size_(std::max<std::size_t>(1024, 2 * std::bit_ceil(response.size()))),
      spectrum_(spectrum_floats(fft_size_)) {
    if (response.empty()) {
        throw std::invalid_argument("convolution: the response must have at least one sample");
    }
    FftwBuffer time(fft_size_);
    FftwBuffer spectrum(spectrum_floats(fft_size_));
    {
        const std::scoped_lock lock(fftw_planner_mutex());
        const int size = static_cast<int>(fft_size_);
        // ESTIMATE does not depend on how busy the machine is: the same input gives the same bits.
        forward_ = fftwf_plan_dft_r2c_1d(size, time.data(), spectrum.complex(), FFTW_ESTIMATE);
        backward_ = fftwf_plan_dft_c2r_1d(size, spectrum.complex(), time.data(), FFTW_ESTIMATE);
    }
    std::fill_n(time.data(), fft_size_, 0.0F);
    // FFTW leaves out the division by the size.
    std::ranges::transform(response, time.data(),
                           [this](float sample) { return sample / static_cast<float>(fft_size_); });
    fftwf_execute_dft_r2c(forward_, time.data(), spectrum.complex());
    std::copy_n(spectrum.data(), spectrum_.size(), spectrum_.begin());
}

Convolution::~Convolution() {
    const std::scoped_lock lock(fftw_planner_mutex());
    fftwf_destroy_plan(forward_);
    fftwf_destroy_plan(backward_);
}

Convolution::Convolution(Convolution&& other) noexcept
    : length_(other.length_),
      fft_size_(other.fft_size_),
      spectrum_(std::move(other.spectrum_)),
      forward_(std::exchange(other.forward_, nullptr)),
      backward_(std::exchange(other.backward_, nullptr)) {}

std::vector<float> Convolution::convolve(std::span<const float> samples) const {
    if (samples.empty()) {
        return {};
    }
    std::vector<float> out(samples.size() + length_ - 1);
    FftwBuffer time(fft_size_);
    FftwBuffer spectrum(spectrum_floats(fft_size_));
    const std::size_t step = fft_size_ - length_ + 1;
    for (std::size_t at = 0; at < samples.size(); at += step) {
        const auto block = samples.subspan(at, std::min(step, samples.size() - at));
        std::ranges::copy(block, time.data());
        std::fill(time.data() + block.size(), time.data() + fft_size_, 0.0F);
        fftwf_execute_dft_r2c(forward_, time.data(), spectrum.complex());
        multiply(spectrum.data(), spectrum_.data(), spectrum_.size());
        fftwf_execute_dft_c2r(backward_, spectrum.complex(), time.data());
        const std::size_t made = block.size() + length_ - 1;
        for (std::size_t i = 0; i < made; ++i) {
            out[at + i] += time.data()[i];
        }
    }
    return out;
}

}  // namespace emotiond::dsp
