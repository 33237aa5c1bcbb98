#include "dsp/kernels.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "dsp/instruction_sets.hpp"

namespace emotiond::dsp::kernels {
namespace {

using Lanes = std::array<float, kLanes>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

inline float add_up(const Lanes& lanes) {
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
           ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/// Where fast_tanh is as good as 1. What is clamped has to go through memory: GCC would make a
/// branch of the constant that comes out of it, and no vectors of the loop.
inline float clamp_for_tanh(float x) {
    constexpr float kAsGoodAsOne = 6.0F;
    return std::min(std::max(x, -kAsGoodAsOne), kAsGoodAsOne);
}

/// Lambert's continued fraction, cut where it is within 8e-6 of tanh: std::tanh would not
/// vectorise.  x: clamped.
inline float fast_tanh(float x) {
    const float x2 = x * x;
    const float above = 34459425.0F + x2 * (4729725.0F + x2 * (135135.0F + x2 * (990.0F + x2)));
    const float below =
        34459425.0F + x2 * (16216200.0F + x2 * (945945.0F + x2 * (13860.0F + x2 * 45.0F)));
    return x * above / below;
}

/// x: positive and normal. std::log would not vectorise.
/// Source: Moshier, Cephes 2.2, logf.
inline float fast_log(float x) {
    // x = m 2^e with m from sqrt(1/2) to sqrt(2), where the polynomial is one of m - 1.
    constexpr std::int32_t kRootOfHalf = 0x3F3504F3;
    const auto bits = std::bit_cast<std::int32_t>(x);
    const std::int32_t exponent = (bits - kRootOfHalf) >> 23;
    const float f = std::bit_cast<float>(bits - exponent * (1 << 23)) - 1.0F;
    const auto e = static_cast<float>(exponent);
    float p = 7.0376836292e-2F;
    p = p * f - 1.1514610310e-1F;
    p = p * f + 1.1676998740e-1F;
    p = p * f - 1.2420140846e-1F;
    p = p * f + 1.4249322787e-1F;
    p = p * f - 1.6668057665e-1F;
    p = p * f + 2.0000714765e-1F;
    p = p * f - 2.4999993993e-1F;
    p = p * f + 3.3333331174e-1F;
    // ln 2 in two parts, of which the first times e is exact.
    const float f2 = f * f;
    return e * 0.693359375F + (f + (p * f * f2 - e * 2.12194440e-4F - 0.5F * f2));
}

/// re_im: [size][2].  out: [2][size + 1], all times scale, apart and with the period closed, so
/// that reading backwards is reading reversed vectors.
inline void split(const float* __restrict re_im, std::size_t size, float scale,
                  float* __restrict out) {
    float* re = out;
    float* im = out + size + 1;
    for (std::size_t k = 0; k < size; ++k) {
        re[k] = scale * re_im[2 * k];
        im[k] = scale * re_im[2 * k + 1];
    }
    re[size] = re[0];
    im[size] = im[0];
}

/// Adds up in four vectors, so that an addition need not wait for the one before.
template <typename Term>
inline float sum_of(std::size_t size, Term term) {
    constexpr std::size_t kBlocks = 4;
    std::array<Lanes, kBlocks> sums{};
    std::size_t i = 0;
    for (; i + kBlocks * kLanes <= size; i += kBlocks * kLanes) {
        for (std::size_t block = 0; block < kBlocks; ++block) {
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                sums[block][lane] += term(i + block * kLanes + lane);
            }
        }
    }
    for (; i + kLanes <= size; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            sums[0][lane] += term(i + lane);
        }
    }
    float rest = 0.0F;
    for (; i < size; ++i) {
        rest += term(i);
    }
    Lanes lanes{};
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        lanes[lane] = (sums[0][lane] + sums[1][lane]) + (sums[2][lane] + sums[3][lane]);
    }
    return add_up(lanes) + rest;
}

/// Whole numbers in the order of the real ones, whose least GCC finds in vectors. What is not a
/// number comes behind an infinity.
inline std::int32_t order_of(float x) {
    const auto bits = std::bit_cast<std::int32_t>(x);
    return bits < 0 ? bits ^ std::numeric_limits<std::int32_t>::max() : bits;
}

inline float in_order(std::int32_t order) {
    return std::bit_cast<float>(order < 0 ? order ^ std::numeric_limits<std::int32_t>::max()
                                          : order);
}

