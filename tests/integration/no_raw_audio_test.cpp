// No sound ever reaches a disk: the real program hears a recording, and neither what it has open
// meanwhile nor what it leaves behind holds a piece of it.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "model/audio_file.hpp"
#include "tests/integration/daemon_process.hpp"
#include "tests/integration/wire_client.hpp"
#include "tests/support/files.hpp"

namespace emotiond::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::size_t kRunBytes = 32;

/// Finds pieces of a recording in files, as 16-bit integers of either byte order and as floats.
class Finder {
 public:
    explicit Finder(const fs::path& recording) {
        const std::vector<float> samples = model::read_recording(recording).samples;
        std::string little;
        std::string big;
        for (const float sample : samples) {
            const auto value = std::bit_cast<std::uint16_t>(
                static_cast<std::int16_t>(std::lround(sample * 32768.0F)));
            const char low = static_cast<char>(value & 0xffU);
            const char high = static_cast<char>(value >> 8U);
            little += {low, high};
            big += {high, low};
        }
        add(std::move(little), sizeof(std::int16_t));
        add(std::move(big), sizeof(std::int16_t));
        add(std::string(reinterpret_cast<const char*>(samples.data()),
                        samples.size() * sizeof(float)),
            sizeof(float));
    }

    std::size_t runs() const { return runs_.size(); }

    bool is_in(std::string_view bytes) const {
        for (std::size_t at = 0; at + kRunBytes <= bytes.size(); ++at) {
            if (runs_.contains(std::string(bytes.substr(at, kRunBytes)))) {
                return true;
            }
        }
        return false;
    }

 private:
    void add(const std::string& text, std::size_t step) {
        for (std::size_t at = 0; at + kRunBytes <= text.size(); at += step) {
            std::string run = text.substr(at, kRunBytes);
            // Near silence is in every file.
            if (std::set<char>(run.begin(), run.end()).size() > 6) {
                runs_.insert(std::move(run));
            }
        }
    }

    std::unordered_set<std::string> runs_;
};

bool is_regular(const std::string& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

/// The files that a process can write: by a descriptor, also where they have no name any more, or
/// by shared memory.
std::set<std::string> writable_files(pid_t pid) {
    std::set<std::string> result;
    const std::string process = "/proc/" + std::to_string(pid);
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(process + "/fd", gone)) {
        const std::string target = fs::read_symlink(entry.path(), gone).string();
        std::ifstream info(process + "/fdinfo/" + entry.path().filename().string());
        std::string word;
        unsigned flags = 0;
        while (info >> word && word != "flags:") {
        }
        info >> std::oct >> flags;
        const bool writes = (flags & static_cast<unsigned>(O_ACCMODE)) != O_RDONLY;
        if (writes && is_regular(entry.path()) && !target.starts_with("/memfd:")) {
            result.insert(target);
        }
    }
    std::ifstream maps(process + "/maps");
    for (std::string line; std::getline(maps, line);) {
        std::istringstream fields(line);
        std::string range;
        std::string rights;
        std::string skipped;
        std::string path;
        fields >> range >> rights >> skipped >> skipped >> skipped;
        std::getline(fields >> std::ws, path);
        if (rights.starts_with("rw") && rights.ends_with("s") && is_regular(path)) {
            result.insert(path);
        }
    }
    return result;
}

std::vector<std::string> files_under(const fs::path& folder) {
    std::vector<std::string> result;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_directory()) {
            result.push_back(fs::relative(entry.path(), folder).string());
        }
    }
    return result;
}

