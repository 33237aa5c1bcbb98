#pragma once

namespace emotiond::daemon {

/// Makes spdlog's default logger: stdout belongs to what was asked for, the log goes to stderr.
/// Where stderr is the journal, each line goes there with its PRIORITY, and one about a stream with
/// STREAM.
void open_log();

/// The last words of a program that ends with an error, on stderr.
void log_failure(const char* message);

}  // namespace emotiond::daemon