/// out[i] = x[0] + ... + x[i]. kLanes zeros stand before x and before out.
inline void running_sums(const double* __restrict x, std::size_t size, double* __restrict out) {
    // Each goes on from the sum that stands kLanes before, so that a vector needs none of its own.
    static_assert(kLanes == 8);
    for (std::size_t i = 0; i < size; ++i) {
        const double* at = x + i;
        out[i] = ((at[0] + at[-1]) + (at[-2] + at[-3])) + ((at[-4] + at[-5]) + (at[-6] + at[-7]));
    }
    double* before = out - kLanes;
    for (std::size_t i = 0; i < size; ++i) {
        before[i + kLanes] += before[i];
    }
}

/// A vector of GCC's and clang's: sums in arrays would stay in memory with some compilers.
using Vector = float __attribute__((vector_size(kLanes * sizeof(float))));

/// kBlocks x kLanes columns of multiply(), which do not wait for each other.
template <std::size_t kBlocks>
inline void multiply_columns(const float* row, const float* matrix, std::size_t num_rows,
                             std::size_t num_columns, float* out) {
    Vector sums[kBlocks] = {};
    for (std::size_t r = 0; r < num_rows; ++r) {
        for (std::size_t block = 0; block < kBlocks; ++block) {
            Vector cells;
            std::memcpy(&cells, matrix + r * num_columns + block * kLanes, sizeof cells);
            sums[block] += row[r] * cells;
        }
    }
    std::memcpy(out, sums, sizeof sums);
}

}  // namespace

EMOTIOND_CLONES
float sum(const float* x, std::size_t size) {
    return sum_of(size, [x](std::size_t i) { return x[i]; });
}

EMOTIOND_CLONES
float energy(const float* x, std::size_t size, float mean) {
    return sum_of(size, [x, mean](std::size_t i) { return (x[i] - mean) * (x[i] - mean); });
}

EMOTIOND_CLONES
bool all_finite(const float* x, std::size_t size) {
    // Zero times anything else is no number.
    return sum_of(size, [x](std::size_t i) { return 0.0F * x[i]; }) == 0.0F;
}

EMOTIOND_CLONES
void emphasise_and_window(const float* x, const float* window, std::size_t size, float mean,
                          float pre_emphasis, float* out) {
    const float offset = mean * (1.0F - pre_emphasis);
    out[0] = window[0] * (x[0] - pre_emphasis * x[0] - offset);
    for (std::size_t i = 1; i < size; ++i) {
        out[i] = window[i] * (x[i] - pre_emphasis * x[i - 1] - offset);
    }
}

EMOTIOND_CLONES
void power_of_halves(const float* __restrict half, const float* __restrict twiddles,
                     std::size_t half_size, float* __restrict work, float* __restrict out) {
    split(half, half_size, 0.5F, work);
    const float* re = work;
    const float* im = work + half_size + 1;
    const float* cosines = twiddles;
    const float* sines = twiddles + half_size + 1;
    for (std::size_t k = 0; k <= half_size; ++k) {
        const std::size_t mirror = half_size - k;
        const float even_re = re[k] + re[mirror];
        const float even_im = im[k] - im[mirror];
        const float odd_re = im[k] + im[mirror];
        const float odd_im = re[mirror] - re[k];
        const float bin_re = even_re + cosines[k] * odd_re - sines[k] * odd_im;
        const float bin_im = even_im + cosines[k] * odd_im + sines[k] * odd_re;
        out[k] = bin_re * bin_re + bin_im * bin_im;
    }
}

EMOTIOND_CLONES
void power_spectrum(const float* re_im, std::size_t num_bins, float* out) {
    for (std::size_t k = 0; k < num_bins; ++k) {
        out[k] = re_im[2 * k] * re_im[2 * k] + re_im[2 * k + 1] * re_im[2 * k + 1];
    }
}

EMOTIOND_CLONES
void fold_for_odd_bins(const float* __restrict x, std::size_t size, float mean,
                       const float* __restrict twiddles, std::size_t half_size,
                       float* __restrict out) {
    const float* cosines = twiddles;
    const float* sines = twiddles + half_size;
    const std::size_t num_both = size > half_size ? size - half_size : 0;
    const std::size_t num_first = std::min(size, half_size);
    for (std::size_t n = 0; n < num_both; ++n) {
        const float first = x[n] - mean;
        const float second = x[n + half_size] - mean;
        out[2 * n] = first * cosines[n] - second * sines[n];
        out[2 * n + 1] = -first * sines[n] - second * cosines[n];
    }
    for (std::size_t n = num_both; n < num_first; ++n) {
        const float first = x[n] - mean;
        out[2 * n] = first * cosines[n];
        out[2 * n + 1] = -first * sines[n];
    }
    std::fill(out + 2 * num_first, out + 2 * half_size, 0.0F);
}

