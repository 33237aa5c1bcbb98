#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace emotiond::dsp {

/// What is wrong with a channel's samples, whatever they say: nothing but one value for a time (a
/// dead or muted input), or samples at full scale again and again (clipped).
/// Real-time safe, no allocation. Not thread-safe.
class ChannelHealth {
 public:
    enum class State { Well, Dead, Clipped };

    struct Options {
        float dead_s = 10.0F;         ///< one and the same value for so long
        float clipped_share = 0.01F;  ///< of the samples of a second
        float full_scale = 0.999F;
        float well_s = 10.0F;  ///< not clipped for so long, and it is well again
    };

    /// rate_hz: of the samples.
    ChannelHealth(const Options& options, int rate_hz);

    /// samples: captured directly after those of the last push().
    /// Returns the state where it has changed with these samples.
    std::optional<State> push(std::span<const float> samples);

    /// A hole: the next sample has this capture index. What was known of the channel stays.
    void skip_to(std::uint64_t first_sample);
    /// What was known of the channel is forgotten; its seconds go on.
    void reset();
    /// As after construction, but seconds begin with the sample of this capture index instead of 0.
    void restart(std::uint64_t first_sample);

    [[nodiscard]] State state() const { return state_; }

    /// A number that two channels have in common if they have brought the same samples in a second,
    /// and that second, counted from 1: the latest that was heard as a whole; 0 in both: none yet.
    /// Of channels that are dead it says nothing.
    struct Digest {
        std::uint32_t second = 0;
        std::uint32_t hash = 0;
        bool operator==(const Digest&) const = default;
    };
    [[nodiscard]] Digest digest() const { return digest_; }

 private:
    void end_second();
    std::optional<State> change(State state);

    Options options_;
    std::uint64_t dead_samples_;
    std::uint64_t second_samples_;
    State state_ = State::Well;
    float last_ = 0.0F;
    std::uint64_t same_ = 0;     ///< samples of that value in a row
    std::uint64_t clipped_ = 0;  ///< in this second
    std::uint64_t in_second_ = 0;
    float well_for_s_ = 0.0F;
    std::uint64_t origin_ = 0;  ///< capture index of the sample with which seconds begin
    std::uint64_t second_ = 0;
    bool whole_second_ = true;  ///< without a hole so far
    std::uint32_t hash_ = 0;
    Digest digest_;
};

}  // namespace emotiond::dsp
