#pragma once

#include <pthread.h>

namespace emotiond::daemon {

/// Names the calling thread for `top -H`, `perf` and debuggers. At most 15 characters; a longer
/// name is not taken.
inline void name_this_thread(const char* name) {
    pthread_setname_np(pthread_self(), name);
}

}  // namespace emotiond::daemon
