#include "dsp/kernels.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

// One function body, several instruction sets, the best one bound when the program is loaded.
// Sanitizers instrument the resolvers before their runtime is up, so they get the baseline alone.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define EMOTIOND_CLONES __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define EMOTIOND_CLONES
#endif

namespace emotiond::dsp::kernels {
namespace {

using Lanes = std::array<float, kLanes>;

inline float add_up(const Lanes& lanes) {
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
           ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

}  // namespace

EMOTIOND_CLONES
float sum(const float* x, std::size_t size) {
    Lanes lanes{};
    std::size_t i = 0;
    for (; i + kLanes <= size; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            lanes[lane] += x[i + lane];
        }
    }
    float rest = 0.0F;
    for (; i < size; ++i) {
        rest += x[i];
    }
    return add_up(lanes) + rest;
}

EMOTIOND_CLONES
float energy(const float* x, std::size_t size, float mean) {
    Lanes lanes{};
    std::size_t i = 0;
    for (; i + kLanes <= size; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const float centred = x[i + lane] - mean;
            lanes[lane] += centred * centred;
        }
    }
    float rest = 0.0F;
    for (; i < size; ++i) {
        rest += (x[i] - mean) * (x[i] - mean);
    }
    return add_up(lanes) + rest;
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
void join_halves(const float* __restrict half, const float* __restrict twiddles,
                 std::size_t half_size, float* __restrict work, float* __restrict out) {
    // Apart and with the period closed, so that reading backwards is reading reversed vectors.
    float* re = work;
    float* im = work + half_size + 1;
    for (std::size_t k = 0; k < half_size; ++k) {
        re[k] = 0.5F * half[2 * k];
        im[k] = 0.5F * half[2 * k + 1];
    }
    re[half_size] = re[0];
    im[half_size] = im[0];
    const float* cosines = twiddles;
    const float* sines = twiddles + half_size + 1;
    for (std::size_t k = 0; k <= half_size; ++k) {
        const std::size_t mirror = half_size - k;
        const float even_re = re[k] + re[mirror];
        const float even_im = im[k] - im[mirror];
        const float odd_re = im[k] + im[mirror];
        const float odd_im = re[mirror] - re[k];
        out[2 * k] = even_re + cosines[k] * odd_re - sines[k] * odd_im;
        out[2 * k + 1] = even_im + cosines[k] * odd_im + sines[k] * odd_re;
    }
}

EMOTIOND_CLONES
void power_spectrum(const float* re_im, std::size_t num_bins, float* out) {
    for (std::size_t k = 0; k < num_bins; ++k) {
        out[k] = re_im[2 * k] * re_im[2 * k] + re_im[2 * k + 1] * re_im[2 * k + 1];
    }
}

EMOTIOND_CLONES
void unfold(const float* __restrict half, std::size_t num_bins, float* __restrict out) {
    const std::size_t size = 2 * num_bins - 2;
    std::copy_n(half, num_bins, out);
    for (std::size_t k = num_bins; k < size; ++k) {
        out[k] = half[size - k];
    }
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
    for (std::size_t column = 0; column < num_columns; column += kLanes) {
        Lanes lanes{};
        for (std::size_t r = 0; r < num_rows; ++r) {
            const float* cells = matrix + r * num_columns + column;
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                lanes[lane] += row[r] * cells[lane];
            }
        }
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            out[column + lane] = lanes[lane];
        }
    }
}

}  // namespace emotiond::dsp::kernels
