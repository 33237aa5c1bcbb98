#include "dsp/sample_ring.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace emotiond::dsp {
namespace {

std::size_t checked_capacity(std::size_t min_capacity_samples) {
    constexpr std::size_t kMax = std::size_t{1} << 30;
    if (min_capacity_samples == 0 || min_capacity_samples > kMax) {
        throw std::invalid_argument("sample ring: capacity must be 1 to 2^30 samples, got " +
                                    std::to_string(min_capacity_samples));
    }
    return std::bit_ceil(min_capacity_samples);
}

}  // namespace

SampleRing::SampleRing(std::size_t min_capacity_samples)
    : mask_(checked_capacity(min_capacity_samples) - 1), samples_(mask_ + 1) {}

bool SampleRing::publish_hole() noexcept {
    if (pending_hole_ == 0) {
        return true;
    }
    const std::uint64_t index = holes_written_.load(std::memory_order_relaxed);
    if (index - holes_read_.load(std::memory_order_acquire) == kMaxHoles) {
        return false;
    }
    holes_[index % kMaxHoles] = {written_.load(std::memory_order_relaxed), pending_hole_};
    // Released before the samples behind the hole are: who sees those sees the hole.
    holes_written_.store(index + 1, std::memory_order_release);
    pending_hole_ = 0;
    return true;
}

std::size_t SampleRing::write(std::span<const float> samples) noexcept {
    const std::uint64_t written = written_.load(std::memory_order_relaxed);
    const std::uint64_t used = written - read_.load(std::memory_order_acquire);
    std::size_t taken = std::min<std::size_t>(samples.size(), capacity() - used);
    if (taken > 0 && !publish_hole()) {
        taken = 0;
    }
    const std::size_t at = written & mask_;
    const std::size_t before_wrap = std::min(taken, capacity() - at);
    std::copy_n(samples.data(), before_wrap, samples_.data() + at);
    std::copy_n(samples.data() + before_wrap, taken - before_wrap, samples_.data());

    lose(samples.size() - taken);
    captured_.store(captured_.load(std::memory_order_relaxed) + taken, std::memory_order_relaxed);
    written_.store(written + taken, std::memory_order_release);
    return taken;
}

void SampleRing::lose(std::uint64_t count) noexcept {
    pending_hole_ += count;
    captured_.store(captured_.load(std::memory_order_relaxed) + count, std::memory_order_release);
    dropped_.store(dropped_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

SampleRing::Chunk SampleRing::read(std::span<float> out) noexcept {
    const Chunk chunk = next_chunk(out.size());
    const std::size_t at = read_.load(std::memory_order_relaxed) & mask_;
    const std::size_t before_wrap = std::min(chunk.size, capacity() - at);
    std::copy_n(samples_.data() + at, before_wrap, out.data());
    std::copy_n(samples_.data(), chunk.size - before_wrap, out.data() + before_wrap);
    give_back(chunk);
    return chunk;
}

void SampleRing::discard() noexcept {
    const std::uint64_t end = written_.load(std::memory_order_acquire);
    while (read_.load(std::memory_order_relaxed) < end) {
        give_back(next_chunk(capacity()));
    }
}

SampleRing::Chunk SampleRing::next_chunk(std::size_t max_size) const noexcept {
    Chunk chunk;
    const std::uint64_t position = read_.load(std::memory_order_relaxed);
    std::uint64_t end = written_.load(std::memory_order_acquire);
    std::uint64_t next_hole = holes_read_.load(std::memory_order_relaxed);
    const std::uint64_t holes = holes_written_.load(std::memory_order_acquire);
    if (next_hole < holes && holes_[next_hole % kMaxHoles].position == position) {
        chunk.lost_before = holes_[next_hole % kMaxHoles].lost;
        ++next_hole;
    }
    if (next_hole < holes) {
        end = std::min(end, holes_[next_hole % kMaxHoles].position);
    }
    chunk.first_sample = next_index_ + chunk.lost_before;
    chunk.size = std::min<std::size_t>(max_size, end - position);
    return chunk;
}

/// Zeroes the chunk's samples first: behind read_ they are the producer's to overwrite.
void SampleRing::give_back(const Chunk& chunk) noexcept {
    const std::uint64_t position = read_.load(std::memory_order_relaxed);
    const std::size_t at = position & mask_;
    const std::size_t before_wrap = std::min(chunk.size, capacity() - at);
    std::fill_n(samples_.data() + at, before_wrap, 0.0F);
    std::fill_n(samples_.data(), chunk.size - before_wrap, 0.0F);

    next_index_ = chunk.first_sample + chunk.size;
    const std::uint64_t holes_passed = chunk.lost_before > 0 ? 1 : 0;
    holes_read_.store(holes_read_.load(std::memory_order_relaxed) + holes_passed,
                      std::memory_order_release);
    read_.store(position + chunk.size, std::memory_order_release);
}

std::size_t SampleRing::size() const noexcept {
    const std::uint64_t read = read_.load(std::memory_order_acquire);
    return written_.load(std::memory_order_acquire) - read;
}

}  // namespace emotiond::dsp
