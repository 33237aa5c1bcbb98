#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>

namespace emotiond::daemon {

/// A line on stderr that is drawn over on a terminal, and kept only at its last state elsewhere.
class ProgressLine {
 public:
    void draw(const std::string& text) {
        if (is_terminal_) {
            std::fprintf(stderr, "\r\033[K%s", text.c_str());
            std::fflush(stderr);
        }
    }
    void keep(const std::string& text) {
        std::fprintf(stderr, "%s%s\n", is_terminal_ ? "\r\033[K" : "", text.c_str());
    }

 private:
    bool is_terminal_ = isatty(STDERR_FILENO) == 1;
};

inline std::string format(const char* pattern, auto... values) {
    char text[256];
    std::snprintf(text, sizeof text, pattern, values...);
    return text;
}

inline std::string bar(std::size_t done, std::size_t all) {
    constexpr std::size_t kWidth = 24;
    const std::size_t filled = all == 0 ? 0 : done * kWidth / all;
    return "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "]";
}

}  // namespace emotiond::daemon
