#include "dsp/kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "tests/dsp/signals.hpp"

namespace emotiond::dsp::kernels {
namespace {

TEST(KernelsLog, IsWithinTwoUnitsOfTheLastPlace) {
    std::vector<float> x;
    for (double value = 1.5e-38; value < 3e38; value *= 1.0007) {
        x.push_back(static_cast<float>(value));
    }
    std::vector<float> got = x;
    log(got.data(), got.size(), 1e-38F);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = std::log(static_cast<double>(x[i]));
        ASSERT_NEAR(got[i], expected, 2.4e-7 * std::abs(expected)) << x[i];
    }
}

TEST(KernelsLog, TakesTheFloorForWhatIsBelowItOrNotANumber) {
    constexpr float kFloor = 1e-10F;
    std::vector<float> x = {0.0F, -1.0F, 1e-11F, std::numeric_limits<float>::quiet_NaN(), 1.0F};
    log(x.data(), x.size(), kFloor);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(x[i], std::log(kFloor), 2e-6F);
    }
    EXPECT_EQ(x[4], 0.0F);
}

TEST(KernelsSum, AddsUpAnyNumber) {
    const std::vector<float> x = test::make_noise(100, 3);
    for (std::size_t size = 0; size <= x.size(); ++size) {
        double expected_sum = 0.0;
        double expected_energy = 0.0;
        for (std::size_t i = 0; i < size; ++i) {
            expected_sum += x[i];
            expected_energy += (x[i] - 0.25) * (x[i] - 0.25);
        }
        EXPECT_NEAR(sum(x.data(), size), expected_sum, 1e-5);
        EXPECT_NEAR(energy(x.data(), size, 0.25F), expected_energy, 1e-5);
    }
}

TEST(KernelsAllFinite, FindsTheOneThatIsNot) {
    constexpr float kMost = std::numeric_limits<float>::max();
    for (const std::size_t size : {1U, 7U, 8U, 33U, 100U}) {
        std::vector<float> x = test::make_noise(size, 6);
        x[0] = -kMost;
        EXPECT_TRUE(all_finite(x.data(), size));
        EXPECT_TRUE(all_finite(x.data(), 0));
        for (std::size_t i = 0; i < size; ++i) {
            for (const float value :
                 {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                  std::numeric_limits<float>::quiet_NaN()}) {
                const float before = std::exchange(x[i], value);
                EXPECT_FALSE(all_finite(x.data(), size)) << i << " of " << size;
                x[i] = before;
            }
        }
    }
    EXPECT_TRUE(all_finite(std::vector<float>(64, kMost).data(), 64));  // whose sum is not
}

TEST(KernelsMultiply, TakesAnyNumberOfLanesOfColumns) {
    constexpr std::size_t kRows = 5;
    const std::vector<float> row = test::make_noise(kRows, 4);
    for (std::size_t num_columns = kLanes; num_columns <= 9 * kLanes; num_columns += kLanes) {
        const std::vector<float> matrix = test::make_noise(kRows * num_columns, 5);
        std::vector<float> got(num_columns);
        multiply(row.data(), matrix.data(), kRows, num_columns, got.data());
        for (std::size_t column = 0; column < num_columns; ++column) {
            double expected = 0.0;
            for (std::size_t r = 0; r < kRows; ++r) {
                expected += static_cast<double>(row[r]) * matrix[r * num_columns + column];
            }
            EXPECT_NEAR(got[column], expected, 1e-5) << column << " of " << num_columns;
        }
    }
}

TEST(KernelsExtremes, LieWithinABoundAndAreNumbers) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> x = {3.0F, kNan,  -2.0F, 0.5F, -kNan, 3.0F,
                                  7.0F, -2.0F, 0.0F,  1.0F, 7.0F};
    std::vector<float> rising;
    for (float at = -kInfinity; (at = least(x.data(), x.size(), at)) < kInfinity;) {
        rising.push_back(at);
    }
    EXPECT_EQ(rising, (std::vector<float>{-2.0F, 0.0F, 0.5F, 1.0F, 3.0F, 7.0F}));
    std::vector<float> falling;
    for (float at = kInfinity; (at = largest(x.data(), x.size(), at)) > -kInfinity;) {
        falling.push_back(at);
    }
    EXPECT_EQ(falling, (std::vector<float>{7.0F, 3.0F, 1.0F, 0.5F, 0.0F, -2.0F}));
    EXPECT_EQ(count(x.data(), x.size(), -2.0F), 2U);
    EXPECT_EQ(count(x.data(), x.size(), 4.0F), 0U);
    EXPECT_EQ(least(x.data(), 0, -kInfinity), kInfinity);
    EXPECT_EQ(largest(x.data(), 0, kInfinity), -kInfinity);
}

TEST(KernelsTroughs, AreWhereAFallEnds) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const auto troughs_of = [](const std::vector<float>& x) {
        std::vector<float> out(x.size());
        troughs(x.data(), x.size(), out.data());
        for (float& value : out) {
            value = value == kInfinity ? 9.0F : value;
        }
        return out;
    };
    using Values = std::vector<float>;
    EXPECT_EQ(troughs_of({4.0F}), (Values{4.0F}));
    EXPECT_EQ(troughs_of({1.0F, 2.0F}), (Values{1.0F, 9.0F}));
    EXPECT_EQ(troughs_of({1.0F, 1.0F, 1.0F}), (Values{9.0F, 9.0F, 9.0F}));
    EXPECT_EQ(troughs_of({3.0F, 1.0F, 1.0F, 2.0F, 0.0F}), (Values{9.0F, 1.0F, 9.0F, 9.0F, 0.0F}));
}

}  // namespace
}  // namespace emotiond::dsp::kernels
