#pragma once

#include <string>
#include <vector>

namespace emotiond::model {

/// Cells of text. The first column stands left, the others right.
struct Table {
    std::vector<std::string> header;
    std::vector<std::vector<std::string>> rows;  ///< each as long as the header
};

/// Columns in line, a line a row.
std::string to_text(const Table& table);

std::string to_markdown(const Table& table);

/// In a box that scrolls where the window is narrower than the table.
std::string to_html(const Table& table);

}  // namespace emotiond::model
