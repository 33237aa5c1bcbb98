#pragma once

#include <string_view>

namespace emotiond::protocol {

/// Whether the whole text fits the pattern: `*` is any run of bytes, `?` any one byte, everything
/// else itself. Takes at most pattern x text steps, whatever the pattern: it may come from outside.
/// Thread-safe.
bool matches_glob(std::string_view pattern, std::string_view text) noexcept;

}  // namespace emotiond::protocol
