#pragma once

#include <cstddef>

/// The inner loops of a feature row, compiled for several instruction sets and chosen at start-up.
/// All are real-time safe. On one machine the same input gives the same bits, whatever came before:
/// no loop depends on alignment.
namespace emotiond::dsp::kernels {

/// Sums are kept in this many partial sums; arrays that a kernel may overrun are padded by it.
inline constexpr std::size_t kLanes = 8;

/// size, or the next multiple of kLanes.
constexpr std::size_t padded(std::size_t size) {
    return (size + kLanes - 1) / kLanes * kLanes;
}

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

/// Is none of x: [size] infinite or not a number?
bool all_finite(const float* x, std::size_t size);

/// out[i] = window[i] ((x[i] - mean) - pre_emphasis (x[i-1] - mean)), where x[-1] is x[0].
void emphasise_and_window(const float* x, const float* window, std::size_t size, float mean,
                          float pre_emphasis, float* out);

/// The power spectrum of 2 half_size real samples from the spectrum of half_size complex ones,
/// which have the even samples as real and the odd as imaginary parts.  half: [half_size][2].
/// twiddles: [2][half_size + 1], cos and -sin of pi k / half_size.  work: [2][half_size + 1]. out:
/// [half_size + 1]. No two of the arrays may overlap. Source: Press et al., Numerical
/// Recipes, 12.3.1.
void power_of_halves(const float* half, const float* twiddles, std::size_t half_size, float* work,
                     float* out);

/// out[k] = re[k]^2 + im[k]^2 from re, im interleaved: [num_bins][2].
void power_spectrum(const float* re_im, std::size_t num_bins, float* out);

/// What a complex transform of half_size makes the spectrum of 2 half_size real samples between its
/// bins of: out[n] = (y[n] - i y[n + half_size]) e^(-i pi n / (2 half_size)), where y is x - mean,
/// zeros behind it. Its bin m is that of 2m + 1/2, and those are all there are but for conjugates.
/// x: [size], size up to 2 half_size.  twiddles: [2][half_size], cos and sin of pi n / (2
/// half_size). out: [half_size][2].
void fold_for_odd_bins(const float* x, std::size_t size, float mean, const float* twiddles,
                       std::size_t half_size, float* out);

/// The way back, to what the power of those bins is the spectrum of: the autocorrelation.
/// half: [quarter_size][2], the transform of the power, even ones as real and odd as imaginary
/// parts. twiddles: [4][num_lags], cos and sin of a and 5a, a = pi k / (4 quarter_size). work:
/// [2][quarter_size + 1].  out[k]: lag k times 4 quarter_size, num_lags up to quarter_size. No two
/// of the arrays may overlap.
void autocorrelation_of_odd_bins(const float* half, const float* twiddles, std::size_t quarter_size,
                                 std::size_t num_lags, float* work, float* out);

/// YIN's d', the difference of x from itself k samples later over the mean of those up to k, for
/// lags 1 to num_lags, less than size. overlap: each is the mean over the samples that both share,
/// else the sum over all, zeros behind them.
/// x: [size].  autocorrelation: [num_lags + 1], times scale that of x - mean with zeros behind it.
/// work: [2 (kLanes + num_lags)].  out: [num_lags]. No two of the arrays may overlap.
/// Source: de Cheveigne & Kawahara 2002.
void normalised_difference(const float* x, std::size_t size, float mean,
                           const float* autocorrelation, double scale, bool overlap,
                           std::size_t num_lags, double* work, float* out);

/// The least of x: [size] that is above a bound, else infinity.
float least(const float* x, std::size_t size, float above);

/// The largest of x: [size] that is below a bound, else minus infinity.
float largest(const float* x, std::size_t size, float below);

/// How many of x: [size] are that value.
std::size_t count(const float* x, std::size_t size, float value);

/// out[i] = x[i] where x fell to i and does not fall behind it, else infinity. The first is a
/// trough where x rises behind it, the last where x fell to it; a single value is one. size at
/// least 1.
void troughs(const float* x, std::size_t size, float* out);

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

/// x[i] = ln(max(floor, x[i])), in place on x: [size]; floor from the least normal number on. What
/// is not a number counts as the floor. Within 2 units of the last place.
void log(float* x, std::size_t size, float floor);

/// Sum of x[i] y[i]; size is a multiple of kLanes.
float dot(const float* x, const float* y, std::size_t size);

/// One step of a GRU, in place on state: [num_units], which stays within -1..1.  from_row,
/// row_bias, from_state, state_bias: [3][num_units], of the gates reset, update, new; from_row is
/// overwritten. Its tanh is within 1e-5.
void step_gru(float* from_row, const float* row_bias, const float* from_state,
              const float* state_bias, std::size_t num_units, float* state);

}  // namespace emotiond::dsp::kernels
