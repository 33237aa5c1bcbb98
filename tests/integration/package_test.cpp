// What the package brings along beside the program, held against what the program itself says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "tests/integration/daemon_process.hpp"
#include "tests/support/files.hpp"

namespace emotiond::test {
namespace {

const std::filesystem::path kRoot = EMOTIOND_SOURCE_DIR;

std::string help_of(const std::string& command) {
    std::vector<std::string> arguments{emotiond_binary()};
    if (!command.empty()) {
        arguments.push_back(command);
    }
    arguments.emplace_back("--help");
    const Finished finished = run_to_end(arguments);
    EXPECT_EQ(finished.exit_code, 0) << command;
    return finished.out;
}

/// First groups of all matches.
std::set<std::string> all_matches(const std::string& text, const std::regex& pattern) {
    std::set<std::string> found;
    for (auto match = std::sregex_iterator(text.begin(), text.end(), pattern);
         match != std::sregex_iterator(); ++match) {
        found.insert((*match)[1]);
    }
    return found;
}

std::set<std::string> commands() {
    const std::string help = help_of("");
    return all_matches(help.substr(help.find("Subcommands:")),
                       std::regex(R"((?:^|\n)  ([a-z][a-z-]*) )"));
}

std::set<std::string> options_of(const std::string& command) {
    return all_matches(help_of(command),
                       std::regex(R"((?:^|\n)  (?:-\w,)?(--[a-z][a-z0-9-]*)(?![\w.-]))"));
}

std::set<std::string> completions(const std::string& words, int at) {
    const Finished finished =
        run_to_end({"bash", "-c",
                    "source " + (kRoot / "completions/emotiond.bash").string() + "; COMP_WORDS=(" +
                        words + "); COMP_CWORD=" + std::to_string(at) +
                        "; _emotiond; printf '%s\\n' \"${COMPREPLY[@]}\""});
    EXPECT_EQ(finished.err, "");
    return all_matches(finished.out, std::regex(R"(([^\n]+)\n)"));
}

TEST(Package, TheHelpNamesCommandsAndOptions) {
    EXPECT_THAT(commands(), testing::IsSupersetOf({"run", "watch", "token"}));
    EXPECT_THAT(options_of("run"), testing::IsSupersetOf({"--config", "--source", "--help"}));
}

TEST(Package, TheManPageHasEveryCommandAndOption) {
    const std::string page = read_bytes(kRoot / "docs/man/emotiond.1");
    std::set<std::string> documented = all_matches(page, std::regex(R"(\n\.Ss ([a-z-]+))"));
    EXPECT_EQ(documented, commands());
    for (const std::string& command : commands()) {
        const std::size_t begin = page.find(".Ss " + command + "\n") + 4;
        const std::size_t end = std::min(page.find("\n.Ss ", begin), page.find("\n.Sh ", begin));
        std::set<std::string> options =
            all_matches(page.substr(begin, end - begin), std::regex(R"(Fl -([a-z][a-z0-9-]*))"));
        std::set<std::string> expected;
        for (const std::string& option : options_of(command)) {
            expected.insert(option.substr(2));
        }
        expected.erase("help");  // of all commands, told once
        EXPECT_EQ(options, expected) << command;
    }
}

TEST(Package, TheManPageIsWellFormed) {
    if (run_to_end({"man", "--version"}).exit_code != 0) {
        GTEST_SKIP() << "no man here";
    }
    const Finished finished =
        run_to_end({"man", "--warnings", "--local-file", kRoot / "docs/man/emotiond.1"},
                   {{"MANWIDTH", "80"}, {"LC_ALL", "C.UTF-8"}});
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_EQ(finished.err, "");
    EXPECT_THAT(finished.out, testing::HasSubstr("--source"));
}

TEST(Package, EveryCommandAndOptionCompletes) {
    std::set<std::string> words = commands();
    words.insert({"--help", "--version"});
    EXPECT_EQ(completions("emotiond ''", 1), words);
    EXPECT_EQ(completions("emotiond wat", 1), std::set<std::string>{"watch"});
    for (const std::string& command : commands()) {
        EXPECT_EQ(completions("emotiond " + command + " --", 2), options_of(command)) << command;
    }
    EXPECT_EQ(completions("emotiond run --print j", 3), std::set<std::string>{"json"});
}

}  // namespace
}  // namespace emotiond::test
