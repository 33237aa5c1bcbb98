#include "dsp/real_fft.hpp"

#include <fftw3.h>

#include <algorithm>
#include <mutex>
#include <new>

namespace emotiond::dsp {
namespace {

std::mutex& planner_mutex() {
    static std::mutex mutex;
    return mutex;
}

}  // namespace

RealFft::RealFft(std::size_t size)
    : size_(size),
      input_(fftwf_alloc_real(size)),
      output_(reinterpret_cast<float*>(fftwf_alloc_complex(size / 2 + 1))) {
    if (input_ == nullptr || output_ == nullptr) {
        throw std::bad_alloc();
    }
    {
        const std::scoped_lock lock(planner_mutex());
        // ESTIMATE picks by rule and not by stopwatch: two processes on one machine then compute
        // the same bits, so a stream can be compared with its file.
        plan_ = fftwf_plan_dft_r2c_1d(static_cast<int>(size), input_,
                                      reinterpret_cast<fftwf_complex*>(output_),
                                      FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    }
    std::fill_n(input_, size_, 0.0F);
}

RealFft::~RealFft() {
    {
        const std::scoped_lock lock(planner_mutex());
        fftwf_destroy_plan(plan_);
    }
    fftwf_free(input_);
    fftwf_free(output_);
}

std::span<const float> RealFft::execute() {
    fftwf_execute(plan_);
    return {output_, 2 * (size_ / 2 + 1)};
}

}  // namespace emotiond::dsp
