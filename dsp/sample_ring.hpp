#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace emotiond::dsp {

/// Lock-free ring of samples from one producer thread to one consumer thread.
///
///      consumer reads here          producer writes here
///                |                          |
///     [ . . . .  s s s s s s s s s s s s s  . . . . ]     s: written, not yet read
///                read_                      written_
///
/// Samples carry the index at which they were captured, which a full ring does not stop: what finds
/// no room (the newest) is dropped and counted, and the consumer learns exactly where the hole is.
///
/// What has been read is gone: it is zeroed before its place is given back, so that memory holds no
/// sound but what is still to be read.
///
/// write(), lose(), read() and discard() are wait-free and real-time safe: no allocation, no lock,
/// no system call. The constructor allocates.
/// Source: Lamport 1983; relaxed own index, acquire the peer's, release to publish.
class SampleRing {
 public:
    /// Rounded up to a power of two. Throws std::invalid_argument for 0 and beyond 2^30.
    explicit SampleRing(std::size_t min_capacity_samples);

    /// Producer only. Returns how many samples of the front were taken; the rest is counted in
    /// dropped() and becomes a hole.
    std::size_t write(std::span<const float> samples) noexcept;

    /// Producer only. `count` samples were captured elsewhere and lost before write(): a hole.
    void lose(std::uint64_t count) noexcept;

    struct Chunk {
        std::uint64_t first_sample = 0;  ///< capture index of the first sample read
        std::size_t size = 0;            ///< samples read; they are consecutive
        std::uint64_t lost_before = 0;   ///< samples lost directly before first_sample
    };
    /// Consumer only. Reads up to out.size() samples and stops at a hole, so that a chunk is always
    /// without one. size 0 and lost_before 0: nothing is there.
    Chunk read(std::span<float> out) noexcept;

    /// Consumer only. Reads away, unheard, all that was written before this call, and the holes in
    /// it. The producer may write meanwhile; what it writes may go too, or stay.
    void discard() noexcept;

    /// Any thread: samples captured so far, those that were dropped included.
    [[nodiscard]] std::uint64_t captured() const noexcept {
        return captured_.load(std::memory_order_acquire);
    }
    /// Any thread: samples dropped so far.
    [[nodiscard]] std::uint64_t dropped() const noexcept {
        return dropped_.load(std::memory_order_relaxed);
    }
    /// Any thread: samples read so far.
    [[nodiscard]] std::uint64_t taken() const noexcept {
        return read_.load(std::memory_order_relaxed);
    }
    /// Samples waiting. Exact for the producer's upper and the consumer's lower bound.
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }
    /// All of it, for tests that look for what should be gone. Neither thread may be in the ring.
    [[nodiscard]] std::span<const float> storage() const noexcept { return samples_; }

 private:
    /// A hole of `lost` samples directly before the sample at ring position `position`.
    struct Hole {
        std::uint64_t position = 0;
        std::uint64_t lost = 0;
    };
    bool publish_hole() noexcept;
    [[nodiscard]] Chunk next_chunk(std::size_t max_size) const noexcept;
    void give_back(const Chunk& chunk) noexcept;

    static constexpr std::size_t kCacheLine = 64;
    static constexpr std::size_t kMaxHoles = 64;

    std::size_t mask_;
    std::vector<float> samples_;
    std::array<Hole, kMaxHoles> holes_;

    // Producer's line. Positions count the samples in the ring, indices those captured.
    alignas(kCacheLine) std::atomic<std::uint64_t> written_{0};
    std::atomic<std::uint64_t> holes_written_{0};
    std::atomic<std::uint64_t> captured_{0};
    std::atomic<std::uint64_t> dropped_{0};
    std::uint64_t pending_hole_ = 0;  ///< lost since the last sample that was written

    // Consumer's line.
    alignas(kCacheLine) std::atomic<std::uint64_t> read_{0};
    std::atomic<std::uint64_t> holes_read_{0};
    std::uint64_t next_index_ = 0;  ///< capture index of the sample at read_, holes passed included
};

}  // namespace emotiond::dsp
