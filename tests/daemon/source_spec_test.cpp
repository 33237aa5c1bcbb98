#include "daemon/source_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace emotiond::daemon {
namespace {

using Kind = SourceSpec::Kind;

TEST(SourceSpec, ReadsMicrophonesAndFiles) {
    EXPECT_EQ(SourceSpec::parse("mic"), (SourceSpec{Kind::Microphone, "", std::nullopt}));
    EXPECT_EQ(SourceSpec::parse("mic:USB Headset"),
              (SourceSpec{Kind::Microphone, "USB Headset", std::nullopt}));
    EXPECT_EQ(SourceSpec::parse("mic:Headset#1"), (SourceSpec{Kind::Microphone, "Headset", 1}));
    EXPECT_EQ(SourceSpec::parse("mic#0"), (SourceSpec{Kind::Microphone, "", 0}));
    EXPECT_EQ(SourceSpec::parse("file:/a/b.wav"),
              (SourceSpec{Kind::File, "/a/b.wav", std::nullopt}));
    EXPECT_EQ(SourceSpec::parse("file:call.wav#1"), (SourceSpec{Kind::File, "call.wav", 1}));
    EXPECT_EQ(SourceSpec::parse("alsa:Headset#0"), (SourceSpec{Kind::AlsaCard, "Headset", 0}));
    EXPECT_EQ(SourceSpec::parse("usb:1-2.3"), (SourceSpec{Kind::UsbPort, "1-2.3", std::nullopt}));
}

TEST(SourceSpec, AHashThatIsNoChannelBelongsToTheName) {
    EXPECT_EQ(SourceSpec::parse("file:take #2b.wav").name, "take #2b.wav");
    EXPECT_EQ(SourceSpec::parse("mic:Desk #").name, "Desk #");
    EXPECT_EQ(SourceSpec::parse("mic:Desk#999").name, "Desk#999");
}

TEST(SourceSpec, RefusesWhatItDoesNotKnow) {
    for (const char* text : {"", "radio", "mic:", "file:", "MIC", "microphone"}) {
        EXPECT_THROW(SourceSpec::parse(text), std::invalid_argument) << text;
    }
}

TEST(SourceSpec, StreamNamesAreShortPlainAndUnique) {
    EXPECT_EQ(SourceSpec::parse("mic").stream_name(), "mic");
    EXPECT_EQ(SourceSpec::parse("mic:USB Headset (2)#1").stream_name(), "usb-headset-2-1");
    EXPECT_EQ(SourceSpec::parse("file:/calls/Call 7.wav").stream_name(), "call-7");
    EXPECT_EQ(SourceSpec::parse("mic:麦").stream_name(), "mic");
    std::vector<SourceSpec> specs;
    for (const char* text : {"mic", "file:mic.wav", "mic", "file:mic-2.wav"}) {
        specs.push_back(SourceSpec::parse(text));
    }
    EXPECT_THAT(unique_stream_names(specs),
                testing::ElementsAre("mic", "mic-2", "mic-3", "mic-2-2"));
}

}  // namespace
}  // namespace emotiond::daemon
