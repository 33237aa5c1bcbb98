#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "dsp/sample_ring.hpp"

namespace emotiond::daemon {

/// What a capture thread and the pipeline thread share about one channel.
///
///     capture thread ── write(), lose(), end(), fail() ──> Feed ──> ring(), state() ── pipeline
///
/// The capture side is real-time safe but for fail() and break_off(), which come after the last
/// sample; after fail() it may begin again. end() may come from any thread: what a device brings to
/// a feed that has ended is dropped, as nobody reads it.
class Feed {
 public:
    enum class State {
        Live,
        Lost,  ///< may come back
        Ended,
        Broken  ///< ended, with a reason
    };
    using Clock = std::chrono::steady_clock;

    /// waits: the capture side may be made to wait (a file replayed as fast as it goes), so the
    /// pipeline leaves samples in the ring rather than drop windows.
    Feed(std::string name, int rate_hz, std::size_t ring_samples, bool waits)
        : name_(std::move(name)), rate_hz_(rate_hz), waits_(waits), ring_(ring_samples) {}

    /// Capture side. `samples` end at this moment.
    void write(std::span<const float> samples) noexcept {
        if (has_ended()) {
            return;
        }
        // Before the samples: who sees them sees when they were captured.
        const auto now = Clock::now().time_since_epoch();
        const auto length = time_of(ring_.captured() + samples.size());
        origin_.store((now - length).count(), std::memory_order_release);
        ring_.write(samples);
    }
    /// Capture side. The device lost about this many samples before the next write().
    void lose(std::uint64_t samples) noexcept {
        if (has_ended()) {
            return;
        }
        lost_by_device_.fetch_add(samples, std::memory_order_relaxed);
        ring_.lose(samples);
    }
    /// Capture side, before the first write() of a device that is back: what it would have brought
    /// until `samples` ago is lost.
    void catch_up(std::size_t samples) noexcept {
        const std::uint64_t captured = ring_.captured();
        if (captured == 0 || has_ended()) {
            return;  // nothing was there before, or nothing comes behind it
        }
        const auto away = Clock::now() - captured_at(captured) - time_of(samples);
        if (away > Clock::duration::zero()) {
            ring_.lose(samples_of(away));
        }
    }
    void end() noexcept { state_.store(State::Ended, std::memory_order_release); }
    void fail(std::string reason) {
        reason_ = std::move(reason);
        loss_told_.store(false, std::memory_order_relaxed);
        state_.store(State::Lost, std::memory_order_release);
    }
    void break_off(std::string reason) {
        reason_ = std::move(reason);
        state_.store(State::Broken, std::memory_order_release);
    }
    /// The device is back. Only once loss_told().
    void revive() noexcept { state_.store(State::Live, std::memory_order_release); }
    /// Pipeline: it has told that the feed is Lost, and reads reason() no more.
    void set_loss_told() noexcept { loss_told_.store(true, std::memory_order_release); }
    [[nodiscard]] bool loss_told() const noexcept {
        return loss_told_.load(std::memory_order_acquire);
    }

    [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_acquire); }
    /// Once state() is Broken, or Lost until loss_told().
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] int rate_hz() const noexcept { return rate_hz_; }
    [[nodiscard]] bool waits() const noexcept { return waits_; }
    [[nodiscard]] dsp::SampleRing& ring() noexcept { return ring_; }
    /// Pipeline: dsp::ChannelHealth::Digest of the latest second, for who compares channels.
    void set_digest(std::uint32_t second, std::uint32_t hash) noexcept {
        digest_.store(std::uint64_t{second} << 32U | hash, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t digest() const noexcept {
        return digest_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t lost_by_device() const noexcept {
        return lost_by_device_.load(std::memory_order_relaxed);
    }

    /// When the sample of this capture index was captured, as the latest write() saw it.
    [[nodiscard]] Clock::time_point captured_at(std::uint64_t sample) const noexcept {
        const Clock::duration origin(origin_.load(std::memory_order_acquire));
        return Clock::time_point(origin + time_of(sample));
    }
    /// Length of that many samples.
    [[nodiscard]] std::chrono::nanoseconds time_of(std::uint64_t samples) const noexcept {
        const auto rate = static_cast<std::uint64_t>(rate_hz_);
        constexpr std::uint64_t kNano = 1'000'000'000;
        return std::chrono::nanoseconds(samples / rate * kNano + samples % rate * kNano / rate);
    }
    [[nodiscard]] std::uint64_t samples_of(Clock::duration time) const noexcept {
        return static_cast<std::uint64_t>(std::chrono::duration<double>(time).count() * rate_hz_);
    }

 private:
    [[nodiscard]] bool has_ended() const noexcept {
        const State state = state_.load(std::memory_order_acquire);
        return state == State::Ended || state == State::Broken;
    }

    std::string name_;
    int rate_hz_;
    bool waits_;
    dsp::SampleRing ring_;
    std::atomic<std::int64_t> origin_{0};
    std::atomic<std::uint64_t> lost_by_device_{0};
    std::atomic<State> state_{State::Live};
    std::atomic<bool> loss_told_{false};
    std::atomic<std::uint64_t> digest_{0};
    std::string reason_;
};

}  // namespace emotiond::daemon
