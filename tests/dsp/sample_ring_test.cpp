#include "dsp/sample_ring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace emotiond::dsp {
namespace {

// Samples are letters, so that a buffer can be drawn.

std::size_t write(SampleRing& ring, std::string_view letters) {
    const std::vector<float> samples(letters.begin(), letters.end());
    return ring.write(samples);
}

struct Read {
    std::string letters;
    std::uint64_t first_sample = 0;
    std::uint64_t lost_before = 0;

    bool operator==(const Read&) const = default;
    friend void PrintTo(const Read& read, std::ostream* out) {
        *out << '"' << read.letters << "\" from " << read.first_sample << " after "
             << read.lost_before << " lost";
    }
};

Read read(SampleRing& ring, std::size_t max_size = 64) {
    std::vector<float> samples(max_size);
    const SampleRing::Chunk chunk = ring.read(samples);
    Read result{{}, chunk.first_sample, chunk.lost_before};
    for (std::size_t i = 0; i < chunk.size; ++i) {
        result.letters.push_back(static_cast<char>(samples[i]));
    }
    return result;
}

/// What the ring's memory holds; '_' for nothing.
std::string drawn(const SampleRing& ring) {
    std::string letters;
    for (const float sample : ring.storage()) {
        letters.push_back(sample == 0.0F ? '_' : static_cast<char>(sample));
    }
    return letters;
}

TEST(SampleRing, RoundsTheCapacityUpToAPowerOfTwo) {
    EXPECT_EQ(SampleRing(1).capacity(), 1U);
    EXPECT_EQ(SampleRing(4).capacity(), 4U);
    EXPECT_EQ(SampleRing(5).capacity(), 8U);
}

TEST(SampleRing, RefusesACapacityOfNothingOrTooMuch) {
    for (const std::size_t capacity : {std::size_t{0}, (std::size_t{1} << 30) + 1}) {
        try {
            const SampleRing ring(capacity);
            FAIL() << capacity << " was accepted";
        } catch (const std::invalid_argument& error) {
            EXPECT_THAT(error.what(),
                        testing::HasSubstr("1 to 2^30 samples, got " + std::to_string(capacity)));
        }
    }
}

TEST(SampleRing, IsEmptyAtFirst) {
    SampleRing ring(4);  // "____"
    EXPECT_EQ(read(ring), (Read{"", 0, 0}));
    EXPECT_EQ(ring.size(), 0U);
    EXPECT_EQ(ring.captured(), 0U);
}

TEST(SampleRing, KeepsOrderAcrossTheWrap) {
    SampleRing ring(4);
    EXPECT_EQ(write(ring, "abc"), 3U);             // "abc_"
    EXPECT_EQ(read(ring, 2), (Read{"ab", 0, 0}));  // "__c_"
    EXPECT_EQ(write(ring, "def"), 3U);             // "efcd"
    EXPECT_EQ(ring.size(), 4U);
    EXPECT_EQ(read(ring, 3), (Read{"cde", 2, 0}));  // "_f__"
    EXPECT_EQ(read(ring), (Read{"f", 5, 0}));       // "____"
    EXPECT_EQ(read(ring), (Read{"", 6, 0}));
    EXPECT_EQ(ring.captured(), 6U);
    EXPECT_EQ(ring.dropped(), 0U);
}

TEST(SampleRing, DropsTheNewestWhenFull) {
    SampleRing ring(4);
    EXPECT_EQ(write(ring, "abcdef"), 4U);  // "abcd", "ef" is lost
    EXPECT_EQ(ring.captured(), 6U);
    EXPECT_EQ(ring.dropped(), 2U);
    EXPECT_EQ(write(ring, "g"), 0U);                // "g" too
    EXPECT_EQ(read(ring, 3), (Read{"abc", 0, 0}));  // "___d"
    EXPECT_EQ(write(ring, "hi"), 2U);               // "hi_d", the hole before h
    EXPECT_EQ(read(ring), (Read{"d", 3, 0}));       // "hi__", not over the hole
    EXPECT_EQ(read(ring), (Read{"hi", 7, 3}));      // "____"
    EXPECT_EQ(ring.captured(), 9U);
    EXPECT_EQ(ring.dropped(), 3U);
}

TEST(SampleRing, TellsWhereEachHoleIs) {
    SampleRing ring(8);
    ring.lose(3);
    write(ring, "ab");
    ring.lose(5);
    write(ring, "c");
    ring.lose(1);
    ring.lose(1);
    write(ring, "de");  // "abcde___", holes before a, c, d
    EXPECT_EQ(read(ring, 1), (Read{"a", 3, 3}));
    EXPECT_EQ(read(ring, 8), (Read{"b", 4, 0}));
    EXPECT_EQ(read(ring, 8), (Read{"c", 10, 5}));
    EXPECT_EQ(read(ring, 8), (Read{"de", 13, 2}));
    EXPECT_EQ(ring.captured(), 15U);
    EXPECT_EQ(ring.dropped(), 10U);
}

TEST(SampleRing, ShowsAHoleWithTheSampleBehindIt) {
    SampleRing ring(4);
    write(ring, "a");
    ring.lose(2);
    EXPECT_EQ(read(ring), (Read{"a", 0, 0}));
    EXPECT_EQ(read(ring), (Read{"", 1, 0}));
    EXPECT_EQ(ring.captured(), 3U);
    write(ring, "b");
    EXPECT_EQ(read(ring), (Read{"b", 3, 2}));
}

TEST(SampleRing, HoldsNothingOfWhatWasRead) {
    SampleRing ring(4);
    write(ring, "abc");
    EXPECT_EQ(drawn(ring), "abc_");
    read(ring, 2);
    EXPECT_EQ(drawn(ring), "__c_");
    write(ring, "def");
    EXPECT_EQ(drawn(ring), "efcd");
    read(ring, 3);
    EXPECT_EQ(drawn(ring), "_f__");
    read(ring);
    EXPECT_EQ(drawn(ring), "____");
}

TEST(SampleRing, DiscardsWhatIsUnreadWithItsHoles) {
    SampleRing ring(8);
    write(ring, "abcde");
    read(ring, 4);
    write(ring, "fg");
    ring.lose(3);
    write(ring, "hij");
    EXPECT_EQ(drawn(ring), "ij__efgh");  // a hole before h
    ring.discard();
    EXPECT_EQ(drawn(ring), "________");
    EXPECT_EQ(ring.size(), 0U);
    EXPECT_EQ(read(ring), (Read{"", 13, 0}));
    ring.discard();  // of nothing
    ring.lose(2);
    write(ring, "kl");
    EXPECT_EQ(read(ring), (Read{"kl", 15, 2}));
}

TEST(SampleRing, CarriesIndicesOf64Bits) {
    SampleRing ring(4);
    const std::uint64_t many = std::uint64_t{1} << 40;
    write(ring, "a");
    ring.lose(many);
    write(ring, "b");
    EXPECT_EQ(read(ring), (Read{"a", 0, 0}));
    EXPECT_EQ(read(ring), (Read{"b", many + 1, many}));
    EXPECT_EQ(ring.captured(), many + 2);
}

TEST(SampleRing, LosesSamplesRatherThanTheirPlaceWhenHolesAreTooMany) {
    SampleRing ring(256);
    std::size_t taken = 0;
    for (int i = 0; i < 100; ++i) {
        taken += write(ring, "x");
        ring.lose(1);
    }
    EXPECT_LT(taken, 100U);
    EXPECT_EQ(ring.captured(), 200U);
    EXPECT_EQ(ring.dropped(), 200U - taken);

    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < taken; ++i) {
        EXPECT_EQ(read(ring), (Read{"x", expected, i == 0 ? 0U : 1U}));
        expected += 2;
    }
    EXPECT_EQ(read(ring), (Read{"", expected - 1, 0}));
    EXPECT_EQ(write(ring, "y"), 1U);
    EXPECT_EQ(read(ring), (Read{"y", 200, 200 - (expected - 1)}));
}

