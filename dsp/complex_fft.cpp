#include "dsp/complex_fft.hpp"

#include <fftw3.h>

#include <algorithm>
#include <mutex>
#include <new>

#include "dsp/fftw_planner.hpp"

namespace emotiond::dsp {

ComplexFft::ComplexFft(std::size_t size)
    : size_(size), input_(fftwf_alloc_real(2 * size)), output_(fftwf_alloc_real(2 * size)) {
    if (input_ == nullptr || output_ == nullptr) {
        throw std::bad_alloc();
    }
    {
        const std::scoped_lock lock(fftw_planner_mutex());
        // ESTIMATE picks by rule and not by stopwatch: two processes on one machine then compute
        // the same bits, so a stream can be compared with its file.
        plan_ = fftwf_plan_dft_1d(static_cast<int>(size), reinterpret_cast<fftwf_complex*>(input_),
                                  reinterpret_cast<fftwf_complex*>(output_), FFTW_FORWARD,
                                  FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    }
    std::fill_n(input_, 2 * size_, 0.0F);
}

ComplexFft::~ComplexFft() {
    {
        const std::scoped_lock lock(fftw_planner_mutex());
        fftwf_destroy_plan(plan_);
    }
    fftwf_free(input_);
    fftwf_free(output_);
}

std::span<const float> ComplexFft::execute() {
    fftwf_execute(plan_);
    return {output_, 2 * size_};
}

}  // namespace emotiond::dsp
