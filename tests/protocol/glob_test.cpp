#include "protocol/glob.hpp"

#include <gtest/gtest.h>

#include <string>

namespace emotiond::protocol {
namespace {

TEST(Glob, FitsTheWholeText) {
    EXPECT_TRUE(matches_glob("desk07", "desk07"));
    EXPECT_FALSE(matches_glob("desk07", "desk071"));
    EXPECT_FALSE(matches_glob("desk07", "xdesk07"));
    EXPECT_FALSE(matches_glob("desk07", ""));
    EXPECT_TRUE(matches_glob("", ""));
    EXPECT_FALSE(matches_glob("", "x"));
}

TEST(Glob, LetsAStarStandForAnyRun) {
    EXPECT_TRUE(matches_glob("*", ""));
    EXPECT_TRUE(matches_glob("*", "anything"));
    EXPECT_TRUE(matches_glob("desk*", "desk07-customer"));
    EXPECT_TRUE(matches_glob("*customer", "desk07-customer"));
    EXPECT_TRUE(matches_glob("d*7*r", "desk07-customer"));
    EXPECT_TRUE(matches_glob("*aab*", "aaaab"));
    EXPECT_FALSE(matches_glob("*agent", "desk07-customer"));
}

TEST(Glob, LetsAQuestionMarkStandForOneByte) {
    EXPECT_TRUE(matches_glob("desk0?", "desk07"));
    EXPECT_FALSE(matches_glob("desk0?", "desk0"));
    EXPECT_FALSE(matches_glob("?", ""));
}

TEST(Glob, TakesNothingElseAsSpecial) {
    EXPECT_TRUE(matches_glob("[a]\\.", "[a]\\."));
    EXPECT_FALSE(matches_glob("[a]", "a"));
}

// With a matcher that tries every split this would not end within anybody's life.
TEST(Glob, EndsSoonWhateverThePattern) {
    std::string pattern;
    for (int i = 0; i < 1000; ++i) {
        pattern += "*a";
    }
    EXPECT_FALSE(matches_glob(pattern + "b", std::string(20000, 'a')));
}

}  // namespace
}  // namespace emotiond::protocol
