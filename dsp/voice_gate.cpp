#include "dsp/voice_gate.hpp"

#include <algorithm>
#include <cmath>

namespace emotiond::dsp {

bool VoiceGate::is_voiced(float level_dbfs) {
    // Digital silence says nothing of the room: the floor stops where no microphone is quieter.
    constexpr float kQuietestFloorDbfs = -90.0F;
    if (!std::isfinite(level_dbfs)) {
        return false;
    }
    floor_dbfs_ = std::max(kQuietestFloorDbfs, std::min(level_dbfs, floor_dbfs_ + rise_db_));
    return level_dbfs > floor_dbfs_ + options_.margin_db && level_dbfs > options_.least_dbfs;
}

}  // namespace emotiond::dsp
