#pragma once

#include <string>

namespace emotiond::test {

/// The bytes of a TorchScript module with these methods, as torch.jit.save() in Python writes them.
/// source: TorchScript, for example "def forward(self, rows, num_rows):\n  return rows[:, 0,
/// :2]\n".
/// has_mode: with the attribute `training`, as all have but frozen ones; true, as if saved so.
std::string scripted_module(const std::string& source, bool has_mode = false);

/// Answers with the first `columns` features of a window's first row: a test says by the row what
/// the logits are.
inline std::string first_row_module(int columns) {
    return scripted_module("def forward(self, rows, num_rows):\n  return rows[:, 0, :" +
                           std::to_string(columns) + "]\n");
}

}  // namespace emotiond::test
