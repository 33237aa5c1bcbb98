#include "model/kernels.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "dsp/instruction_sets.hpp"

namespace emotiond::model::kernels {
namespace {

/// A vector of GCC's and clang's: an array would be summed in memory here.
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

/// Beyond it neither sigmoid nor tanh changes, and exponential() of its double is finite yet.
constexpr float kSaturated = 40.0F;

/// For |x| up to 87: a power of two times the Taylor polynomial of what is left, so that loops
/// vectorise.
inline float exponential(float x) {
    constexpr float kLog2E = 1.44269504F;
    constexpr float kLn2High =
        0.693359375F;  // few digits: its products with small integers are exact
    constexpr float kLn2Low = -2.12194440e-4F;
    constexpr float kToInteger = 12582912.0F;  // 1.5 2^23: adding it rounds to the unit
    const float shifted = x * kLog2E + kToInteger;
    const float power = shifted - kToInteger;
    const float rest = (x - power * kLn2High) - power * kLn2Low;
    float sum = 1.0F / 720.0F;
    sum = sum * rest + 1.0F / 120.0F;
    sum = sum * rest + 1.0F / 24.0F;
    sum = sum * rest + 1.0F / 6.0F;
    sum = sum * rest + 0.5F;
    sum = sum * rest + 1.0F;
    sum = sum * rest + 1.0F;
    const std::int32_t exponent = std::bit_cast<std::int32_t>(shifted) << 23;
    return std::bit_cast<float>(std::bit_cast<std::int32_t>(sum) + exponent);
}

inline float saturated(float x) {
    return std::min(std::max(x, -kSaturated), kSaturated);
}

inline float sigmoid(float x) {
    return 1.0F / (1.0F + exponential(-x));
}

inline float tanh_of(float x) {
    return 1.0F - 2.0F / (1.0F + exponential(2.0F * x));
}

}  // namespace

EMOTIOND_CLONES
void add_column_sums(const float* __restrict values, const float* __restrict voiced,
                     std::size_t num_rows, std::size_t num_columns, float unit,
                     float* __restrict sums) {
    const float scale = 1.0F / (kRamp * unit);
    for (std::size_t column = 0; column < num_columns; column += kLanes) {
        Lanes block[kNumColumnSums] = {};
        for (std::size_t row = 0; row < num_rows; ++row) {
            Lanes x;
            std::memcpy(&x, values + row * num_columns + column, sizeof x);
            const Lanes square = x * x;
            block[kSum] += x;
            block[kSquares] += square;
            block[kVoicedSum] += voiced[row] * x;
            block[kVoicedSquares] += voiced[row] * square;
            for (std::size_t level = 0; level < kLevels.size(); ++level) {
                Lanes above = x * scale + (0.5F - kLevels[level] / kRamp);
                above = above > 0.0F ? above : Lanes{};
                block[kExceedances + level] += above < 1.0F ? above : Lanes{} + 1.0F;
            }
        }
        for (std::size_t sum = 0; sum < kNumColumnSums; ++sum) {
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                sums[sum * num_columns + column + lane] += block[sum][lane];
            }
        }
    }
}

EMOTIOND_CLONES
void step_lstm(float* __restrict gates, std::size_t num_cells, std::size_t num_units,
               float* __restrict cells, float* __restrict hidden) {
    const std::size_t n = num_units;
    for (std::size_t cell = 0; cell < num_cells; ++cell) {
        float* gate = gates + cell * 4 * n;
        float* state = cells + cell * n;
        float* out = hidden + cell * n;
        // In loops of their own: a bound before more arithmetic becomes a branch.
        for (std::size_t i = 0; i < 4 * n; ++i) {
            gate[i] = saturated(gate[i]);
        }
        for (std::size_t i = 0; i < n; ++i) {
            state[i] =
                sigmoid(gate[n + i]) * state[i] + sigmoid(gate[i]) * tanh_of(gate[2 * n + i]);
            out[i] = saturated(state[i]);
        }
        for (std::size_t i = 0; i < n; ++i) {
            out[i] = sigmoid(gate[3 * n + i]) * tanh_of(out[i]);
        }
    }
}

}  // namespace emotiond::model::kernels
