#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace emotiond::model {

struct CsvRow {
    std::size_t line;  ///< of the file, from 1, where the row begins
    std::vector<std::string> cells;
};

/// A table whose first row names its columns; all rows have as many cells.
struct CsvTable {
    std::filesystem::path path;
    std::vector<std::string> header;
    std::vector<CsvRow> rows;

    [[nodiscard]] std::optional<std::size_t> find_column(std::string_view name) const;
    /// Throws std::runtime_error where there is none.
    [[nodiscard]] std::size_t require_column(std::string_view name) const;
};

/// Comma-separated, UTF-8 with or without a byte order mark, lines end with LF or CRLF; a cell in
/// quotes may hold commas, line ends and, doubled, quotes. Empty lines are passed over.
/// Throws std::runtime_error with file and line for what is not.
/// Source: RFC 4180.
CsvTable read_csv(const std::filesystem::path& path);

}  // namespace emotiond::model