// The test of the test.
TEST(NoRawAudio, AFileWithAPieceOfTheRecordingIsFound) {
    const fs::path recording = clip("13a02Ta.flac");
    const Finder finder(recording);
    EXPECT_GT(finder.runs(), 50000U);
    const std::vector<float> samples = model::read_recording(recording).samples;
    std::string leak = "not sound";
    for (std::size_t i = 12000; i < 12020; ++i) {
        const auto value = static_cast<std::int16_t>(std::lround(samples[i] * 32768.0F));
        leak.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    EXPECT_TRUE(finder.is_in(leak));
    EXPECT_FALSE(finder.is_in(read_bytes(recording)));  // packed, so it is no run of samples

    const fs::path file = scratch_folder() / "leak";
    const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_TRUE(writable_files(getpid()).contains(file.string()));
    fs::remove(file);
    EXPECT_TRUE(writable_files(getpid()).contains(file.string() + " (deleted)"));
    close(descriptor);
}

TEST(NoRawAudio, NoPieceOfWhatIsHeardReachesTheDisk) {
    const std::string recording = clip("13a02Ta.flac");
    const fs::path root = scratch_folder() / "no-raw-audio";
    const fs::path home = root / "home";  // of all that it might think of as its own
    fs::create_directories(home);
    const std::string history = (home / "history.db").string();
    const std::string audit = (home / "audit.jsonl").string();
    const ChildProcess::Environment environment{
        {"HOME", home},           {"TMPDIR", home},        {"XDG_CACHE_HOME", home},
        {"XDG_STATE_HOME", home}, {"XDG_DATA_HOME", home}, {"XDG_RUNTIME_DIR", home}};
    ChildProcess process(
        {"env", "-C", home.string(), emotiond_binary(), "run", "--print", "json",
         "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0", "--history.path=" + history,
         "--audit.path=" + audit, "--log-level", "debug", "--source", "file:" + recording,
         "--source", "file:" + recording},
        root, "emotiond", environment);

    {
        // What an audit log is for: somebody stops the analysis while it hears, and lets it go on.
        const std::string serves = "NDJSON on tcp 127.0.0.1:";
        ASSERT_TRUE(process.wait_for_err(serves, 60s)) << process.err();
        TcpClient tcp(std::stoi(process.err().substr(process.err().find(serves) + serves.size())));
        for (const std::string& act : std::vector<std::string>{"pause", "resume_analysis"}) {
            tcp.send(R"({"type":")" + act +
                     R"(","streams":["13a02ta-2"],"reason":"it is a test"})");
            tcp.read_until([](const auto& message) { return message["type"] == "controlled"; },
                           20s);
        }
    }

    std::set<std::string> written;
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    int exit_code = -1;
    while (exit_code < 0 && std::chrono::steady_clock::now() < deadline) {
        written.merge(writable_files(process.pid()));
        exit_code = process.wait(10ms);
    }
    EXPECT_EQ(exit_code, 0) << process.err();
    ASSERT_NE(process.out().find("\"type\":\"emotion\""), std::string::npos) << process.err();

    EXPECT_TRUE(written.contains(history));  // or this has looked at nothing
    EXPECT_TRUE(written.contains(audit));
    for (const std::string& ours :
         {audit, history, history + "-wal", history + "-shm", history + "-journal"}) {
        written.erase(ours);
    }
    std::erase_if(written, [&](const std::string& path) {
        return path.ends_with(".out") || path.ends_with(".err");  // where this test wants them
    });
    for (const std::string& inherited : writable_files(getpid())) {
        written.erase(inherited);  // the log of whoever runs this test
    }
    EXPECT_THAT(written, IsEmpty());
    EXPECT_THAT(files_under(home), UnorderedElementsAre("audit.jsonl", "history.db"));
    for (const char* entry : {"pause", "resume_analysis"}) {
        EXPECT_THAT(read_bytes(audit), HasSubstr(std::string("\"act\":\"") + entry));
    }

    const Finder finder(recording);
    for (const std::string& file : files_under(root)) {
        const std::string bytes = read_bytes(root / file);
        EXPECT_FALSE(bytes.empty() && file.starts_with("home")) << file;
        EXPECT_FALSE(finder.is_in(bytes)) << file;
    }
}

}  // namespace
}  // namespace emotiond::test
