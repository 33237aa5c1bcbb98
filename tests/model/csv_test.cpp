#include "model/training/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CsvTable table_of(const std::string& text) {
    const auto path = test::scratch_folder() / "a.csv";
    test::write_bytes(path, text);
    return read_csv(path);
}

std::string complaint(const std::string& text) {
    try {
        table_of(text);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(CsvTable, CellsInQuotesMayHoldCommasQuotesAndLineEnds) {
    const CsvTable table = table_of("a,\"b,c\"\n\"say \"\"hi\"\"\",\"two\r\nlines\"\n,\"\"\n3,4");
    EXPECT_THAT(table.header, ElementsAre("a", "b,c"));
    ASSERT_EQ(table.rows.size(), 3U);
    EXPECT_THAT(table.rows[0].cells, ElementsAre("say \"hi\"", "two\r\nlines"));
    EXPECT_THAT(table.rows[1].cells, ElementsAre("", ""));
    EXPECT_THAT(table.rows[2].cells, ElementsAre("3", "4"));
    EXPECT_EQ(table.rows[0].line, 2U);
    EXPECT_EQ(table.rows[1].line, 4U);
}

TEST(CsvTable, AByteOrderMarkAndEitherLineEndAreNoPartOfCells) {
    const CsvTable table = table_of(
        "\xef\xbb\xbf"
        "a,b\r\n1,\"2\"\r\n\r\n3,4\r\n5,6\r");
    EXPECT_EQ(table.find_column("a"), 0U);
    ASSERT_EQ(table.rows.size(), 3U);
    EXPECT_THAT(table.rows[0].cells, ElementsAre("1", "2"));
    EXPECT_THAT(table.rows[1].cells, ElementsAre("3", "4"));
    EXPECT_THAT(table.rows[2].cells, ElementsAre("5", "6"));
}

TEST(CsvTable, AQuoteWithinAPlainCellIsALetter) {
    EXPECT_THAT(table_of("a,b\n5\" nail,x\n").rows[0].cells, ElementsAre("5\" nail", "x"));
}

TEST(CsvTable, NamesFileAndLineOfWhatIsNoTable) {
    EXPECT_THAT(complaint("a,b\n1,2\n1\n"), HasSubstr("a.csv:3: expected 2 cells, got 1"));
    EXPECT_THAT(complaint("a,b\n1,2,3\n"),
                HasSubstr("a.csv:2: expected 2 cells, got 3; a cell with commas needs quotes"));
    EXPECT_THAT(complaint("a,b\n1,2\n1,\"2\n3,4\n"),
                HasSubstr("a.csv:3: a quote is opened and not closed"));
    EXPECT_THAT(complaint("a,b\n\"1\"x,2\n"),
                HasSubstr("a.csv:2: a closing quote must be followed by a comma"));
    EXPECT_THAT(complaint(""), HasSubstr("a.csv: is empty"));
    EXPECT_THROW(read_csv("/nonexistent.csv"), std::runtime_error);
}

TEST(CsvTable, NamesTheColumnsWhereOneIsMissing) {
    const CsvTable table = table_of("a,b\n1,2\n");
    EXPECT_EQ(table.require_column("b"), 1U);
    EXPECT_EQ(table.find_column("c"), std::nullopt);
    try {
        static_cast<void>(table.require_column("c"));
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("a.csv:1: column 'c' is missing, found: a,b"));
    }
}

}  // namespace
}  // namespace emotiond::model
