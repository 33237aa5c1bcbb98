#include "daemon/journal_fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace emotiond::daemon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::StartsWith;

TEST(JournalFields, ALineHasMessagePriorityAndIdentifier) {
    EXPECT_THAT(journal_fields(spdlog::level::warn, "an audio device does not close"),
                ElementsAre("MESSAGE=an audio device does not close", "PRIORITY=4",
                            "SYSLOG_IDENTIFIER=emotiond"));
    EXPECT_THAT(journal_fields(spdlog::level::err, "x"), Contains("PRIORITY=3"));
    EXPECT_THAT(journal_fields(spdlog::level::info, "x"), Contains("PRIORITY=6"));
    EXPECT_THAT(journal_fields(spdlog::level::trace, "x"), Contains("PRIORITY=7"));
}

TEST(JournalFields, ALineAboutAStreamNamesIt) {
    EXPECT_THAT(journal_fields(spdlog::level::info, "stream desk 07: mic at 48000 Hz"),
                Contains("STREAM=desk 07"));
    EXPECT_THAT(journal_fields(spdlog::level::info, "streams are up"),
                Not(Contains(StartsWith("STREAM="))));
    EXPECT_THAT(journal_fields(spdlog::level::info, "stream without a colon"),
                Not(Contains(StartsWith("STREAM="))));
}

}  // namespace
}  // namespace emotiond::daemon
