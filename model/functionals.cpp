#include "model/functionals.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "dsp/kernels.hpp"
#include "model/kernels.hpp"

namespace emotiond::model {
namespace {

constexpr std::size_t kQuarters = 4;
constexpr std::size_t kAround = 2;  ///< rows on either side that a delta looks at

/// HTK's regression over two rows on either side.  values: [num_rows][stride].
/// Returns [num_rows - 4][stride].
std::vector<float> regression(const std::vector<float>& values, std::size_t stride) {
    const std::size_t ends = 2 * kAround * stride;
    if (values.size() <= ends) {
        return {};
    }
    std::vector<float> deltas(values.size() - ends);
    const float* x = values.data();
    for (std::size_t i = 0; i < deltas.size(); ++i) {
        deltas[i] = (2.0F * (x[i + 4 * stride] - x[i]) + x[i + 3 * stride] - x[i + stride]) / 10.0F;
    }
    return deltas;
}

}  // namespace

/// Of some of a window's rows.
struct WindowFunctionals::Sums {
    std::size_t stride;
    float num_rows = 0.0F;
    float num_voiced = 0.0F;
    std::vector<float> columns = std::vector<float>(kernels::kNumColumnSums * stride);

    /// values: [rows][stride].
    void add(std::span<const float> values, std::span<const float> voiced, float unit) {
        num_rows += static_cast<float>(voiced.size());
        for (const float row : voiced) {
            num_voiced += row;
        }
        kernels::add_column_sums(values.data(), voiced.data(), voiced.size(), stride, unit,
                                 columns.data());
    }

    void add(const Sums& others) {
        num_rows += others.num_rows;
        num_voiced += others.num_voiced;
        std::ranges::transform(columns, others.columns, columns.begin(), std::plus());
    }

