#include "daemon/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace emotiond::daemon {
namespace {

using testing::HasSubstr;

std::filesystem::path write_config(const std::string& text) {
    // Tests may run at the same time, each in a process of its own.
    const auto folder =
        std::filesystem::path(testing::TempDir()) / ("emotiond-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    const auto path = folder / "test.toml";
    std::ofstream(path) << text;
    return path;
}

/// What read_file() complains of; empty when it does not.
std::string complaint(const std::string& text) {
    Config config;
    try {
        config.read_file(write_config(text));
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "";
}

/// What apply_override() or validate() complains of.
std::string override_complaint(const std::string& assignment) {
    Config config;
    try {
        config.apply_override(assignment);
        config.validate();
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "";
}

TEST(Config, DefaultsAreValid) {
    EXPECT_NO_THROW(Config{}.validate());
}

TEST(Config, SmoothingOutlastsTheWindowsThatOverloadLeavesOut) {
    Config config;
    EXPECT_EQ(config.smoother_options().memory, std::chrono::milliseconds(3000));
    config.analysis.hop_ms = 1000;
    EXPECT_EQ(config.smoother_options().memory, std::chrono::milliseconds(5000));
}

TEST(Config, ReadsEverySetting) {
    Config config;
    config.read_file(write_config(R"(
[audio]
sources = ["mic:Headset#0", "file:/tmp/call.wav"]
loop = true
[analysis]
hop_ms = 250
min_voiced = 0.3
[server]
tcp = "[::1]:0"
)"));
    EXPECT_THAT(config.audio.sources, testing::ElementsAre("mic:Headset#0", "file:/tmp/call.wav"));
    EXPECT_TRUE(config.audio.loop);
    EXPECT_EQ(config.analysis.hop_ms, 250);
    EXPECT_EQ(config.analysis.window_ms, 3000);
    EXPECT_DOUBLE_EQ(config.analysis.min_voiced, 0.3);
    EXPECT_EQ(config.server.tcp, "[::1]:0");
}

TEST(Config, AWholeNumberIsANumberToo) {
    EXPECT_EQ(complaint("[analysis]\nmin_voiced = 1\n"), "");
}

TEST(Config, NamesTheLineOfAnUnknownKey) {
    EXPECT_THAT(complaint("[server]\n\ntpc = \"127.0.0.1:1\"\n"),
                HasSubstr("test.toml:3: unknown key 'tpc' in [server]; did you "
                          "mean 'tcp'?"));
}

TEST(Config, NamesTheLineOfAnUnknownSection) {
    EXPECT_THAT(complaint("[servers]\n"), HasSubstr(":1: unknown section 'servers'; did you mean "
                                                    "'server'?"));
}

TEST(Config, NamesTheLineOfAWrongType) {
    EXPECT_THAT(complaint("[analysis]\nhop_ms = \"fast\"\n"),
                HasSubstr(":2: analysis.hop_ms must be a whole number"));
    EXPECT_THAT(complaint("[audio]\nsources = \"mic\"\n"),
                HasSubstr(":2: audio.sources must be a list of texts"));
}

TEST(Config, NamesThePlaceOfWhatIsNotToml) {
    EXPECT_THAT(complaint("[audio\n"), HasSubstr("test.toml:1: "));
}

TEST(Config, AMissingFileIsNamed) {
    Config config;
    EXPECT_THROW(
        {
            try {
                config.read_file("/nonexistent/emotiond.toml");
            } catch (const ConfigError& error) {
                EXPECT_THAT(error.what(), HasSubstr("/nonexistent/emotiond.toml"));
                throw;
            }
        },
        ConfigError);
}

TEST(Config, OverridesAreCheckedLikeTheFile) {
    EXPECT_EQ(override_complaint("server.tcp=127.0.0.1:0"), "");
    EXPECT_EQ(override_complaint("audio.sources=mic:A,mic:B"), "");
    EXPECT_THAT(override_complaint("server.tpc=x"), HasSubstr("did you mean 'server.tcp'?"));
    EXPECT_THAT(override_complaint("analysis.hop_ms=fast"),
                HasSubstr("--analysis.hop_ms must be a whole number, got 'fast'"));
    EXPECT_THAT(override_complaint("analysis.hop_ms"), HasSubstr("needs a value"));
}

TEST(Config, ValuesOutOfRangeAreNamedWithWhatIsAllowed) {
    EXPECT_THAT(override_complaint("audio.rate_hz=4000"),
                HasSubstr("audio.rate_hz must be 8000 to 192000, got 4000"));
    EXPECT_THAT(override_complaint("analysis.hop_ms=5000"), HasSubstr("hop"));
    EXPECT_THAT(override_complaint("model.device=gpu"), HasSubstr("model.device: device must be"));
    EXPECT_EQ(override_complaint("analysis.window_ms=500"), "");
    EXPECT_THAT(override_complaint("analysis.min_voiced=2"), HasSubstr("min_voiced"));
    EXPECT_THAT(override_complaint("server.tcp=localhost"), HasSubstr("server.tcp"));
    EXPECT_THAT(override_complaint("audio.sources=radio"), HasSubstr("source 'radio' must be"));
    EXPECT_THAT(override_complaint("audio.speed=double"), HasSubstr("realtime or max"));
    EXPECT_THAT(override_complaint("log.level=loud"), HasSubstr("log.level"));
}

TEST(Config, TheDocumentNamesEverySettingWithItsDefault) {
    std::ifstream in(EMOTIOND_SOURCE_DIR "/docs/configuration.md");
    std::ostringstream document;
    document << in.rdbuf();
    // toml++ prints 'text' and [ 'a' ], the document says "text" and ["a"].
    const auto plain = [](std::string text) {
        std::erase_if(text, [](char c) { return c == ' ' || c == '\'' || c == '"'; });
        return text;
    };
    std::istringstream settings(Config{}.to_toml());
    std::string section;
    int seen = 0;
    for (std::string line; std::getline(settings, line);) {
        const std::size_t equals = line.find('=');
        if (line.starts_with("[")) {
            section = line.substr(1, line.find(']') - 1);
        } else if (equals != std::string::npos) {
            EXPECT_THAT(plain(document.str()),
                        HasSubstr(plain("|`" + section + "." + line.substr(0, equals) + "`|`" +
                                        line.substr(equals + 1) + "`|")));
            ++seen;
        }
    }
    EXPECT_GT(seen, 15);
}

TEST(Config, PrintsWhatItReadsBack) {
    Config config;
    config.apply_override("audio.sources=mic:A \"quoted\",file:/tmp/a b.wav");
    config.apply_override("analysis.min_voiced=0.25");
    config.apply_override("audio.loop=true");
    Config again;
    again.read_file(write_config(config.to_toml()));
    EXPECT_EQ(again, config);
}

TEST(Config, ReadsChannelsAndPrintsThemBack) {
    Config config;
    config.read_file(write_config(R"toml([[channels]]
id = "desk07-customer"
source = "usb:1-2.3"
channel = 0
role = "customer"
disclosed = true
labels = {team = "billing", floor = "2"}

[[channels]]
id = "desk07-agent"
source = "alsa:Headset#1"
role = "agent"
exception = "safety: trains drivers (works council, 2026-03)"
mixed = true
priority = "low"
)toml"));
    config.validate();
    ASSERT_EQ(config.channels.size(), 2U);
    EXPECT_EQ(config.all_channels(), config.channels);
    const ChannelConfig& customer = config.channels[0];
    EXPECT_EQ(customer.source_spec(), SourceSpec::parse("usb:1-2.3#0"));
    EXPECT_EQ(customer.role, "customer");
    EXPECT_TRUE(customer.disclosed);
    EXPECT_FALSE(customer.mixed);
    EXPECT_EQ(customer.labels.at("team"), "billing");
    const ChannelConfig& agent = config.channels[1];
    EXPECT_EQ(agent.source_spec().channel, 1);
    EXPECT_EQ(agent.priority, "low");
    EXPECT_THAT(agent.exception, HasSubstr("works council"));
    Config again;
    again.read_file(write_config(config.to_toml()));
    EXPECT_EQ(again, config);
}

TEST(Config, WithoutChannelsEverySourceIsOne) {
    Config config;
    config.apply_override("audio.sources=mic:Headset#0,file:/tmp/call.wav");
    const std::vector<ChannelConfig> channels = config.all_channels();
    ASSERT_EQ(channels.size(), 2U);
    EXPECT_EQ(channels[0].id, "headset-0");
    EXPECT_EQ(channels[1].id, "call");
    EXPECT_EQ(channels[1].role, "unspecified");
}

TEST(Config, NamesTheLineAndTheChannelOfWhatIsWrongWithIt) {
    const std::string begin = "[[channels]]\nid = \"a\"\nsource = \"mic\"\n";
    EXPECT_THAT(complaint(begin + "rule = \"agent\""),
                HasSubstr(".toml:4: channel 'a': unknown key 'rule'"));
    EXPECT_THAT(complaint(begin + "role = \"boss\""), HasSubstr("role must be customer, agent"));
    EXPECT_THAT(complaint(begin + "channel = \"left\""),
                HasSubstr(".toml:4: channel 'a': channel must be a whole number"));
    EXPECT_THAT(complaint(begin + "channel = 400"), HasSubstr("0 to 255"));
    EXPECT_THAT(complaint(begin + "labels = \"x\""), HasSubstr("labels must be like {"));
    EXPECT_THAT(complaint(begin + "priority = \"high\""), HasSubstr("normal or low"));
    EXPECT_THAT(complaint(begin + begin), HasSubstr("channel 'a' is there twice"));
    EXPECT_THAT(complaint("[[channels]]\nid = \"a\""), HasSubstr("needs `source`"));
    EXPECT_THAT(complaint("[[channels]]\nid = \"a b\"\nsource = \"mic\""), HasSubstr("id must be"));
    EXPECT_THAT(complaint("[channels]\nid = \"a\""), HasSubstr("[[channels]]"));
}

TEST(Config, WhatOthersCanReachNeedsACertificateAndTokens) {
    EXPECT_THAT(override_complaint("server.http=0.0.0.0:8790"),
                HasSubstr("can be reached from other machines"));
    EXPECT_THAT(override_complaint("server.tcp=[::]:8791"), HasSubstr("server.insecure = true"));
    Config config;
    config.server.http = "0.0.0.0:8790";
    config.server.tls_certificate = config.server.tls_key = "x.pem";
    EXPECT_THROW(config.validate(), ConfigError);
    config.server.tokens = "tokens.toml";
    EXPECT_NO_THROW(config.validate());
    Config insecure;
    insecure.server.tcp = "192.0.2.1:8791";
    insecure.server.insecure = true;
    EXPECT_NO_THROW(insecure.validate());
    EXPECT_EQ(override_complaint("server.http=[::1]:8790"), "");
    EXPECT_THAT(override_complaint("server.tls_key=x"), HasSubstr("belong together"));
    EXPECT_THAT(override_complaint("server.origins=desk.example"), HasSubstr("https://"));
}

// The file of the package changes nothing, and neither does it with the settings that it shows.
TEST(Config, TheFileOfThePackageShowsDefaults) {
    std::ifstream in(std::string(EMOTIOND_SOURCE_DIR) + "/systemd/emotiond.toml");
    std::string shown;
    int num_shown = 0;
    for (std::string line; std::getline(in, line);) {
        const bool is_setting = line.size() > 1 && line[0] == '#' && std::isalpha(line[1]) != 0;
        num_shown += is_setting ? 1 : 0;
        shown += line.substr(is_setting ? 1 : 0) + "\n";
    }
    EXPECT_GT(num_shown, 10);
    Config config;
    config.read_file(std::string(EMOTIOND_SOURCE_DIR) + "/systemd/emotiond.toml");
    EXPECT_EQ(config, Config{});
    config.read_file(write_config(shown));
    EXPECT_EQ(config, Config{});
}

}  // namespace
}  // namespace emotiond::daemon
