#include "daemon/tokens.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "daemon/config.hpp"
#include "tests/support/files.hpp"

namespace emotiond::daemon {
namespace {

// printf right | sha256sum
constexpr const char* kHashOfRight =
    "27042f4e6eca7d0b2a7ee4026df2ecfa51d3339e6d122aa099118ecd8563bad9";

std::filesystem::path token_file(const std::string& text) {
    const auto folder =
        std::filesystem::path(testing::TempDir()) / ("emotiond-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    test::write_bytes(folder / "tokens.toml", text);
    return folder / "tokens.toml";
}

std::string entry(const std::string& more = "") {
    return "[[token]]\nname = \"wallboard\"\nsha256 = \"" + std::string(kHashOfRight) + "\"\n" +
           more;
}

std::string complaint(const std::string& text) {
    try {
        const Tokens tokens(token_file(text));
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "";
}

TEST(Tokens, GivesTheRightsOfATokenAndNoneForAWrongOne) {
    const Tokens tokens(
        token_file("[[token]]\nname = \"other\"\nsha256 = \"" + std::string(64, '0') + "\"\n" +
                   entry("streams = [\"desk*\"]\nactions = [\"subscribe\", \"history\"]\n")));
    EXPECT_EQ(tokens.size(), 2U);
    const auto rights = tokens.rights_of("right");
    ASSERT_TRUE(rights);
    EXPECT_EQ(rights->name, "wallboard");
    EXPECT_TRUE(rights->may_see("desk07"));
    EXPECT_FALSE(rights->may_see("hall"));
    EXPECT_TRUE(rights->may("history"));
    EXPECT_FALSE(rights->may("erase"));
    for (const char* wrong : {"", "righ", "right ", "RIGHT", kHashOfRight}) {
        EXPECT_FALSE(tokens.rights_of(wrong)) << wrong;
    }
}

TEST(Tokens, SaysWhatIsWrongWithTheFile) {
    EXPECT_NE(complaint("").find("holds no [[token]]"), std::string::npos);
    EXPECT_NE(complaint("[token]\n").find("expected only [[token]] entries"), std::string::npos);
    EXPECT_NE(complaint("[[token]]\nname = \"a\"\n").find("needs a name, and a sha256"),
              std::string::npos);
    EXPECT_NE(complaint(entry("token = \"right\"\n")).find(":4: 'token' is unknown"),
              std::string::npos);
    EXPECT_NE(complaint(entry("actions = [\"sing\"]\n")).find(":4: unknown action 'sing'"),
              std::string::npos);
    EXPECT_NE(complaint(entry("streams = \"desk\"\n")).find("must be a list of texts"),
              std::string::npos);
    EXPECT_NE(complaint("[[token]\n").find(":1: "), std::string::npos);
    EXPECT_THROW(Tokens("/nowhere/tokens.toml"), ConfigError);
}

}  // namespace
}  // namespace emotiond::daemon
