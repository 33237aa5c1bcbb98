#include "daemon/audit_log.hpp"

#include <fcntl.h>
#include <openssl/sha.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "protocol/event_json.hpp"

namespace emotiond::daemon {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kHashDigits = std::size_t{2} * SHA256_DIGEST_LENGTH;
constexpr std::string_view kHashKey = R"(,"hash":")";
constexpr const char* kRecovered = "recovered";
constexpr const char* kFragment = "it does not end in a hash";

std::string no_hash() {
    return std::string(kHashDigits, '0');
}

std::string sha256(std::string_view bytes) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
    constexpr const char* kDigits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : digest) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 0xfU];
    }
    return text;
}

std::string dump(const ordered_json& json) {
    return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// A line as it was written, or what is wrong with it.
struct Line {
    AuditEntry entry;
    std::string problem;
};

Line wrong(std::string problem) {
    return {.entry = {}, .problem = std::move(problem)};
}

/// before: what the entry before it came to.
Line read_line(const std::string& text, const AuditCheck& before) {
    const std::size_t tail = kHashKey.size() + kHashDigits + 2;
    if (text.size() < tail || text.compare(text.size() - tail, kHashKey.size(), kHashKey) != 0 ||
        !text.ends_with("\"}")) {
        return wrong(kFragment);
    }
    const std::string hash = text.substr(text.size() - kHashDigits - 2, kHashDigits);
    if (sha256(text.substr(0, text.size() - tail) + "}") != hash) {
        return wrong("its hash is not that of what it says");
    }
    const ordered_json json = ordered_json::parse(text, nullptr, false);
    if (!json.is_object()) {
        return wrong("it is no JSON object");
    }
    Line line;
    AuditEntry& entry = line.entry;
    try {
        entry.n = json.at("n").get<std::uint64_t>();
        entry.time = json.at("time").get<std::string>();
        entry.act = json.at("act").get<std::string>();
        entry.who = json.at("who").get<std::string>();
        entry.streams = json.at("streams").get<std::vector<std::string>>();
        entry.reason = json.at("reason").get<std::string>();
        entry.details = json.value("details", ordered_json::object());
        entry.hash = hash;
        if (entry.n != before.entries + 1) {
            return wrong("it has the number " + std::to_string(entry.n) + ", expected " +
                         std::to_string(before.entries + 1));
        }
        if (json.at("prev").get<std::string>() != before.last_hash) {
            return wrong("it does not follow the line before it");
        }
    } catch (const ordered_json::exception&) {
        return wrong("a field is missing or of the wrong type");
    }
    return line;
}

void take(AuditCheck& check, const AuditEntry& entry,
          const std::function<void(const AuditEntry&)>& on_entry) {
    check.entries = entry.n;
    check.last_hash = entry.hash;
    check.last_time = entry.time;
    if (entry.n == 1) {
        check.first_time = entry.time;
    }
    if (on_entry) {
        on_entry(entry);
    }
}

/// A line that a crash has torn is right where the next one says so.
bool is_told_of(const std::string& torn, const AuditEntry& next) {
    return next.act == kRecovered && next.details.value("bytes", std::uint64_t{0}) == torn.size() &&
           next.details.value("sha256", "") == sha256(torn);
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
    throw std::runtime_error("audit log " + file.string() + ": " + what);
}

[[noreturn]] void fail_with_errno(const std::filesystem::path& file, const std::string& what) {
    fail(file, what + ": " + std::system_category().message(errno));
}

}  // namespace

AuditCheck check_audit_log(const std::filesystem::path& file,
                           const std::function<void(const AuditEntry&)>& on_entry) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        fail_with_errno(file, "cannot be read");
    }
    AuditCheck check;
    check.last_hash = no_hash();
    std::string suspect;  // fragments, until an entry tells of them
    std::uint64_t number = 0;
    bool whole = true;
    for (std::string text; std::getline(in, text);) {
        ++number;
        whole = !in.eof();
        Line line = read_line(text, check);
        if (!line.problem.empty()) {
            // A crash leaves fragments; a line that has an end and is wrong was whole once.
            const bool is_damaged = line.problem != kFragment;
            if (check.bad_line == 0) {
                check.bad_line = number;
                check.problem = std::move(line.problem);
            } else {
                suspect += '\n';
            }
            suspect += text;
            if (is_damaged) {
                return check;
            }
            continue;
        }
        if (check.bad_line != 0 && !is_told_of(suspect, line.entry)) {
            return check;
        }
        check.bad_line = 0;
        suspect.clear();
        take(check, line.entry, on_entry);
        check.ends_in_newline = whole;
    }
    if (in.bad()) {
        fail_with_errno(file, "cannot be read to its end");
    }
    if (check.bad_line != 0 && !whole) {
        check.torn = std::move(suspect);
        check.bad_line = 0;
    }
    return check;
}

