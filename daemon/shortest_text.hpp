#pragma once

#include <charconv>
#include <string>

namespace emotiond::daemon {

/// The shortest text that reads back as the same number; toml++ would print all its 17 digits.
inline std::string shortest_text(double value) {
    char text[32];
    const auto [end, error] = std::to_chars(text, text + sizeof text, value);
    return error == std::errc{} ? std::string(text, end) : "0";
}

}  // namespace emotiond::daemon
