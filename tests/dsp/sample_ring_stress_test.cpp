#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "dsp/sample_ring.hpp"

namespace emotiond::dsp {
namespace {

constexpr std::uint64_t kNumSamples = 2'000'000;
constexpr std::size_t kMaxBlock = 400;

/// The sample of a capture index: what a float holds exactly of it.
float sample_of(std::uint64_t index) {
    return static_cast<float>(index % (1U << 24));
}

/// Writes blocks of random sizes and sometimes loses some before write().
void produce(SampleRing& ring) {
    std::minstd_rand random(1);
    std::vector<float> block;
    const auto write = [&](std::size_t size) {
        block.resize(size);
        for (std::size_t i = 0; i < size; ++i) {
            block[i] = sample_of(ring.captured() + i);
        }
        return ring.write(block);
    };
    while (ring.captured() < kNumSamples) {
        write(random() % kMaxBlock);
        if (random() % 64 == 0) {
            ring.lose(random() % 100);
        }
        if (random() % 2 == 0) {
            std::this_thread::yield();
        }
    }
    while (write(1) == 0) {  // a hole shows with the sample behind it
        std::this_thread::yield();
    }
}

TEST(SampleRing, LocatesEveryLossBetweenTwoThreads) {
    SampleRing ring(1024);
    std::atomic<bool> all_written{false};
    const std::jthread producer([&] {
        produce(ring);
        all_written = true;
    });

    std::minstd_rand random(2);
    std::vector<float> buffer(kMaxBlock);
    std::uint64_t next = 0;
    std::uint64_t num_read = 0;
    std::uint64_t num_lost = 0;
    std::uint64_t num_misplaced = 0;
    std::uint64_t num_wrong = 0;
    std::uint64_t num_overflows_seen = 0;
    while (true) {
        if (random() % 1024 == 0) {
            // Lets the ring overflow, however the threads are scheduled.
            const std::uint64_t before = ring.dropped();
            while (ring.size() < ring.capacity() && !all_written) {
                std::this_thread::yield();
            }
            while (ring.dropped() == before && !all_written) {
                std::this_thread::yield();
            }
            num_overflows_seen += ring.dropped() > before ? 1U : 0U;
        }
        const bool nothing_follows = all_written;
        const std::span<float> out(buffer.data(), 1 + random() % kMaxBlock);
        const SampleRing::Chunk chunk = ring.read(out);
        num_misplaced += chunk.first_sample != next + chunk.lost_before ? 1U : 0U;
        for (std::size_t i = 0; i < chunk.size; ++i) {
            num_wrong += out[i] != sample_of(chunk.first_sample + i) ? 1U : 0U;
        }
        next = chunk.first_sample + chunk.size;
        num_read += chunk.size;
        num_lost += chunk.lost_before;
        if (chunk.size == 0) {
            if (nothing_follows) {
                break;
            }
            std::this_thread::yield();
        }
    }

    EXPECT_EQ(num_misplaced, 0U);
    EXPECT_EQ(num_wrong, 0U);
    EXPECT_EQ(next, ring.captured());
    EXPECT_EQ(num_read + num_lost, ring.captured());
    EXPECT_EQ(num_lost, ring.dropped());
    EXPECT_GT(num_overflows_seen, 0U);
    EXPECT_GT(num_read, kNumSamples / 100) << "the consumer saw almost nothing";
}

TEST(SampleRing, DiscardsWhileTheProducerWrites) {
    SampleRing ring(1024);
    std::atomic<bool> all_written{false};
    std::jthread producer([&] {
        produce(ring);
        all_written = true;
    });

    std::minstd_rand random(3);
    std::vector<float> buffer(kMaxBlock);
    std::uint64_t next = 0;
    std::uint64_t num_discarded = 0;
    std::uint64_t num_misplaced = 0;
    std::uint64_t num_wrong = 0;
    while (true) {
        if (random() % 4 == 0 && !all_written) {
            const std::uint64_t taken = ring.taken();
            ring.discard();
            num_discarded += ring.taken() - taken;
        }
        const bool nothing_follows = all_written;
        const SampleRing::Chunk chunk = ring.read(buffer);
        num_misplaced += chunk.first_sample < next + chunk.lost_before ? 1U : 0U;
        for (std::size_t i = 0; i < chunk.size; ++i) {
            num_wrong += buffer[i] != sample_of(chunk.first_sample + i) ? 1U : 0U;
        }
        next = chunk.first_sample + chunk.size;
        if (chunk.size == 0) {
            if (nothing_follows) {
                break;
            }
            std::this_thread::yield();
        }
    }
    producer.join();

    EXPECT_EQ(num_misplaced, 0U);
    EXPECT_EQ(num_wrong, 0U);
    EXPECT_EQ(next, ring.captured());
    EXPECT_GT(num_discarded, 0U);
    EXPECT_EQ(std::ranges::count(ring.storage(), 0.0F),
              static_cast<std::ptrdiff_t>(ring.capacity()));
}

}  // namespace
}  // namespace emotiond::dsp
