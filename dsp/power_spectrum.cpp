#include "dsp/power_spectrum.hpp"

#include <cmath>
#include <numbers>

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

PowerSpectrum::PowerSpectrum(std::size_t size)
    : fft_(size / 2), twiddles_(make_twiddles(fft_.size())), work_(twiddles_.size()) {}

void PowerSpectrum::compute(std::span<float> out) {
    kernels::power_of_halves(fft_.execute().data(), twiddles_.data(), fft_.size(), work_.data(),
                             out.data());
}

}  // namespace emotiond::dsp