EMOTIOND_CLONES
void autocorrelation_of_odd_bins(const float* __restrict half, const float* __restrict twiddles,
                                 std::size_t quarter_size, std::size_t num_lags,
                                 float* __restrict work, float* __restrict out) {
    split(half, quarter_size, 1.0F, work);
    const float* re = work;
    const float* im = work + quarter_size + 1;
    const float* even_cosines = twiddles;
    const float* even_sines = twiddles + num_lags;
    const float* odd_cosines = twiddles + 2 * num_lags;
    const float* odd_sines = twiddles + 3 * num_lags;
    for (std::size_t k = 0; k < num_lags; ++k) {
        const std::size_t mirror = quarter_size - k;
        const float even =
            even_cosines[k] * (re[k] + re[mirror]) + even_sines[k] * (im[k] - im[mirror]);
        const float odd =
            odd_cosines[k] * (im[k] + im[mirror]) + odd_sines[k] * (re[mirror] - re[k]);
        out[k] = even + odd;
    }
}

EMOTIOND_CLONES
void normalised_difference(const float* __restrict x, std::size_t size, float mean,
                           const float* __restrict autocorrelation, double scale, bool overlap,
                           std::size_t num_lags, double* __restrict work, float* __restrict out) {
    // int: the vectors of all instruction sets turn it into a real number.
    const auto n = static_cast<int>(num_lags);
    const auto length = static_cast<float>(size);
    double* __restrict values = work + kLanes;
    double* __restrict sums = values + num_lags + kLanes;
    std::fill_n(work, kLanes, 0.0);
    std::fill_n(sums - kLanes, kLanes, 0.0);
    // What the first samples have that no shifted one lies on, and the last, which it lacks.
    const float* last = x + size - 1;
    for (int i = 0; i < n; ++i) {
        const double entering = x[i] - mean;
        const double leaving = overlap ? last[-i] - mean : 0.0F;
        values[i] = entering * entering + leaving * leaving;
    }
    running_sums(values, num_lags, sums);
    const double energy = autocorrelation[0] * scale;
    for (int i = 0; i < n; ++i) {
        const double difference = 2.0 * (energy - autocorrelation[i + 1] * scale) - sums[i];
        const float share = length / (length - static_cast<float>(i + 1));
        values[i] = overlap ? difference * static_cast<double>(share) : difference;
    }
    running_sums(values, num_lags, sums);
    for (int i = 0; i < n; ++i) {
        // Nothing over nothing is nothing; a division that is made only sometimes is no vector's.
        const auto sum = static_cast<float>(sums[i]);
        out[i] = static_cast<float>(values[i]) * static_cast<float>(i + 1) /
                 (sum > 0.0F ? sum : kInfinity);
    }
}

EMOTIOND_CLONES
float least(const float* x, std::size_t size, float above) {
    const std::int32_t bound = order_of(above);
    const std::int32_t none = order_of(kInfinity);
    std::int32_t result = none;
    for (std::size_t i = 0; i < size; ++i) {
        const std::int32_t order = order_of(x[i]);
        result = std::min(result, order > bound ? order : none);
    }
    return in_order(result);
}

EMOTIOND_CLONES
float largest(const float* x, std::size_t size, float below) {
    const std::int32_t bound = order_of(below);
    const std::int32_t none = order_of(-kInfinity);
    std::int32_t result = none;
    for (std::size_t i = 0; i < size; ++i) {
        const std::int32_t order = order_of(x[i]);
        result = std::max(result, order < bound ? order : none);
    }
    return in_order(result);
}

EMOTIOND_CLONES
std::size_t count(const float* x, std::size_t size, float value) {
    std::int32_t count = 0;
    for (std::size_t i = 0; i < size; ++i) {
        count += x[i] == value ? 1 : 0;
    }
    return static_cast<std::size_t>(count);
}

EMOTIOND_CLONES
void troughs(const float* __restrict x, std::size_t size, float* __restrict out) {
    if (size == 1) {
        out[0] = x[0];
        return;
    }
    out[0] = x[0] < x[1] ? x[0] : kInfinity;
    for (std::size_t i = 1; i + 1 < size; ++i) {
        const bool is_one = (x[i] < x[i - 1]) & (x[i] <= x[i + 1]);
        out[i] = is_one ? x[i] : kInfinity;
    }
    out[size - 1] = x[size - 1] < x[size - 2] ? x[size - 1] : kInfinity;
}

