#include "daemon/audit_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/files.hpp"

namespace {

int lock_error = 0;  // what locking fails with; 0: it does not

}  // namespace

/// In the place of libc's, as no file system at hand refuses to lock.
extern "C" int flock(int descriptor, int operation) noexcept {
    if (lock_error != 0) {
        errno = lock_error;
        return -1;
    }
    return static_cast<int>(syscall(SYS_flock, descriptor, operation));
}

namespace emotiond::daemon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::read_bytes;
using test::write_bytes;
using testing::HasSubstr;
using testing::ThrowsMessage;

class AuditLogTest : public ::testing::Test {
 protected:
    AuditLogTest() {
        std::string pattern = fs::temp_directory_path() / "emotiond-audit-XXXXXX";
        folder_ = mkdtemp(pattern.data());
        file_ = folder_ / "state" / "audit.log";
    }
    ~AuditLogTest() override { fs::remove_all(folder_); }

    void write_three() const {
        AuditLog log(file_);
        log.append({.act = "pause", .who = "ops", .streams = {"desk07"}, .reason = "lunch"});
        log.append({.act = "resume_analysis", .who = "ops", .streams = {"desk07"}});
        log.append({.act = "object",
                    .who = "127.0.0.1",
                    .streams = {"desk07", "hall"},
                    .reason = "\"so\"\n\xff",
                    .details = {{"x", 1}}});
    }

    std::vector<std::string> lines() const {
        std::vector<std::string> result;
        std::ifstream in(file_);
        for (std::string line; std::getline(in, line);) {
            result.push_back(line);
        }
        return result;
    }

    /// What it says when it is opened; empty where it opens.
    std::string refusal() const {
        try {
            const AuditLog log(file_);
            return "";
        } catch (const std::runtime_error& error) {
            return error.what();
        }
    }

    fs::path folder_;
    fs::path file_;
};

TEST_F(AuditLogTest, ChainsEveryEntryToTheOneBefore) {
    write_three();
    const std::vector<std::string> written = lines();
    ASSERT_EQ(written.size(), 3U);
    std::string before(64, '0');
    for (std::size_t i = 0; i < written.size(); ++i) {
        const json entry = json::parse(written[i]);
        EXPECT_EQ(entry["n"], i + 1);
        EXPECT_EQ(entry["prev"], before);
        before = entry["hash"];
        EXPECT_EQ(before.size(), 64U);
    }
    EXPECT_EQ(json::parse(written[0])["reason"], "lunch");
    EXPECT_EQ(json::parse(written[2])["reason"], "\"so\"\n\xef\xbf\xbd");
    EXPECT_EQ(json::parse(written[2])["details"]["x"], 1);
    EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

// The hash that `printf %s '<line without hash>' | sha256sum` gives.
TEST_F(AuditLogTest, HashesTheLineWithoutItsHash) {
    fs::create_directories(file_.parent_path());
    const std::string line =
        R"({"n":1,"time":"t","act":"a","who":"w","streams":[],"reason":"","prev":")" +
        std::string(64, '0') + "\"";
    const std::string hash = "54c7f4c2e699906fcdb24c1982ef5db44ac351de279e1fed50e2d9b85a7f9899";
    write_bytes(file_, line + R"(,"hash":")" + hash + "\"}\n");
    const AuditCheck check = check_audit_log(file_);
    EXPECT_EQ(check.entries, 1U);
    EXPECT_EQ(check.problem, "");
}

TEST_F(AuditLogTest, GoesOnWhereItEnded) {
    write_three();
    std::vector<AuditEntry> seen;
    AuditLog log(file_, [&](const AuditEntry& entry) { seen.push_back(entry); });
    ASSERT_EQ(seen.size(), 3U);
    EXPECT_EQ(seen[2].act, "object");
    EXPECT_EQ(seen[2].streams, (std::vector<std::string>{"desk07", "hall"}));
    EXPECT_EQ(log.newest_hash(), seen[2].hash);
    log.append({.act = "pause", .who = "ops"});
    const AuditCheck check = check_audit_log(file_);
    EXPECT_EQ(check.entries, 4U);
    EXPECT_EQ(check.last_hash, log.newest_hash());
    EXPECT_EQ(check.bad_line, 0U);
    EXPECT_LE(check.first_time, check.last_time);
}

