#pragma once

#include <algorithm>
#include <string>

namespace emotiond::daemon {

/// On one line and without escapes for the terminal: what strangers wrote into a bundle goes into
/// logs.
inline std::string printable(std::string text) {
    std::ranges::replace_if(
        text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
    return text;
}

}  // namespace emotiond::daemon
