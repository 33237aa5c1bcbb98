#pragma once

#include <span>

namespace emotiond::dsp {

/// Is there speech level in a block of samples? A block counts when it stands `margin_db` above the
/// noise floor, which falls to the quietest block at once and rises slowly, and above an absolute
/// least level. It tells level, not speech: music passes.
/// Real-time safe, no allocation. Not thread-safe.
class VoiceGate {
 public:
    struct Options {
        float margin_db = 10.0F;
        float least_dbfs = -65.0F;
        float rise_db_per_s = 2.0F;
        float first_floor_dbfs = -70.0F;
    };

    VoiceGate(const Options& options, float block_s)
        : options_(options), rise_db_(options.rise_db_per_s * block_s) {
        reset();
    }

    /// level_dbfs: RMS of the block, 0 dBFS is a square wave of amplitude 1. One that is not finite
    /// says nothing, neither of speech nor of the room.
    bool is_voiced(float level_dbfs);
    void reset() { floor_dbfs_ = options_.first_floor_dbfs; }
    [[nodiscard]] float floor_dbfs() const { return floor_dbfs_; }

 private:
    Options options_;
    float rise_db_;
    float floor_dbfs_ = 0.0F;
};

}  // namespace emotiond::dsp
