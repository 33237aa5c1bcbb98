#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace emotiond::daemon {

/// What is written down: who did what to which streams, and why.
struct AuditAct {
    std::string act;  ///< `pause`, `object`, `channel` ...
    std::string who;
    std::vector<std::string> streams = {};
    std::string reason = {};
    nlohmann::ordered_json details =
        nlohmann::ordered_json::object();  ///< what else is to be known
};

/// An act with its place in the log.
struct AuditEntry : AuditAct {
    std::uint64_t n = 0;  ///< from 1
    std::string time;     ///< RFC 3339
    std::string hash;     ///< hex
};

/// What a look at a log found.
struct AuditCheck {
    std::uint64_t entries = 0;  ///< sound ones, from the first on
    std::string first_time;
    std::string last_time;
    std::string last_hash;        ///< of no entry: zeros
    std::uint64_t bad_line = 0;   ///< 0: all of it is sound, but for what is torn
    std::string problem;          ///< of bad_line
    std::string torn;             ///< what stands behind the last line end and is no whole entry
    bool ends_in_newline = true;  ///< false where the last entry lacks only that
};

/// Reads the log to its end or to the first line that is wrong. Throws std::runtime_error where it
/// cannot be read. on_entry: called for each sound entry, in order.
AuditCheck check_audit_log(const std::filesystem::path& file,
                           const std::function<void(const AuditEntry&)>& on_entry = {});

/// Acts that somebody may have to answer for, one JSON object a line. Each line holds the hash of
/// the line before it, so that none can be changed, inserted or taken out without breaking those
/// behind it:
///
///     {"n":2,"time":...,"act":"pause","who":"ops","streams":["desk07"],"reason":"...",
///      "prev":<hash of line 1>,"hash":<SHA-256 of this line without ',"hash":"..."'>}
///
/// It cannot show that lines are missing at the end: for that the newest hash must be known from
/// elsewhere, so every one of them goes into the service's log too.
///
/// What a crash left of a line stays where it is; the entry `recovered` behind it says how many
/// bytes that are, and their hash. Nothing is ever overwritten: `chattr +a` does no harm.
/// Not thread-safe.
class AuditLog {
 public:
    /// Opens or creates it, for its owner alone. on_entry: every entry that is in it.
    /// Throws std::runtime_error where it is damaged (which line, and how), used by another process
    /// or cannot be written.
    explicit AuditLog(std::filesystem::path file,
                      const std::function<void(const AuditEntry&)>& on_entry = {});
    ~AuditLog();
    AuditLog(const AuditLog&) = delete;
    AuditLog& operator=(const AuditLog&) = delete;

    /// It is on the disk when this returns. Throws std::runtime_error where it may not be.
    void append(const AuditAct& act);

    const std::string& newest_hash() const { return hash_; }

 private:
    void write(const AuditAct& act);
    void tell_of_torn_line();

    std::filesystem::path file_;
    int descriptor_ = -1;
    std::uint64_t entries_ = 0;
    std::string hash_;
    std::string torn_;       ///< behind the last entry, and no entry
    bool mid_line_ = false;  ///< the file ends without a line end
    bool failed_ = false;    ///< nobody knows any more what stands at the end
};

}  // namespace emotiond::daemon
