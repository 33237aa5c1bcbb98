#pragma once

#include <mutex>

namespace emotiond::dsp {

/// Held while FFTW makes or destroys a plan, anywhere in the process: its planner is not
/// thread-safe. Executing a plan needs no lock.
std::mutex& fftw_planner_mutex();

}  // namespace emotiond::dsp
