#include "daemon/log.hpp"

#include <fcntl.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#define SD_JOURNAL_SUPPRESS_LOCATION  // that of the sink would tell nothing
#include <systemd/sd-journal.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/journal_fields.hpp"

namespace emotiond::daemon {
namespace {

/// Whether stderr is what the service manager connected to the journal, and nothing put in its
/// place since. Source: systemd.exec(5), $JOURNAL_STREAM.
bool stderr_is_journal() {
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat file {};
    return stream != nullptr && fstat(STDERR_FILENO, &file) == 0 &&
           std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino) == stream;
}

class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
    void sink_it_(const spdlog::details::log_msg& message) override {
        const std::vector<std::string> fields = journal_fields(
            message.level, std::string_view(message.payload.data(), message.payload.size()));
        std::vector<iovec> parts;
        for (const std::string& field : fields) {
            parts.push_back({const_cast<char*>(field.data()), field.size()});
        }
        sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
    }
    void flush_() override {}
};

/// stderr by a descriptor of its own: while devices are looked for, the audio libraries' complaints
/// on the usual one go nowhere, and ours must not.
class StderrSink final : public spdlog::sinks::ansicolor_sink<spdlog::details::console_mutex> {
 public:
    StderrSink()
        : ansicolor_sink(fdopen(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), "w"),
                         spdlog::color_mode::automatic) {}
};

}  // namespace

void open_log() {
    if (stderr_is_journal()) {
        spdlog::set_default_logger(
            std::make_shared<spdlog::logger>("emotiond", std::make_shared<JournalSink>()));
    } else {
        spdlog::set_default_logger(
            std::make_shared<spdlog::logger>("emotiond", std::make_shared<StderrSink>()));
        spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %v");
    }
}

void log_failure(const char* message) {
    if (stderr_is_journal()) {
        spdlog::critical("{}", message);
    } else {
        std::fprintf(stderr, "emotiond: %s\n", message);
    }
}

}  // namespace emotiond::daemon
