#include "model/training/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::HasSubstr;

std::string complaint(const std::string& manifest) {
    const auto folder = test::scratch_folder();
    test::write_bytes(folder / "manifest.csv", manifest);
    try {
        read_corpus(folder);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(Manifest, ReadsColumnsInAnyOrderAndTellsLabelsThatAreNotOurs) {
    const auto folder = test::scratch_folder();
    test::write_bytes(folder / "manifest.csv",
                      "licence,emotion,file,speaker,note\r\n"
                      "CC0-1.0,angry,a.wav,anna,loud\r\n"
                      "CC0-1.0,bored,b.wav,anna,\r\n"
                      "CC0-1.0,bored,c.wav,bert,\r\n"
                      "CC0-1.0,neutral,d.wav,bert,\r\n");
    const Corpus corpus = read_corpus(folder / "");
    EXPECT_EQ(corpus.name, folder.filename().string());
    EXPECT_EQ(corpus.licence, "CC0-1.0");
    ASSERT_EQ(corpus.clips.size(), 2U);
    EXPECT_EQ(corpus.clips[0].path, folder / "a.wav");
    EXPECT_EQ(corpus.clips[0].speaker, "anna");
    EXPECT_EQ(corpus.clips[0].label, 4U);
    EXPECT_EQ(corpus.clips[1].label, 0U);
    EXPECT_THAT(corpus.skipped, testing::ElementsAre("'bored': 2 clips"));
}

TEST(Manifest, NamesFileAndLineOfWhatCannotBeUsed) {
    EXPECT_THAT(complaint("file,speaker,emotion\na,b,angry\n"),
                HasSubstr("manifest.csv:1: column 'licence' is missing"));
    EXPECT_THAT(complaint("file,speaker,emotion,licence\na,b,angry,x\na,b\n"),
                HasSubstr("manifest.csv:3: expected 4 cells, got 2"));
    EXPECT_THAT(complaint("file,speaker,emotion,licence\na,b,bored,x\n"),
                HasSubstr("no clip has a label that is known"));
    EXPECT_THROW(read_corpus("/nonexistent"), std::runtime_error);
}

}  // namespace
}  // namespace emotiond::model
