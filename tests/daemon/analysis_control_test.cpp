#include "daemon/analysis_control.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/files.hpp"

namespace emotiond::daemon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using protocol::ControlAction;
using protocol::StreamState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

/// A hub with a control, as after a start of the service. restart() is the next one.
class AnalysisControlTest : public ::testing::Test, public protocol::Subscriber {
 protected:
    AnalysisControlTest() { restart(); }
    ~AnalysisControlTest() override { fs::remove_all(folder_); }

    void restart() {
        control_.reset();
        hub_ = std::make_unique<protocol::Hub>("test", std::vector<protocol::ModelInfo>{});
        hub_->join(*this);
        effects_.clear();
        control_ = std::make_unique<AnalysisControl>(
            *hub_, audit_file_,
            AnalysisControl::Effects{.set_analysis =
                                         [this](const std::string& stream, bool on) {
                                             effects_.push_back((on ? "on " : "off ") + stream);
                                             return on ? StreamState::Silent : StreamState::Paused;
                                         },
                                     .erase_history =
                                         [this](const std::string& stream, const auto& done) {
                                             effects_.push_back("erase " + stream);
                                             done(erased_);
                                         }});
        for (const ChannelPolicy& channel : channels_) {
            const auto [analysed, reason] = control_->add(channel);
            hub_->add_stream({.stream = channel.id,
                              .role = channel.role,
                              .analysed = analysed,
                              .reason = reason});
        }
        messages_.clear();
    }

    /// The code of what it answers; empty: done.
    std::string code(ControlAction action, Texts streams, std::string reason = "why",
                     bool lift = false) {
        return control_->control({action, std::move(streams), std::move(reason), lift}, "ops").code;
    }

    protocol::StreamInfo info(const std::string& name) const {
        for (const protocol::StreamInfo& stream : hub_->streams()) {
            if (stream.stream == name) {
                return stream;
            }
        }
        return {};
    }

    Texts audited() const {
        Texts acts;
        check_audit_log(audit_file_, [&](const AuditEntry& entry) {
            std::string act = entry.act;
            for (const std::string& stream : entry.streams) {
                act += " " + stream;
            }
            acts.push_back(act);
        });
        return acts;
    }

    void deliver(const protocol::MessagePtr& message) override {
        messages_.push_back(json::parse(message->text()));
    }

    static fs::path new_folder() {
        std::string pattern = fs::temp_directory_path() / "emotiond-control-XXXXXX";
        return mkdtemp(pattern.data());
    }

    fs::path folder_ = new_folder();
    std::string audit_file_ = (folder_ / "audit.log").string();
    std::vector<ChannelPolicy> channels_{{.id = "desk07", .role = "customer", .disclosed = true},
                                         {.id = "hall", .disclosed = true},
                                         {.id = "agent", .role = "agent", .disclosed = true}};
    std::optional<std::uint64_t> erased_ = 7;
    std::unique_ptr<protocol::Hub> hub_;
    std::unique_ptr<AnalysisControl> control_;
    Texts effects_;
    std::vector<json> messages_;
};

TEST_F(AnalysisControlTest, AnalysesWhatTheGateAllows) {
    EXPECT_TRUE(control_->is_analysed("desk07"));
    EXPECT_TRUE(control_->is_analysed("hall"));
    EXPECT_FALSE(control_->is_analysed("agent"));
    EXPECT_FALSE(control_->is_analysed("nobody"));
    EXPECT_EQ(info("agent").reason, "an agent's channel without an exception");
    EXPECT_THAT(effects_, IsEmpty());
    EXPECT_THAT(audited(), ElementsAre("channel desk07", "channel hall", "channel agent"));
}

TEST_F(AnalysisControlTest, WritesDownAChannelOnceForEveryDescription) {
    restart();
    EXPECT_EQ(audited().size(), 3U);
    channels_[2].exception = "safety";
    restart();
    EXPECT_TRUE(control_->is_analysed("agent"));
    EXPECT_THAT(audited(),
                ElementsAre("channel desk07", "channel hall", "channel agent", "channel agent"));
}

TEST_F(AnalysisControlTest, PausesAndResumesAtOnceAndTellsEverybody) {
    EXPECT_EQ(code(ControlAction::Pause, {"desk07", "hall"}, "lunch"), "");
    EXPECT_THAT(effects_, ElementsAre("off desk07", "off hall"));
    EXPECT_FALSE(control_->is_analysed("desk07"));
    EXPECT_EQ(info("desk07").analysed, false);
    EXPECT_EQ(info("desk07").reason, "paused: lunch");
    EXPECT_EQ(info("desk07").state, protocol::StreamState::Paused);
    ASSERT_EQ(messages_.size(), 2U);
    EXPECT_EQ(messages_[0]["state"], "paused");
    EXPECT_EQ(messages_[0]["reason"], "paused: lunch");

    EXPECT_EQ(code(ControlAction::Pause, {"desk07"}, "longer"), "");
    EXPECT_EQ(effects_.size(), 2U);  // it is off already
    EXPECT_EQ(code(ControlAction::Resume, {"desk07"}), "");
    EXPECT_EQ(effects_.back(), "on desk07");
    EXPECT_TRUE(control_->is_analysed("desk07"));
    EXPECT_TRUE(info("desk07").analysed);
    EXPECT_EQ(messages_.back()["state"], "silent");
    EXPECT_FALSE(control_->is_analysed("hall"));
}

