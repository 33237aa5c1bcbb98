#include "model/training/csv.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace emotiond::model {
namespace {

/// Cuts a text into rows. One character of lookahead, for doubled quotes and CRLF.
class CsvParser {
 public:
    CsvParser(std::string_view text, const std::filesystem::path& path) : text_(text), path_(path) {
        constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
        if (text_.starts_with(kByteOrderMark)) {
            text_.remove_prefix(kByteOrderMark.size());
        }
    }

    std::vector<CsvRow> rows() {
        std::vector<CsvRow> rows;
        while (at_ < text_.size()) {
            CsvRow row = next_row();
            if (row.cells.size() > 1 || !row.cells.front().empty()) {
                rows.push_back(std::move(row));
            }
        }
        return rows;
    }

 private:
    CsvRow next_row() {
        CsvRow row{line_, {}};
        do {
            row.cells.push_back(peek() == '"' ? quoted_cell() : plain_cell());
        } while (take(','));
        take('\r');
        if (at_ < text_.size() && !take('\n')) {
            complain(line_, "a closing quote must be followed by a comma or the line's end");
        }
        ++line_;
        return row;
    }

    std::string plain_cell() {
        const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
        std::string cell(text_.substr(at_, end - at_));
        at_ = end;
        if (!cell.empty() && cell.back() == '\r' && peek() != ',') {
            cell.pop_back();
        }
        return cell;
    }

    std::string quoted_cell() {
        const std::size_t first_line = line_;
        std::string cell;
        for (++at_; at_ < text_.size(); ++at_) {
            if (peek() == '"') {
                ++at_;
                if (peek() != '"') {
                    return cell;
                }
            }
            line_ += peek() == '\n' ? 1U : 0U;
            cell += peek();
        }
        complain(first_line, "a quote is opened and not closed");
    }

    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    bool take(char expected) {
        const bool is_there = at_ < text_.size() && text_[at_] == expected;
        at_ += is_there ? 1U : 0U;
        return is_there;
    }

    [[noreturn]] void complain(std::size_t line, const char* what) const {
        throw std::runtime_error(path_.string() + ":" + std::to_string(line) + ": " + what);
    }

    std::string_view text_;
    const std::filesystem::path& path_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
};

}  // namespace

std::optional<std::size_t> CsvTable::find_column(std::string_view name) const {
    const auto found = std::ranges::find(header, name);
    if (found == header.end()) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - header.begin());
}

std::size_t CsvTable::require_column(std::string_view name) const {
    if (const auto found = find_column(name)) {
        return *found;
    }
    std::string names;
    for (const std::string& column : header) {
        names += (names.empty() ? "" : ",") + column;
    }
    throw std::runtime_error(path.string() + ":1: column '" + std::string(name) +
                             "' is missing, found: " + names);
}

CsvTable read_csv(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    if (!in) {
        throw std::runtime_error("cannot read " + path.string());
    }
    CsvTable table{path, {}, CsvParser(text, path).rows()};
    if (table.rows.empty()) {
        throw std::runtime_error(path.string() + ": is empty, expected a row of column names");
    }
    table.header = std::move(table.rows.front().cells);
    table.rows.erase(table.rows.begin());
    for (const CsvRow& row : table.rows) {
        if (row.cells.size() != table.header.size()) {
            throw std::runtime_error(path.string() + ":" + std::to_string(row.line) +
                                     ": expected " + std::to_string(table.header.size()) +
                                     " cells, got " + std::to_string(row.cells.size()) +
                                     (row.cells.size() > table.header.size()
                                          ? "; a cell with commas needs quotes"
                                          : ""));
        }
    }
    return table;
}

}  // namespace emotiond::model
