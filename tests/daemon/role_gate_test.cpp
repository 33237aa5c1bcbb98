#include "daemon/role_gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace emotiond::daemon {
namespace {

using testing::HasSubstr;

TEST(RoleGate, LetsACustomerAndWhoIsNotNamedPass) {
    for (const char* role : {"customer", "unspecified"}) {
        const GateVerdict verdict = judge({.id = "a", .role = role, .disclosed = true});
        EXPECT_TRUE(verdict.allowed) << role;
        EXPECT_EQ(verdict.reason, "");
        EXPECT_EQ(verdict.warning, "");
    }
}

TEST(RoleGate, StopsAnAgentAndMixedAudioWithoutAnException) {
    const GateVerdict agent = judge({.id = "a", .role = "agent", .disclosed = true});
    EXPECT_FALSE(agent.allowed);
    EXPECT_EQ(agent.reason, "an agent's channel without an exception");
    const GateVerdict mixed = judge({.id = "a", .role = "customer", .mixed = true});
    EXPECT_FALSE(mixed.allowed);
    EXPECT_EQ(mixed.reason, "mixed audio of both parties without an exception");
    EXPECT_FALSE(judge({.id = "a", .mixed = true}).allowed);
    EXPECT_FALSE(judge({.id = "a", .role = "agent", .exception = " \t"}).allowed);
}

TEST(RoleGate, NamesTheExceptionByWhichItLetsPass) {
    const GateVerdict verdict =
        judge({.id = "a", .role = "agent", .disclosed = true, .exception = "fatigue of drivers"});
    EXPECT_TRUE(verdict.allowed);
    EXPECT_EQ(verdict.reason, "an agent's channel, analysed by exception: fatigue of drivers");
    EXPECT_TRUE(judge({.id = "a", .mixed = true, .exception = "x"}).allowed);
}

TEST(RoleGate, WarnsWhereNobodyWasTold) {
    const GateVerdict verdict = judge({.id = "desk07", .role = "customer"});
    EXPECT_TRUE(verdict.allowed);
    EXPECT_THAT(verdict.warning, HasSubstr("desk07"));
    EXPECT_EQ(judge({.id = "a", .role = "agent"}).warning, "");  // nobody is analysed
}

}  // namespace
}  // namespace emotiond::daemon