EMOTIOND_CLONES
std::size_t zero_crossings(const float* x, std::size_t size) {
    constexpr float kZero = 1e-10F;
    std::int32_t count = 0;
    for (std::size_t i = 1; i < size; ++i) {
        const std::int32_t is_negative = x[i] < -kZero ? 1 : 0;
        const std::int32_t was_negative = x[i - 1] < -kZero ? 1 : 0;
        count += is_negative ^ was_negative;
    }
    return static_cast<std::size_t>(count);
}

EMOTIOND_CLONES
float sum_of_rises(const float* x, const float* before, std::size_t size) {
    Lanes lanes{};
    std::size_t i = 0;
    for (; i + kLanes <= size; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            lanes[lane] += std::max(0.0F, x[i + lane] - before[i + lane]);
        }
    }
    float rest = 0.0F;
    for (; i < size; ++i) {
        rest += std::max(0.0F, x[i] - before[i]);
    }
    return add_up(lanes) + rest;
}

EMOTIOND_CLONES
void weigh_bins(const float* power, const BinRun* runs, std::size_t num_runs, const float* weights,
                float* out) {
    for (std::size_t m = 0; m < num_runs; ++m) {
        const float* bins = power + runs[m].first_bin;
        const float* run_weights = weights + runs[m].first_weight;
        Lanes lanes{};
        for (std::size_t i = 0; i < runs[m].num_weights; i += kLanes) {
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                lanes[lane] += bins[i + lane] * run_weights[i + lane];
            }
        }
        out[m] = add_up(lanes);
    }
}

EMOTIOND_CLONES
void multiply(const float* row, const float* matrix, std::size_t num_rows, std::size_t num_columns,
              float* out) {
    std::size_t column = 0;
    for (; column + 4 * kLanes <= num_columns; column += 4 * kLanes) {
        multiply_columns<4>(row, matrix + column, num_rows, num_columns, out + column);
    }
    switch ((num_columns - column) / kLanes) {
        case 3:
            multiply_columns<3>(row, matrix + column, num_rows, num_columns, out + column);
            break;
        case 2:
            multiply_columns<2>(row, matrix + column, num_rows, num_columns, out + column);
            break;
        case 1:
            multiply_columns<1>(row, matrix + column, num_rows, num_columns, out + column);
            break;
        default: break;
    }
}

EMOTIOND_CLONES
void log(float* x, std::size_t size, float floor) {
    const float least = std::max(floor, std::numeric_limits<float>::min());
    for (std::size_t i = 0; i < size; ++i) {
        x[i] = fast_log(std::max(least, x[i]));
    }
}

EMOTIOND_CLONES
float dot(const float* x, const float* y, std::size_t size) {
    Lanes lanes{};
    for (std::size_t i = 0; i < size; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            lanes[lane] += x[i + lane] * y[i + lane];
        }
    }
    return add_up(lanes);
}

EMOTIOND_CLONES
void step_gru(float* __restrict from_row, const float* __restrict row_bias,
              const float* __restrict from_state, const float* __restrict state_bias,
              std::size_t num_units, float* __restrict state) {
    const std::size_t n = num_units;
    // Of reset and update half the argument: sigmoid(x) is (1 + tanh(x / 2)) / 2.
    for (std::size_t i = 0; i < 2 * n; ++i) {
        from_row[i] =
            clamp_for_tanh(0.5F * ((from_row[i] + row_bias[i]) + (from_state[i] + state_bias[i])));
    }
    for (std::size_t i = 0; i < 2 * n; ++i) {
        from_row[i] = 0.5F + 0.5F * fast_tanh(from_row[i]);
    }
    const float* reset = from_row;
    const float* update = from_row + n;
    float* fresh = from_row + 2 * n;
    for (std::size_t i = 0; i < n; ++i) {
        fresh[i] = clamp_for_tanh((fresh[i] + row_bias[2 * n + i]) +
                                  reset[i] * (from_state[2 * n + i] + state_bias[2 * n + i]));
    }
    for (std::size_t i = 0; i < n; ++i) {
        const float heard = fast_tanh(fresh[i]);
        state[i] = heard + update[i] * (state[i] - heard);
    }
}

}  // namespace emotiond::dsp::kernels
