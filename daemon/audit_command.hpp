#pragma once

#include <string>

namespace emotiond::daemon {

/// `emotiond audit verify FILE` and `emotiond audit show FILE`.
struct AuditOptions {
    std::string file;
    bool show = false;  ///< every entry too
};

/// Prints what the log holds and whether it is whole. Returns the exit code: 0, or 1 where it is
/// not. Throws std::runtime_error where it cannot be read.
int audit_command(const AuditOptions& options);

}  // namespace emotiond::daemon
