#pragma once

#include <cstddef>

/// The inner loops of a feature row, compiled for several instruction sets and chosen at start-up.
/// All are real-time safe. On one machine the same input gives the same bits, whatever came before:
/// no loop depends on alignment.
namespace emotiond::dsp::kernels {

/// Sums are kept in this many partial sums; arrays that a kernel may overrun are padded by it.
inline constexpr std::size_t kLanes = 8;

/// A run of FFT bins and its weights: one mel filter.
struct BinRun {
    std::size_t first_bin;
    std::size_t first_weight;
    std::size_t num_weights;  ///< a multiple of kLanes, padded with zeros
};

/// Sum of x: [size].
float sum(const float* x, std::size_t size);

/// Sum of (x - mean)^2 over x: [size].
float energy(const float* x, std::size_t size, float mean);

/// out[i] = window[i] ((x[i] - mean) - pre_emphasis (x[i-1] - mean)), where x[-1] is x[0].
void emphasise_and_window(const float* x, const float* window, std::size_t size, float mean,
                          float pre_emphasis, float* out);

/// The spectrum of 2 half_size real samples from that of half_size complex ones, which have the
/// even samples as real and the odd as imaginary parts.  half: [half_size][2].  twiddles:
/// [2][half_size + 1], cos and -sin of pi k / half_size.  work: [2][half_size + 1].
/// out: [half_size + 1][2]. No two of the arrays may overlap.
/// Source: Press et al., Numerical Recipes, 12.3.1.
void join_halves(const float* half, const float* twiddles, std::size_t half_size, float* work,
                 float* out);

/// out[k] = re[k]^2 + im[k]^2 from re, im interleaved: [num_bins][2].
void power_spectrum(const float* re_im, std::size_t num_bins, float* out);

/// The whole of an even sequence from its first half: half: [num_bins], out: [2 num_bins - 2].
void unfold(const float* half, std::size_t num_bins, float* out);

/// How many of x: [size] have another sign than the one before; up to 1e-10 counts as 0, which is
/// not negative.
std::size_t zero_crossings(const float* x, std::size_t size);

/// Sum of max(0, x[i] - before[i]).
float sum_of_rises(const float* x, const float* before, std::size_t size);

/// out[m] = sum of power x weights over the run of filter m.
void weigh_bins(const float* power, const BinRun* runs, std::size_t num_runs, const float* weights,
                float* out);

/// out: [num_columns] = row vector [num_rows] x matrix [num_rows][num_columns]; num_columns is
/// a multiple of kLanes.
void multiply(const float* row, const float* matrix, std::size_t num_rows, std::size_t num_columns,
              float* out);

}  // namespace emotiond::dsp::kernels
