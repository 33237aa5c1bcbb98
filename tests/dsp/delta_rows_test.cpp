#include "dsp/delta_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "tests/dsp/signals.hpp"

namespace emotiond::dsp {
namespace {

using Matrix = std::vector<std::vector<double>>;  // [num_rows][num_features]

FeatureSpec spec_of(DeltaKind kind, int order, int half_width) {
    FeatureSpec spec;
    spec.num_coeffs = 3;
    spec.delta_kind = kind;
    spec.delta_order = order;
    spec.delta_half_width = half_width;
    return spec;
}

Matrix random_rows(std::size_t num_rows) {
    const std::vector<float> values = test::make_noise(num_rows * 3 + 500, 11);
    Matrix rows(num_rows);
    for (std::size_t r = 0; r < num_rows; ++r) {
        rows[r].assign(values.end() - static_cast<std::ptrdiff_t>(3 * r + 3),
                       values.end() - static_cast<std::ptrdiff_t>(3 * r));
    }
    return rows;
}

/// sum k (x[t+k] - x[t-k]) / (2 sum k^2), where rows before the first and after the last repeat it.
Matrix regression(const Matrix& rows, int half_width) {
    const int last = static_cast<int>(rows.size()) - 1;
    const auto at = [&](int row, std::size_t i) {
        return rows[static_cast<std::size_t>(std::clamp(row, 0, last))][i];
    };
    Matrix deltas = rows;
    for (int t = 0; t <= last; ++t) {
        for (std::size_t i = 0; i < 3; ++i) {
            double sum = 0.0;
            double norm = 0.0;
            for (int k = 1; k <= half_width; ++k) {
                sum += k * (at(t + k, i) - at(t - k, i));
                norm += 2.0 * k * k;
            }
            deltas[static_cast<std::size_t>(t)][i] = sum / norm;
        }
    }
    return deltas;
}

/// The coefficient of t^degree in the polynomial of that degree that fits y(t), t = 0, 1, ...,
/// best: normal equations, Gaussian elimination.
double leading_coefficient(const std::vector<double>& y, int degree) {
    const auto size = static_cast<std::size_t>(degree) + 1;
    std::vector<std::vector<double>> a(size, std::vector<double>(size + 1, 0.0));
    for (std::size_t t = 0; t < y.size(); ++t) {
        for (std::size_t r = 0; r < size; ++r) {
            for (std::size_t c = 0; c < size; ++c) {
                a[r][c] += std::pow(static_cast<double>(t), static_cast<double>(r + c));
            }
            a[r][size] += y[t] * std::pow(static_cast<double>(t), static_cast<double>(r));
        }
    }
    for (std::size_t pivot = 0; pivot < size; ++pivot) {
        for (std::size_t r = pivot + 1; r < size; ++r) {
            const double factor = a[r][pivot] / a[pivot][pivot];
            for (std::size_t c = pivot; c <= size; ++c) {
                a[r][c] -= factor * a[pivot][c];
            }
        }
    }
    return a[size - 1][size] / a[size - 1][size - 1];
}

/// The derivative of the polynomial of degree `order` fitted to the window around each row; at the
/// edges, of the outermost whole window.
Matrix savitzky_golay(const Matrix& rows, int order, int half_width) {
    const auto half = static_cast<std::size_t>(half_width);
    Matrix deltas = rows;
    for (std::size_t t = 0; t < rows.size(); ++t) {
        const std::size_t centre = std::clamp(t, half, rows.size() - 1 - half);
        for (std::size_t i = 0; i < 3; ++i) {
            std::vector<double> window;
            for (std::size_t row = centre - half; row <= centre + half; ++row) {
                window.push_back(rows[row][i]);
            }
            deltas[t][i] = (order == 2 ? 2.0 : 1.0) * leading_coefficient(window, order);
        }
    }
    return deltas;
}

struct Output {
    Matrix rows;
    std::vector<std::size_t> counts;  ///< rows given so far, after each push()
};

Output output_of(DeltaRows& deltas, const FeatureSpec& spec, const Matrix& statics) {
    Output output;
    std::vector<float> row(spec.num_features());
    const auto take = [&] {
        while (deltas.next(row)) {
            output.rows.emplace_back(row.begin(), row.end());
        }
    };
    for (const auto& values : statics) {
        deltas.push(std::vector<float>(values.begin(), values.end()));
        take();
        output.counts.push_back(output.rows.size());
    }
    deltas.finish();
    take();
    return output;
}

Matrix join(const std::vector<Matrix>& orders) {
    Matrix rows = orders[0];
    for (std::size_t order = 1; order < orders.size(); ++order) {
        for (std::size_t r = 0; r < rows.size(); ++r) {
            rows[r].insert(rows[r].end(), orders[order][r].begin(), orders[order][r].end());
        }
    }
    return rows;
}

void expect_near(const Matrix& rows, const Matrix& expected) {
    ASSERT_EQ(rows.size(), expected.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
        ASSERT_EQ(rows[r].size(), expected[r].size());
        for (std::size_t i = 0; i < rows[r].size(); ++i) {
            EXPECT_NEAR(rows[r][i], expected[r][i], 2e-7) << "row " << r << " feature " << i;
        }
    }
}

TEST(DeltaRows, RegressesAsHtkDoes) {
    for (const int half_width : {1, 2, 4}) {
        for (const std::size_t num_rows : {1U, 2U, 3U, 5U, 50U}) {
            SCOPED_TRACE(testing::Message() << "+-" << half_width << ", " << num_rows << " rows");
            const Matrix statics = random_rows(num_rows);
            const Matrix first = regression(statics, half_width);
            const FeatureSpec spec = spec_of(DeltaKind::Regression, 2, half_width);
            DeltaRows deltas(spec);
            expect_near(output_of(deltas, spec, statics).rows,
                        join({statics, first, regression(first, half_width)}));
        }
    }
}

TEST(DeltaRows, FitsPolynomialsAsSavitzkyAndGolayDo) {
    for (const int half_width : {1, 2, 4}) {
        const auto width = static_cast<std::size_t>(2 * half_width + 1);
        for (const std::size_t num_rows : {width, width + 1, 2 * width, std::size_t{50}}) {
            SCOPED_TRACE(testing::Message() << "+-" << half_width << ", " << num_rows << " rows");
            const Matrix statics = random_rows(num_rows);
            const FeatureSpec spec = spec_of(DeltaKind::SavitzkyGolay, 2, half_width);
            DeltaRows deltas(spec);
            expect_near(output_of(deltas, spec, statics).rows,
                        join({statics, savitzky_golay(statics, 1, half_width),
                              savitzky_golay(statics, 2, half_width)}));
        }
    }
}

TEST(DeltaRows, HasNoSlopeInLessThanASavitzkyGolayWindow) {
    const Matrix statics = random_rows(8);
    const Matrix zeros(8, std::vector<double>(3, 0.0));
    const FeatureSpec spec = spec_of(DeltaKind::SavitzkyGolay, 2, 4);
    DeltaRows deltas(spec);
    expect_near(output_of(deltas, spec, statics).rows, join({statics, zeros, zeros}));
}

TEST(DeltaRows, GivesARowAsSoonAsTheRowsItLooksAheadToAreThere) {
    for (const DeltaKind kind : {DeltaKind::Regression, DeltaKind::SavitzkyGolay}) {
        for (const int order : {0, 1, 2}) {
            SCOPED_TRACE(testing::Message()
                         << "kind " << static_cast<int>(kind) << " order " << order);
            const FeatureSpec spec = spec_of(kind, order, 2);
            DeltaRows deltas(spec);
            const std::vector<std::size_t> counts = output_of(deltas, spec, random_rows(20)).counts;
            const std::size_t lookahead = spec.lookahead_rows();
            const bool whole_window = kind == DeltaKind::SavitzkyGolay && order > 0;
            for (std::size_t pushed = 1; pushed <= 20; ++pushed) {
                const std::size_t first = whole_window ? 5 : lookahead + 1;
                EXPECT_EQ(counts[pushed - 1], pushed < first ? 0 : pushed - lookahead);
            }
        }
    }
}

TEST(DeltaRows, StartsAnewAfterReset) {
    const FeatureSpec spec = spec_of(DeltaKind::Regression, 2, 2);
    DeltaRows deltas(spec);
    const Matrix once = output_of(deltas, spec, random_rows(17)).rows;
    deltas.reset();
    EXPECT_EQ(output_of(deltas, spec, random_rows(17)).rows, once);
    deltas.reset();
    deltas.push(std::vector<float>(3, 1.0F));
    deltas.reset();
    EXPECT_EQ(output_of(deltas, spec, random_rows(17)).rows, once);
}

}  // namespace
}  // namespace emotiond::dsp
