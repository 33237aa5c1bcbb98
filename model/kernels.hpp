#pragma once

#include <array>
#include <cstddef>

#include "dsp/kernels.hpp"

/// What libtorch would do in many passes over memory, in one: compiled for several instruction sets
/// as those of dsp/kernels.hpp, and as deterministic.
namespace emotiond::model::kernels {

using dsp::kernels::kLanes;
using dsp::kernels::padded;

/// Where a distribution is looked at, in the unit of the values.
inline constexpr std::array kLevels{-2.5F, -1.5F, -0.75F, 0.0F, 0.75F, 1.5F, 2.5F};

/// How far around a level a value counts in part, in the same unit, so that rounding decides
/// nothing.
inline constexpr float kRamp = 0.5F;

/// Sums over rows, each [num_columns] behind each other.
enum ColumnSum : std::size_t {
    kSum,
    kSquares,
    kVoicedSum,
    kVoicedSquares,
    kExceedances,  ///< of each of kLevels
    kNumColumnSums = kExceedances + kLevels.size(),
};

/// Adds to sums: [kNumColumnSums][num_columns] those of values: [num_rows][num_columns] in
/// multiples of `unit`. voiced: [num_rows], 1 or 0. num_columns is a multiple of kLanes.
void add_column_sums(const float* values, const float* voiced, std::size_t num_rows,
                     std::size_t num_columns, float unit, float* sums);

/// One step of num_cells LSTMs of num_units.  gates: [num_cells][4][num_units], input, forget, cell
/// and output gate before their nonlinearities; overwritten.  cells: [num_cells][num_units], the
/// state, in place.  hidden: [num_cells][num_units], the answer. Exponentials are within 2e-7 of
/// their value. Source: Hochreiter & Schmidhuber 1997, in the order of torch.nn.LSTM.
void step_lstm(float* gates, std::size_t num_cells, std::size_t num_units, float* cells,
               float* hidden);

}  // namespace emotiond::model::kernels
