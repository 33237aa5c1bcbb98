#include "model/training/table.hpp"

#include <algorithm>

#include "model/training/charts.hpp"

namespace emotiond::model {
namespace {

/// Letters of UTF-8: the bytes that begin one.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char byte) { return (byte & '\xC0') != '\x80'; }));
}

/// The first cell heads its row, unless it is one of the table's header.
std::string html_row(const std::vector<std::string>& cells, bool is_header) {
    std::string row = "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const bool heads = is_header || i == 0;
        row += is_header ? "<th>" : heads ? R"(<th scope="row">)" : "<td>";
        row += escaped(cells[i]);
        row += heads ? "</th>" : "</td>";
    }
    return row + "</tr>\n";
}

}  // namespace

std::string to_text(const Table& table) {
    std::vector<std::size_t> widths;
    for (const std::string& cell : table.header) {
        widths.push_back(width_of(cell));
    }
    for (const auto& row : table.rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    std::string text;
    const auto add = [&](const std::vector<std::string>& cells) {
        std::string line;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::string blanks(widths[i] - width_of(cells[i]), ' ');
            line += (i == 0 ? "" : "  ") + (i == 0 ? cells[i] + blanks : blanks + cells[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    };
    add(table.header);
    std::ranges::for_each(table.rows, add);
    return text;
}

std::string to_markdown(const Table& table) {
    std::string text;
    const auto add = [&](const std::vector<std::string>& cells) {
        text += "|";
        for (std::string cell : cells) {
            for (std::size_t at = 0; (at = cell.find('|', at)) != std::string::npos; at += 2) {
                cell.insert(at, "\\");
            }
            text += " " + cell + " |";
        }
        text += '\n';
    };
    add(table.header);
    for (std::size_t i = 0; i < table.header.size(); ++i) {
        text += i == 0 ? "|---|" : "---:|";
    }
    text += '\n';
    std::ranges::for_each(table.rows, add);
    return text;
}

std::string to_html(const Table& table) {
    std::string html = "<div class=\"scroll\"><table>\n<thead>" + html_row(table.header, true) +
                       "</thead>\n<tbody>\n";
    for (const auto& row : table.rows) {
        html += html_row(row, false);
    }
    return html + "</tbody></table></div>\n";
}

}  // namespace emotiond::model
