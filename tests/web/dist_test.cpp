// The dashboard that is built into the program is what its sources build: web/build.mjs writes down
// the digests of what it read and of what it made, and gives the same bytes every time.

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/support/files.hpp"

namespace emotiond {
namespace {

namespace fs = std::filesystem;

const fs::path kWeb = fs::path(EMOTIOND_SOURCE_DIR) / "web";

std::string sha256_of(const fs::path& file) {
    const std::string bytes = test::read_bytes(file);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
    std::string text;
    for (const unsigned char byte : digest) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", byte);
        text += two;
    }
    return text;
}

/// Path below web/ -> digest.
std::map<std::string, std::string> written_down() {
    std::ifstream list(kWeb / "dist" / "sources.sha256");
    std::map<std::string, std::string> digests;
    for (std::string digest, path; list >> digest >> path;) {
        digests[path] = digest;
    }
    return digests;
}

TEST(WebDist, IsWhatTheSourcesBuild) {
    const auto digests = written_down();
    ASSERT_GT(digests.size(), 10U);
    for (const auto& [path, digest] : digests) {
        EXPECT_EQ(sha256_of(kWeb / path), digest)
            << path << " has changed: `npm ci && npm run build` in web/, and commit dist/";
    }
}

TEST(WebDist, KnowsEverySource) {
    const auto digests = written_down();
    for (const char* path : {"package-lock.json", "build.mjs", "tsconfig.json", "dist/app.js",
                             "dist/app.css", "dist/index.html"}) {
        EXPECT_TRUE(digests.contains(path)) << path;
    }
    for (const auto& entry : fs::recursive_directory_iterator(kWeb / "src")) {
        const std::string path = entry.path().lexically_relative(kWeb).string();
        EXPECT_TRUE(entry.is_directory() || digests.contains(path)) << path;
    }
}

}  // namespace
}  // namespace emotiond
