#pragma once

namespace emotiond::daemon {

/// Of sysexits.h; docs/operations.md tells what leads to each.
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 64;
inline constexpr int kExitUnavailable = 69;
inline constexpr int kExitConfig = 78;
inline constexpr int kExitInterrupted = 130;

}  // namespace emotiond::daemon
