#pragma once

#include <spdlog/common.h>

#include <string>
#include <string_view>
#include <vector>

namespace emotiond::daemon {

/// A line of the log as fields of the journal, each KEY=value. A line about one stream begins with
/// `stream <name>: `, and has STREAM=<name> too.
/// Source: systemd.journal-fields(7).
std::vector<std::string> journal_fields(spdlog::level::level_enum level, std::string_view message);

}  // namespace emotiond::daemon
