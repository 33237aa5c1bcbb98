#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "daemon/audit_log.hpp"
#include "tests/integration/daemon_process.hpp"
#include "tests/support/files.hpp"

namespace emotiond::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// With an ALSA whose default device is a card that nobody has.
Finished emotiond(std::vector<std::string> arguments) {
    const auto no_sound = scratch_folder() / "no-sound.conf";
    std::ofstream(no_sound) << "</usr/share/alsa/alsa.conf>\npcm.!default { type hw card 99 }\n";
    arguments.insert(arguments.begin(), emotiond_binary());
    return run_to_end(arguments, {{"ALSA_CONFIG_PATH", no_sound.string()}});
}

TEST(CommandLine, HelpNamesEveryCommandAndExitCode) {
    const Finished finished = emotiond({"--help"});
    EXPECT_EQ(finished.exit_code, 0);
    for (const char* command : {"run", "devices", "classify", "check-config", "bundle", "features",
                                "train", "evaluate", "replay", "audit", "69", "78"}) {
        EXPECT_THAT(finished.out, HasSubstr(command));
    }
}

TEST(CommandLine, TellsItsVersion) {
    EXPECT_EQ(emotiond({"--version"}).out, "emotiond " EMOTIOND_VERSION "\n");
}

TEST(CommandLine, UnknownArgumentsExitWith64) {
    EXPECT_EQ(emotiond({"run", "--sauce", "mic"}).exit_code, 64);
    EXPECT_EQ(emotiond({"listen"}).exit_code, 64);
    EXPECT_EQ(emotiond({"classify"}).exit_code, 64);
}

TEST(CommandLine, CheckConfigPrintsWhatItTakes) {
    const Finished first = emotiond({"check-config", "--analysis.hop_ms=250"});
    EXPECT_EQ(first.exit_code, 0) << first.err;
    EXPECT_THAT(first.out, HasSubstr("hop_ms = 250"));
    const auto file = scratch_folder() / "printed.toml";
    std::ofstream(file) << first.out;
    const Finished second = emotiond({"check-config", file.string()});
    EXPECT_EQ(second.exit_code, 0) << second.err;
    EXPECT_EQ(second.out, first.out);
}

TEST(CommandLine, ATypoInTheConfigurationIsNamedWithItsLine) {
    const auto file = scratch_folder() / "typo.toml";
    std::ofstream(file) << "[analysis]\nwindow_ms = 3000\nhopp_ms = 500\n";
    for (const char* command : {"check-config", "run"}) {
        const Finished finished = emotiond({command, "--config", file.string()});
        EXPECT_EQ(finished.exit_code, 78);
        EXPECT_THAT(finished.err,
                    AllOf(HasSubstr("typo.toml:3: unknown key 'hopp_ms' in [analysis]"),
                          HasSubstr("did you mean 'hop_ms'?")));
    }
}

TEST(CommandLine, ClassifyTellsTheVerdictOfEachFileAndGoesOnAfterABadOne) {
    const Finished finished =
        emotiond({"classify", clip("14a02Nc.flac"), "/nonexistent.wav", clip("13a02Ta.flac")});
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.err, HasSubstr("cannot read audio from /nonexistent.wav"));
    EXPECT_THAT(finished.out, AllOf(HasSubstr("expressed over all: neutral"),
                                    HasSubstr("expressed over all: sad")));
}

TEST(CommandLine, RunWithoutAMicrophoneSaysWhatToDo) {
    if (emotiond({"devices"}).out != "no input devices\n") {
        GTEST_SKIP() << "this machine has a microphone";
    }
    const Finished finished =
        emotiond({"run", "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0"});
    EXPECT_EQ(finished.exit_code, 69);
    EXPECT_THAT(finished.err, AllOf(HasSubstr("no microphone"), HasSubstr("--source file:"),
                                    HasSubstr("emotiond devices")));
}

TEST(CommandLine, ShowsAnAuditLogAndFindsWhereItIsBroken) {
    const auto file = scratch_folder() / "audit.log";
    {
        daemon::AuditLog log(file);
        log.append(
            {.act = "pause", .who = "ops", .streams = {"desk07"}, .reason = "lunch\033[31m"});
        log.append({.act = "object", .who = "ops", .streams = {"desk07"}, .reason = "asked"});
    }
    const Finished whole = emotiond({"audit", "verify", file});
    EXPECT_EQ(whole.exit_code, 0);
    EXPECT_THAT(whole.out, AllOf(HasSubstr("2 entries, 2"), HasSubstr("newest hash "),
                                 HasSubstr("\nwhole;"), Not(HasSubstr("lunch"))));
    const Finished shown = emotiond({"audit", "show", file});
    EXPECT_EQ(shown.exit_code, 0);
    EXPECT_THAT(shown.out, AllOf(HasSubstr("  pause desk07  by ops: lunch [31m"),
                                 HasSubstr("  object desk07  by ops: asked")));

    std::string text = read_bytes(file);
    write_bytes(file, text.substr(0, text.size() - 9));
    const Finished torn = emotiond({"audit", "verify", file});
    EXPECT_EQ(torn.exit_code, 1);
    EXPECT_THAT(torn.out, AllOf(HasSubstr("1 entry,"), HasSubstr("BROKEN at its end")));

    text.replace(text.find("lunch"), 5, "LUNCH");
    write_bytes(file, text);
    const Finished broken = emotiond({"audit", "show", file});
    EXPECT_EQ(broken.exit_code, 1);
    EXPECT_THAT(broken.out, HasSubstr("BROKEN at line 1: its hash is not that of what it says"));

    EXPECT_EQ(emotiond({"audit", "verify", (scratch_folder() / "nowhere").string()}).exit_code, 1);
    EXPECT_EQ(emotiond({"audit"}).exit_code, 64);
}

}  // namespace
}  // namespace emotiond::test
