#include "dsp/voice_gate.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace emotiond::dsp {
namespace {

constexpr float kBlockS = 0.01F;

VoiceGate::Options options() {
    VoiceGate::Options options;
    options.margin_db = 10.0F;
    options.least_dbfs = -65.0F;
    options.rise_db_per_s = 2.0F;
    options.first_floor_dbfs = -70.0F;
    return options;
}

TEST(VoiceGate, OpensForALevelAboveTheFloor) {
    VoiceGate gate(options(), kBlockS);
    EXPECT_TRUE(gate.is_voiced(-30.0F));
    EXPECT_TRUE(gate.is_voiced(-59.0F));
    EXPECT_FALSE(gate.is_voiced(-61.0F));
}

TEST(VoiceGate, FollowsAQuieterRoomAtOnce) {
    VoiceGate gate(options(), kBlockS);
    gate.is_voiced(-80.0F);
    EXPECT_FLOAT_EQ(gate.floor_dbfs(), -80.0F);
}

TEST(VoiceGate, LearnsNothingFromALevelThatIsNotFinite) {
    VoiceGate gate(options(), kBlockS);
    gate.is_voiced(-80.0F);
    for (const float level :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        EXPECT_FALSE(gate.is_voiced(level));
        EXPECT_FLOAT_EQ(gate.floor_dbfs(), -80.0F);
    }
}

TEST(VoiceGate, FollowsALouderRoomSlowly) {
    VoiceGate gate(options(), kBlockS);
    for (int block = 0; block < 100; ++block) {
        EXPECT_TRUE(gate.is_voiced(-40.0F));
    }
    EXPECT_NEAR(gate.floor_dbfs(), -68.0F, 1e-3F);  // 2 dB in a second
    for (int block = 100; block < 1500; ++block) {
        gate.is_voiced(-40.0F);
    }
    EXPECT_FALSE(gate.is_voiced(-40.0F)) << "a steady hum is the room";
    EXPECT_TRUE(gate.is_voiced(-25.0F));
}

TEST(VoiceGate, TakesTheFloorNoHigherThanTheLevel) {
    VoiceGate gate(options(), kBlockS);
    for (int block = 0; block < 10000; ++block) {
        gate.is_voiced(-40.0F);
    }
    EXPECT_FLOAT_EQ(gate.floor_dbfs(), -40.0F);
}

TEST(VoiceGate, StaysShutBelowTheLeastLevel) {
    VoiceGate gate(options(), kBlockS);
    gate.is_voiced(-90.0F);
    EXPECT_FALSE(gate.is_voiced(-66.0F));
    EXPECT_TRUE(gate.is_voiced(-64.0F));
}

TEST(VoiceGate, LearnsNothingFromDigitalSilence) {
    VoiceGate gate(options(), kBlockS);
    EXPECT_FALSE(gate.is_voiced(-120.0F));
    EXPECT_FLOAT_EQ(gate.floor_dbfs(), -90.0F);
}

TEST(VoiceGate, ForgetsTheRoomOnReset) {
    VoiceGate gate(options(), kBlockS);
    gate.is_voiced(-85.0F);
    gate.reset();
    EXPECT_FLOAT_EQ(gate.floor_dbfs(), -70.0F);
}

}  // namespace
}  // namespace emotiond::dsp
