#include "dsp/real_fft.hpp"

#include <fftw3.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <new>
#include <numbers>

#include "dsp/fftw_planner.hpp"
#include "dsp/kernels.hpp"

namespace emotiond::dsp {
namespace {

/// [2][half_size + 1]: cos and -sin of pi k / half_size.
std::vector<float> make_twiddles(std::size_t half_size) {
    std::vector<float> twiddles(2 * (half_size + 1));
    for (std::size_t k = 0; k <= half_size; ++k) {
        const double angle =
            std::numbers::pi * static_cast<double>(k) / static_cast<double>(half_size);
        twiddles[k] = static_cast<float>(std::cos(angle));
        twiddles[half_size + 1 + k] = static_cast<float>(-std::sin(angle));
    }
    return twiddles;
}

}  // namespace

RealFft::RealFft(std::size_t size)
    : size_(size),
      input_(fftwf_alloc_real(size)),
      half_(fftwf_alloc_real(size)),
      twiddles_(make_twiddles(size / 2)),
      work_(twiddles_.size()),
      output_(twiddles_.size()) {
    if (input_ == nullptr || half_ == nullptr) {
        throw std::bad_alloc();
    }
    {
        const std::scoped_lock lock(fftw_planner_mutex());
        // ESTIMATE picks by rule and not by stopwatch: two processes on one machine then compute
        // the same bits, so a stream can be compared with its file.
        plan_ =
            fftwf_plan_dft_1d(static_cast<int>(size / 2), reinterpret_cast<fftwf_complex*>(input_),
                              reinterpret_cast<fftwf_complex*>(half_), FFTW_FORWARD,
                              FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    }
    std::fill_n(input_, size_, 0.0F);
}

RealFft::~RealFft() {
    {
        const std::scoped_lock lock(fftw_planner_mutex());
        fftwf_destroy_plan(plan_);
    }
    fftwf_free(input_);
    fftwf_free(half_);
}

std::span<const float> RealFft::execute() {
    fftwf_execute(plan_);
    kernels::join_halves(half_, twiddles_.data(), size_ / 2, work_.data(), output_.data());
    return output_;
}

}  // namespace emotiond::dsp