TEST_F(AuditLogTest, FindsEveryChangedByte) {
    write_three();
    const std::string sound = read_bytes(file_);
    for (std::size_t i = 0; i < sound.size(); ++i) {
        std::string damaged = sound;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        write_bytes(file_, damaged);
        const AuditCheck check = check_audit_log(file_);
        // The very last line end may be missing: a crash may have taken it.
        const bool is_told = check.bad_line != 0 || !check.torn.empty();
        ASSERT_TRUE(is_told) << "byte " << i;
    }
}

TEST_F(AuditLogTest, RefusesALogThatLacksOrHasALineTooMany) {
    write_three();
    const std::vector<std::string> all = lines();
    write_bytes(file_, all[0] + "\n" + all[2] + "\n");
    EXPECT_THAT(refusal(), HasSubstr("line 2 is damaged: it has the number 3, expected 2"));
    write_bytes(file_, all[0] + "\n" + all[0] + "\n" + all[1] + "\n");
    EXPECT_THAT(refusal(), HasSubstr("line 2 is damaged"));
    write_bytes(file_, all[0] + "\n\n" + all[1] + "\n");
    EXPECT_THAT(refusal(), HasSubstr("line 2 is damaged: it does not end in a hash"));
    std::string changed = all[0];
    changed.replace(changed.find("lunch"), 5, "LUNCH");
    write_bytes(file_, changed + "\n" + all[1] + "\n" + all[2] + "\n");
    EXPECT_THAT(refusal(), HasSubstr("line 1 is damaged: its hash is not that of what it says"));
    EXPECT_EQ(read_bytes(file_), changed + "\n" + all[1] + "\n" + all[2] + "\n");
    // Whoever makes the hash of the changed line anew breaks the line behind it.
    AuditLog other(folder_ / "other");
    other.append({.act = "pause", .who = "ops", .streams = {"desk07"}, .reason = "other"});
    write_bytes(file_, read_bytes(folder_ / "other") + all[1] + "\n");
    EXPECT_THAT(refusal(), HasSubstr("line 2 is damaged: it does not follow the line before it"));
}

// A kill at any byte of the last line: nothing that was there is lost or overwritten, and it is
// told.
TEST_F(AuditLogTest, TellsOfALineThatACrashHasTorn) {
    write_three();
    const std::string sound = read_bytes(file_);
    const std::size_t last = sound.rfind('\n', sound.size() - 2) + 1;
    for (std::size_t end = last + 1; end < sound.size(); end += end + 5 < sound.size() ? 5 : 1) {
        const std::string torn = sound.substr(0, end);
        write_bytes(file_, torn);
        std::vector<AuditEntry> seen;
        AuditLog(file_, [&](const AuditEntry& entry) {
            seen.push_back(entry);
        }).append({.act = "pause", .who = "ops"});
        const std::string after = read_bytes(file_);
        ASSERT_TRUE(after.starts_with(torn + "\n")) << end;
        seen.clear();
        const AuditCheck check =
            check_audit_log(file_, [&](const AuditEntry& entry) { seen.push_back(entry); });
        ASSERT_EQ(check.bad_line, 0U) << end << check.problem;
        ASSERT_EQ(check.torn, "");
        ASSERT_EQ(check.entries, 4U);
        const bool only_the_line_end = end + 1 == sound.size();
        ASSERT_EQ(seen[2].act, only_the_line_end ? "object" : "recovered") << end;
        if (!only_the_line_end) {
            ASSERT_EQ(seen[2].details["bytes"], end - last);
        }
    }
}

