#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "model/training/summary.hpp"

namespace emotiond::model {

/// A run in words, tables and pictures. All of them tell the numbers of one Summary, which is that
/// of `input`: summarize(input).

/// Two or three sentences that say how good the model is.
std::string verdict(const Summary& summary);

/// One page that needs nothing beside it: no script, no other file. Follows the reader's light or
/// dark scheme and the width of the window, and can be printed.
std::string html_report(const ReportInput& input, const Summary& summary);

/// For programs. Shares are 0 to 1, rounded to four decimals.
nlohmann::ordered_json json_report(const ReportInput& input, const Summary& summary);

/// For a terminal: the figures of each protocol and corpus, and what their scores are worth.
std::string text_tables(const Summary& summary);

/// For docs/results.md: the same tables, and a confusion matrix for each protocol and corpus.
std::string markdown_tables(const Summary& summary);

}  // namespace emotiond::model
