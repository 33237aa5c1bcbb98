#pragma once

#include <string_view>

namespace emotiond::daemon {

/// Of CMakeLists.txt.
inline constexpr std::string_view kVersion = EMOTIOND_VERSION;

}  // namespace emotiond::daemon
