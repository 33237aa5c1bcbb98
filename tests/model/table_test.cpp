#include "model/training/table.hpp"

#include <gtest/gtest.h>

#include "tests/model/markup.hpp"

namespace emotiond::model {
namespace {

const Table kTable{{"", "UA %", "n"}, {{"ravdess", "51.8 ± 0.9", "1440"}, {"a|b <c>", "–", "7"}}};

TEST(Table, StandsInLineAsText) {
    EXPECT_EQ(to_text(kTable),
              "               UA %     n\n"
              "ravdess  51.8 ± 0.9  1440\n"
              "a|b <c>           –     7\n");
}

TEST(Table, EscapesItsBarsInMarkdown) {
    EXPECT_EQ(to_markdown(kTable),
              "|  | UA % | n |\n"
              "|---|---:|---:|\n"
              "| ravdess | 51.8 ± 0.9 | 1440 |\n"
              "| a\\|b <c> | – | 7 |\n");
}

TEST(Table, IsWellFormedHtml) {
    const std::string html = to_html(kTable);
    EXPECT_EQ(test::markup_error(html), "");
    EXPECT_NE(html.find("<th scope=\"row\">a|b &lt;c&gt;</th><td>–</td><td>7</td>"),
              std::string::npos);
}

}  // namespace
}  // namespace emotiond::model