TEST_F(AuditLogTest, SurvivesACrashWhileItTellsOfOne) {
    write_three();
    std::string text = read_bytes(file_);
    text.resize(text.size() - 30);
    write_bytes(file_, text);
    { const AuditLog log(file_); }
    text = read_bytes(file_);
    text.resize(text.size() - 50);  // of the entry `recovered`
    write_bytes(file_, text);
    { const AuditLog log(file_); }
    const AuditCheck check = check_audit_log(file_);
    EXPECT_EQ(check.bad_line, 0U) << check.problem;
    EXPECT_EQ(check.entries, 3U);
    // What a crash left is told of by its hash: it cannot be changed later either.
    std::string changed = read_bytes(file_);
    changed[text.size() - 1] = static_cast<char>(changed[text.size() - 1] ^ 1);
    write_bytes(file_, changed);
    EXPECT_NE(check_audit_log(file_).bad_line, 0U);
}

// What stands behind a damaged line is no fragment: a crash has not done that.
TEST_F(AuditLogTest, RefusesADamagedLogWhoseLastLineIsTornToo) {
    write_three();
    const std::string sound = read_bytes(file_);
    const std::size_t second = sound.find('\n') + 1;
    for (std::size_t i = 0; i < second - 1; ++i) {
        std::string damaged = sound.substr(0, sound.size() - 20);
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        write_bytes(file_, damaged);
        ASSERT_THAT(refusal(), HasSubstr("line 1 is damaged")) << "byte " << i;
        ASSERT_EQ(read_bytes(file_), damaged);
    }
}

TEST_F(AuditLogTest, IsWrittenByOneProcessAlone) {
    const AuditLog log(file_);
    EXPECT_THAT(refusal(), HasSubstr("another process writes it"));
}

TEST_F(AuditLogTest, SaysWhyItCannotBeLocked) {
    lock_error = ENOLCK;
    EXPECT_THAT(refusal(), HasSubstr("cannot be locked: No locks available"));
    lock_error = 0;
    EXPECT_EQ(refusal(), "");
}

TEST_F(AuditLogTest, SaysWhereItCannotBeWritten) {
    fs::create_directories(folder_ / "state" / "audit.log");
    EXPECT_THAT(refusal(), HasSubstr("cannot be opened"));
    EXPECT_THAT([&] { check_audit_log(file_); },
                ThrowsMessage<std::runtime_error>(HasSubstr("Is a directory")));
    EXPECT_THAT([&] { check_audit_log(folder_ / "nowhere"); },
                ThrowsMessage<std::runtime_error>(HasSubstr("No such file or directory")));
}

// The service would not start again with what it has written itself.
TEST_F(AuditLogTest, GoesOnBehindAnEntryThatLacksOnlyItsLineEnd) {
    std::signal(SIGXFSZ, SIG_IGN);
    AuditLog log(file_);
    log.append({.act = "object", .who = "ops"});
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = 2 * fs::file_size(file_) - 1;
    setrlimit(RLIMIT_FSIZE, &small);
    log.append({.act = "object", .who = "ops"});
    ++small.rlim_cur;  // for the line end, and no more
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_THROW(log.append({.act = "object", .who = "ops"}), std::runtime_error);
    setrlimit(RLIMIT_FSIZE, &before);
    log.append({.act = "object", .who = "again"});
    const AuditCheck check = check_audit_log(file_);
    EXPECT_EQ(check.bad_line, 0U) << check.problem;
    EXPECT_EQ(check.entries, 3U);
}

// A full disk: the file may not grow beyond what the limit allows.
TEST_F(AuditLogTest, GoesOnBehindAnEntryThatTheDiskTookInPart) {
    std::signal(SIGXFSZ, SIG_IGN);
    AuditLog log(file_);
    log.append({.act = "pause", .who = "ops"});
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = fs::file_size(file_) + 20;
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_THROW(log.append({.act = "object", .who = "ops"}), std::runtime_error);
    EXPECT_THROW(log.append({.act = "object", .who = "ops"}), std::runtime_error);
    setrlimit(RLIMIT_FSIZE, &before);
    log.append({.act = "object", .who = "again"});
    std::vector<std::string> acts;
    const AuditCheck check =
        check_audit_log(file_, [&](const AuditEntry& entry) { acts.push_back(entry.act); });
    EXPECT_EQ(check.bad_line, 0U) << check.problem;
    EXPECT_EQ(acts, (std::vector<std::string>{"pause", "recovered", "object"}));
}

}  // namespace
}  // namespace emotiond::daemon