AuditLog::AuditLog(std::filesystem::path file,
                   const std::function<void(const AuditEntry&)>& on_entry)
    : file_(std::move(file)) {
    if (file_.has_parent_path()) {
        std::filesystem::create_directories(file_.parent_path());
    }
    descriptor_ = open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor_ < 0) {
        fail_with_errno(file_, "cannot be opened");
    }
    try {
        if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) {
                fail(file_, "another process writes it");
            }
            fail_with_errno(file_, "cannot be locked");
        }
        if (fchmod(descriptor_, 0600) != 0) {
            fail_with_errno(file_, "cannot be made its owner's alone");
        }
        const AuditCheck check = check_audit_log(file_, on_entry);
        if (check.bad_line != 0) {
            fail(file_, "line " + std::to_string(check.bad_line) + " is damaged: " + check.problem +
                            ". Keep the file, find out why, and start with another one");
        }
        entries_ = check.entries;
        hash_ = check.last_hash;
        torn_ = check.torn;
        mid_line_ = !check.ends_in_newline || !torn_.empty();
        tell_of_torn_line();
        spdlog::info("audit log {}: {} entries, newest hash {}", file_.string(), entries_, hash_);
    } catch (...) {
        close(descriptor_);
        throw;
    }
}

AuditLog::~AuditLog() {
    close(descriptor_);
}

void AuditLog::tell_of_torn_line() {
    if (!torn_.empty()) {
        write({.act = kRecovered,
               .who = "emotiond",
               .reason = "what stands before this was not written to its end",
               .details = {{"bytes", torn_.size()}, {"sha256", sha256(torn_)}}});
    }
}

void AuditLog::append(const AuditAct& act) {
    tell_of_torn_line();
    write(act);
}

void AuditLog::write(const AuditAct& act) {
    if (failed_) {
        fail(file_, "an entry before this may not be on the disk; restart the service");
    }
    ordered_json json;
    json["n"] = entries_ + 1;
    json["time"] = protocol::to_rfc3339(std::chrono::system_clock::now());
    json["act"] = act.act;
    json["who"] = act.who;
    json["streams"] = act.streams;
    json["reason"] = act.reason;
    if (!act.details.empty()) {
        json["details"] = act.details;
    }
    json["prev"] = hash_;
    std::string line = dump(json);
    const std::string hash = sha256(line);
    line.pop_back();
    line += std::string(kHashKey) + hash + "\"}\n";
    if (mid_line_) {
        line.insert(line.begin(), '\n');
    }

    // In one piece, so that a reader never sees half of it but after a crash.
    ssize_t written = 0;
    do {
        written = ::write(descriptor_, line.data(), line.size());
    } while (written < 0 && errno == EINTR);
    if (written < 0) {
        fail_with_errno(file_, "cannot be written");
    }
    // An entry that lacks its line end alone is whole, here as after a crash.
    const std::size_t lacks = line.size() - static_cast<std::size_t>(written);
    if (lacks > 1) {
        // The line end that was missing belongs to the entry before it.
        const std::size_t skip = mid_line_ && torn_.empty() ? 1 : 0;
        torn_ += line.substr(skip, static_cast<std::size_t>(written) - skip);
        mid_line_ = !torn_.empty();
        fail(file_, "an entry was written in part; the disk may be full");
    }
    if (fdatasync(descriptor_) != 0) {
        failed_ = true;
        fail_with_errno(file_, "cannot be brought to the disk");
    }
    torn_.clear();
    mid_line_ = lacks > 0;
    ++entries_;
    hash_ = hash;
    spdlog::info("audit {}: {} by {}, hash {}", entries_, act.act, act.who, hash_);
}

}  // namespace emotiond::daemon