TEST_F(AnalysisControlTest, AnObjectionForgetsAndIsLiftedOnlyByNameAndReason) {
    hub_->publish({.stream = "desk07", .time = {}, .body = protocol::GapEvent{}});
    EXPECT_EQ(code(ControlAction::Object, {"desk07"}, "asked"), "");
    EXPECT_THAT(effects_, ElementsAre("off desk07", "erase desk07"));
    EXPECT_EQ(hub_->replay("desk07")->oldest_seq(), 2U);  // only what tells of it
    EXPECT_EQ(info("desk07").reason, "objection: asked");
    EXPECT_EQ(code(ControlAction::Resume, {"desk07"}), "objected");
    EXPECT_EQ(code(ControlAction::Resume, {"hall", "desk07"}), "objected");
    EXPECT_FALSE(control_->is_analysed("desk07"));
    EXPECT_EQ(code(ControlAction::Resume, {"desk07"}, "next caller", true), "");
    EXPECT_TRUE(control_->is_analysed("desk07"));
    EXPECT_THAT(audited(), ElementsAre("channel desk07", "channel hall", "channel agent",
                                       "object desk07", "erased desk07", "resume_analysis desk07"));
}

TEST_F(AnalysisControlTest, RefusesAllWhereOneStreamIsUnknown) {
    EXPECT_EQ(code(ControlAction::Pause, {"desk07", "nobody"}), "unknown_stream");
    control_->remove("hall");
    EXPECT_EQ(code(ControlAction::Object, {"desk07", "hall"}), "unknown_stream");
    EXPECT_TRUE(control_->is_analysed("desk07"));
    EXPECT_FALSE(control_->is_analysed("hall"));
    EXPECT_THAT(effects_, IsEmpty());
    EXPECT_EQ(audited().size(), 3U);
}

TEST_F(AnalysisControlTest, NoCommandOpensTheGate) {
    EXPECT_EQ(code(ControlAction::Resume, {"agent"}, "please", true), "not_allowed");
    EXPECT_EQ(code(ControlAction::Pause, {"agent"}), "");
    EXPECT_FALSE(control_->is_analysed("agent"));
    EXPECT_THAT(effects_, IsEmpty());
    EXPECT_EQ(info("agent").reason, "an agent's channel without an exception");
}

TEST_F(AnalysisControlTest, KnowsPausesAndObjectionsAfterARestart) {
    code(ControlAction::Pause, {"desk07", "hall"}, "lunch");
    code(ControlAction::Resume, {"hall"});
    code(ControlAction::Object, {"hall"}, "asked");
    restart();
    EXPECT_FALSE(control_->is_analysed("desk07"));
    EXPECT_EQ(info("desk07").reason, "paused: lunch");
    EXPECT_EQ(info("hall").reason, "objection: asked");
    EXPECT_THAT(effects_, IsEmpty());  // what was held of it was forgotten then
    EXPECT_EQ(code(ControlAction::Resume, {"hall"}), "objected");
    EXPECT_EQ(code(ControlAction::Resume, {"hall"}, "next caller", true), "");
    restart();
    EXPECT_TRUE(control_->is_analysed("hall"));
}

TEST_F(AnalysisControlTest, KeepsWhatWasSaidOfAChannelThatComesAndGoes) {
    code(ControlAction::Object, {"desk07"}, "asked");
    control_->remove("desk07");
    hub_->remove_stream("desk07");
    const auto [analysed, reason] = control_->add(channels_[0]);
    EXPECT_FALSE(analysed);
    EXPECT_EQ(reason, "objection: asked");
}

TEST_F(AnalysisControlTest, ErasesAtTheNextStartWhatCouldNotBeErased) {
    erased_.reset();
    EXPECT_EQ(code(ControlAction::Object, {"desk07"}), "");
    EXPECT_EQ(audited().back(), "object desk07");
    restart();
    EXPECT_THAT(effects_, ElementsAre("erase desk07"));
    erased_ = 3;
    restart();
    EXPECT_THAT(effects_, ElementsAre("erase desk07"));
    EXPECT_EQ(audited().back(), "erased desk07");
    restart();
    EXPECT_THAT(effects_, IsEmpty());
}

// A full disk hinders nobody from objecting, but everybody from resuming.
TEST_F(AnalysisControlTest, StopsEvenWhereTheAuditLogCannotBeWritten) {
    code(ControlAction::Pause, {"hall"});
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit full = before;
    full.rlim_cur = fs::file_size(audit_file_);
    setrlimit(RLIMIT_FSIZE, &full);
    EXPECT_EQ(code(ControlAction::Resume, {"hall"}), "audit_failed");
    EXPECT_EQ(code(ControlAction::Object, {"desk07"}), "audit_failed");
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_FALSE(control_->is_analysed("hall"));
    EXPECT_FALSE(control_->is_analysed("desk07"));
    EXPECT_EQ(effects_.back(), "erase desk07");
}

TEST_F(AnalysisControlTest, WorksWithoutAnAuditLogUntilItEnds) {
    audit_file_.clear();
    restart();
    EXPECT_EQ(code(ControlAction::Object, {"desk07"}), "");
    EXPECT_FALSE(control_->is_analysed("desk07"));
    restart();
    EXPECT_TRUE(control_->is_analysed("desk07"));
}

}  // namespace
}  // namespace emotiond::daemon
