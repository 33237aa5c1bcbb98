#include "dsp/fftw_planner.hpp"

namespace emotiond::dsp {

std::mutex& fftw_planner_mutex() {
    static std::mutex mutex;
    return mutex;
}

}  // namespace emotiond::dsp
