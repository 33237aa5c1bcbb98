#include "daemon/audit_command.hpp"

#include <cstdio>

#include "daemon/audit_log.hpp"
#include "daemon/exit_codes.hpp"
#include "daemon/printable.hpp"

namespace emotiond::daemon {
namespace {

void print(const AuditEntry& entry) {
    std::string streams;
    for (const std::string& stream : entry.streams) {
        streams += " " + stream;
    }
    std::string line = std::to_string(entry.n) + "  " + entry.time + "  " + entry.act + streams +
                       "  by " + entry.who;
    if (!entry.reason.empty()) {
        line += ": " + entry.reason;
    }
    if (!entry.details.empty()) {
        line += "  " + entry.details.dump(-1, ' ', false,
                                          nlohmann::ordered_json::error_handler_t::replace);
    }
    std::printf("%s\n", printable(line).c_str());
}

}  // namespace

int audit_command(const AuditOptions& options) {
    const AuditCheck check = check_audit_log(options.file, [&](const AuditEntry& entry) {
        if (options.show) {
            print(entry);
        }
    });
    std::printf("%llu %s", static_cast<unsigned long long>(check.entries),
                check.entries == 1 ? "entry" : "entries");
    if (check.entries > 0) {
        std::printf(", %s to %s\nnewest hash %s", printable(check.first_time).c_str(),
                    printable(check.last_time).c_str(), check.last_hash.c_str());
    }
    std::printf("\n");
    if (check.bad_line != 0) {
        std::printf("BROKEN at line %llu: %s; what stands behind it proves nothing\n",
                    static_cast<unsigned long long>(check.bad_line), check.problem.c_str());
        return kExitFailure;
    }
    if (!check.torn.empty()) {
        std::printf(
            "BROKEN at its end: %zu bytes are no whole entry. A service that died while "
            "writing leaves such; it tells of them when it starts again\n",
            check.torn.size());
        return kExitFailure;
    }
    std::printf(
        "whole; whether entries are missing at the end, only a hash kept elsewhere tells\n");
    return 0;
}

}  // namespace emotiond::daemon