    /// A column's sum over a number of rows, 0 over none.
    [[nodiscard]] float mean(std::size_t sum, float over, std::size_t column) const {
        return columns[sum * stride + column] / std::max(1.0F, over);
    }
};

WindowFunctionals::WindowFunctionals(Options options)
    : options_(std::move(options)),
      first_band_(kernels::padded(options_.num_features)),
      stride_(first_band_ + kernels::padded(options_.num_cepstra)) {
    const std::size_t num_bands = options_.num_cepstra;
    const std::size_t padded = kernels::padded(num_bands);
    padded_bands_.resize(num_bands * padded);
    for (std::size_t i = 0; i < options_.bands.size(); ++i) {
        padded_bands_[i / num_bands * padded + i % num_bands] = options_.bands[i];
    }
}

std::size_t WindowFunctionals::size() const {
    const std::size_t width = options_.num_features + options_.num_cepstra;
    const std::size_t kinds_of_rows = options_.voicing_column ? 2 : 1;
    return width * (8 * kinds_of_rows + 2 * kernels::kLevels.size()) + kinds_of_rows - 1;
}

/// [num_rows][stride_]: the rows without their level, their bands, zeros between.
std::vector<float> WindowFunctionals::with_bands(const float* rows, std::size_t num_rows) const {
    const std::size_t num_features = options_.num_features;
    std::vector<float> values(num_rows * stride_);
    for (std::size_t row = 0; row < num_rows; ++row) {
        std::copy_n(rows + row * num_features, num_features, values.data() + row * stride_);
    }
    for (const std::size_t column : options_.follow_level) {
        float sum = 0.0F;
        for (std::size_t i = column; i < values.size(); i += stride_) {
            sum += values[i];
        }
        const float mean = sum / static_cast<float>(num_rows);
        for (std::size_t i = column; i < values.size(); i += stride_) {
            values[i] -= mean;
        }
    }
    for (std::size_t row = 0; row < num_rows; ++row) {
        float* const value = values.data() + row * stride_;
        dsp::kernels::multiply(value + options_.first_cepstrum, padded_bands_.data(),
                               options_.num_cepstra, stride_ - first_band_, value + first_band_);
    }
    return values;
}

/// [num_rows], 1 where a row is more voiced than the window's mean; all 0 where rows do not tell.
std::vector<float> WindowFunctionals::voiced_rows(const float* rows, std::size_t num_rows) const {
    std::vector<float> voiced(num_rows);
    if (options_.voicing_column) {
        const auto voicing = [&](std::size_t row) {
            return rows[row * options_.num_features + *options_.voicing_column];
        };
        float sum = 0.0F;
        for (std::size_t row = 0; row < num_rows; ++row) {
            sum += voicing(row);
        }
        const float least = sum / static_cast<float>(num_rows) + options_.voiced_above;
        for (std::size_t row = 0; row < num_rows; ++row) {
            voiced[row] = voicing(row) > least ? 1.0F : 0.0F;
        }
    }
    return voiced;
}

void WindowFunctionals::compute(const float* rows, std::size_t num_rows,
                                std::span<float> out) const {
    const std::vector<float> values = with_bands(rows, num_rows);
    const std::vector<float> voiced = voiced_rows(rows, num_rows);
    const std::vector<float> delta_values = regression(values, stride_);

    std::vector<Sums> quarters(kQuarters, Sums{stride_});
    Sums whole{stride_};
    std::size_t begin = 0;
    for (std::size_t quarter = 0; quarter < kQuarters; ++quarter) {
        std::size_t end = begin;
        while (end < num_rows && (end + 1) * kQuarters < (quarter + 1) * (num_rows + 1)) {
            ++end;
        }
        quarters[quarter].add(std::span(values).subspan(begin * stride_),
                              std::span(voiced).subspan(begin, end - begin), 1.0F);
        whole.add(quarters[quarter]);
        begin = end;
    }
    Sums deltas{stride_};
    if (!delta_values.empty()) {
        deltas.add(delta_values, std::span(voiced).subspan(kAround, num_rows - 2 * kAround),
                   kDeltaUnit);
    }

    auto next = out.begin();
    const auto tell = [&](auto&& of_column) {
        for (std::size_t i = 0; i < options_.num_features; ++i) {
            *next++ = of_column(i);
        }
        for (std::size_t i = 0; i < options_.num_cepstra; ++i) {
            *next++ = of_column(first_band_ + i);
        }
    };
    const auto tell_means = [&](const Sums& of) {
        tell([&](std::size_t column) { return of.mean(kernels::kSum, of.num_rows, column); });
        if (options_.voicing_column) {
            tell([&](std::size_t column) {
                return of.mean(kernels::kVoicedSum, of.num_voiced, column);
            });
        }
    };
    const auto tell_deviations = [&](const Sums& of) {
        const auto deviation = [&](std::size_t sum, std::size_t squares, float over) {
            tell([&, sum, squares, over](std::size_t column) {
                const float mean = of.mean(sum, over, column);
                const float variance = of.mean(squares, over, column) - mean * mean;
                return std::sqrt(std::max(variance, kLeastVariance));
            });
        };
        deviation(kernels::kSum, kernels::kSquares, of.num_rows);
        if (options_.voicing_column) {
            deviation(kernels::kVoicedSum, kernels::kVoicedSquares, of.num_voiced);
        }
    };
    if (options_.voicing_column) {
        *next++ = whole.num_voiced / whole.num_rows;
    }
    tell_means(whole);
    tell_deviations(whole);
    for (const Sums& quarter : quarters) {
        tell_means(quarter);
    }
    tell_means(deltas);
    tell_deviations(deltas);
    for (const Sums* of : {&whole, &deltas}) {
        for (std::size_t level = 0; level < kernels::kLevels.size(); ++level) {
            tell([&](std::size_t column) {
                return of->mean(kernels::kExceedances + level, of->num_rows, column);
            });
        }
    }
}

}  // namespace emotiond::model
