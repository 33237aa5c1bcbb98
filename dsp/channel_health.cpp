#include "dsp/channel_health.hpp"

#include <bit>
#include <cmath>

namespace emotiond::dsp {

ChannelHealth::ChannelHealth(const Options& options, int rate_hz)
    : options_(options),
      dead_samples_(static_cast<std::uint64_t>(options.dead_s * static_cast<float>(rate_hz))),
      second_samples_(static_cast<std::uint64_t>(rate_hz)) {}

std::optional<ChannelHealth::State> ChannelHealth::push(std::span<const float> samples) {
    std::optional<State> changed;
    const auto note = [&](std::optional<State> change) {
        if (change) {
            changed = change;
        }
    };
    for (const float sample : samples) {
        same_ = sample == last_ ? same_ + 1 : 1;
        last_ = sample;
        if (same_ == dead_samples_) {
            note(change(State::Dead));
        } else if (same_ == 1 && state_ == State::Dead) {
            note(change(State::Well));
        }
        clipped_ += std::abs(sample) >= options_.full_scale ? 1 : 0;
        // FNV-1a, a sample at a time.
        hash_ = (hash_ ^ std::bit_cast<std::uint32_t>(sample)) * 16777619U;
        if (++in_second_ == second_samples_) {
            const bool clips = static_cast<float>(clipped_) >
                               options_.clipped_share * static_cast<float>(second_samples_);
            well_for_s_ = clips ? 0.0F : well_for_s_ + 1.0F;
            if (clips && state_ == State::Well) {
                note(change(State::Clipped));
            } else if (state_ == State::Clipped && well_for_s_ >= options_.well_s) {
                note(change(State::Well));
            }
            end_second();
        }
    }
    return changed;
}

void ChannelHealth::end_second() {
    ++second_;
    if (whole_second_) {
        digest_ = {static_cast<std::uint32_t>(second_), hash_};
    }
    whole_second_ = true;
    hash_ = 0;
    clipped_ = 0;
    in_second_ = 0;
}

void ChannelHealth::skip_to(std::uint64_t first_sample) {
    const std::uint64_t second = (first_sample - origin_) / second_samples_;
    if (second != second_) {
        clipped_ = 0;
    }
    second_ = second;
    in_second_ = (first_sample - origin_) % second_samples_;
    whole_second_ = in_second_ == 0;
    hash_ = 0;
}

void ChannelHealth::reset() {
    state_ = State::Well;
    last_ = 0.0F;
    same_ = clipped_ = 0;
    well_for_s_ = 0.0F;
    digest_ = {};
    whole_second_ = in_second_ == 0;
    hash_ = 0;
}

void ChannelHealth::restart(std::uint64_t first_sample) {
    origin_ = first_sample;
    second_ = in_second_ = 0;
    reset();
}

std::optional<ChannelHealth::State> ChannelHealth::change(State state) {
    if (state_ == state) {
        return std::nullopt;
    }
    state_ = state;
    return state;
}

}  // namespace emotiond::dsp