TEST(SampleRing, AgreesWithAQueueOfIndices) {
    constexpr std::size_t kCapacity = 8;
    SampleRing ring(kCapacity);
    std::deque<std::uint64_t> queue;
    std::uint64_t captured = 0;
    std::uint64_t next = 0;
    std::minstd_rand random(1);
    std::vector<float> samples;
    for (int step = 0; step < 20000; ++step) {
        samples.resize(random() % 11);
        for (float& sample : samples) {
            sample = static_cast<float>(captured);
            if (queue.size() < kCapacity) {
                queue.push_back(captured);
            }
            ++captured;
        }
        ring.write(samples);
        if (random() % 4 == 0) {
            const std::uint64_t count = random() % 5;
            ring.lose(count);
            captured += count;
        }
        ASSERT_EQ(ring.captured(), captured);
        ASSERT_EQ(ring.size(), queue.size());

        samples.resize(random() % 11);
        const SampleRing::Chunk chunk = ring.read(samples);
        ASSERT_EQ(chunk.first_sample, next + chunk.lost_before);
        ASSERT_LE(chunk.size, queue.size());
        for (std::size_t i = 0; i < chunk.size; ++i) {
            ASSERT_EQ(queue.front(), chunk.first_sample + i);
            ASSERT_EQ(samples[i], static_cast<float>(queue.front()));
            queue.pop_front();
        }
        next = chunk.first_sample + chunk.size;
    }
    EXPECT_GT(ring.dropped(), 1000U);
    EXPECT_GT(next, 50000U);
}

}  // namespace
}  // namespace emotiond::dsp
