#include "daemon/journal_fields.hpp"

#include <syslog.h>

namespace emotiond::daemon {
namespace {

int priority(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::critical: return LOG_CRIT;
        case spdlog::level::err: return LOG_ERR;
        case spdlog::level::warn: return LOG_WARNING;
        case spdlog::level::info: return LOG_INFO;
        default: return LOG_DEBUG;
    }
}

}  // namespace

std::vector<std::string> journal_fields(spdlog::level::level_enum level, std::string_view message) {
    std::vector<std::string> fields{"MESSAGE=" + std::string(message),
                                    "PRIORITY=" + std::to_string(priority(level)),
                                    "SYSLOG_IDENTIFIER=emotiond"};
    constexpr std::string_view kAboutStream = "stream ";
    if (message.starts_with(kAboutStream)) {
        const std::size_t colon = message.find(": ");
        if (colon != std::string_view::npos) {
            fields.push_back("STREAM=" + std::string(message.substr(kAboutStream.size(),
                                                                    colon - kAboutStream.size())));
        }
    }
    return fields;
}

}  // namespace emotiond::daemon
