#include "model/training/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Corpus read(const std::string& manifest) {
    const auto folder = test::scratch_folder();
    test::write_bytes(folder / "manifest.csv", manifest);
    return read_manifest(folder / "");
}

std::string complaint(const std::string& manifest) {
    try {
        read(manifest);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(Manifest, ReadsColumnsInAnyOrder) {
    const Corpus corpus = read(
        "licence,emotion,file,speaker,note,sex,intensity,utterance,language,split\r\n"
        "CC0-1.0,angry,a.wav,anna,\"loud, near\",female,strong,u1,en,train\r\n"
        "CC0-1.0,bored,b.wav,anna,,,,,,\r\n");
    EXPECT_EQ(corpus.name, "emotiond-Manifest-ReadsColumnsInAnyOrder");
    EXPECT_EQ(corpus.licence, "CC0-1.0");
    ASSERT_EQ(corpus.clips.size(), 2U);
    const Clip& clip = corpus.clips[0];
    EXPECT_EQ(clip.path.filename(), "a.wav");
    EXPECT_EQ(clip.corpus, corpus.name);
    EXPECT_EQ(clip.speaker, "anna");
    EXPECT_EQ(clip.emotion, "angry");
    EXPECT_EQ(clip.sex, "female");
    EXPECT_EQ(clip.intensity, "strong");
    EXPECT_EQ(clip.utterance, "u1");
    EXPECT_EQ(clip.language, "en");
    EXPECT_EQ(clip.split, "train");
    EXPECT_EQ(corpus.clips[1].emotion, "bored");
    EXPECT_THAT(corpus.skipped, IsEmpty());
    EXPECT_THAT(corpus.notes, IsEmpty());
}

TEST(Manifest, NeedsOnlyFileSpeakerAndEmotion) {
    const Corpus corpus = read("file,speaker,emotion\na.wav,anna,Fear\nb.wav,anna,Stressed\n");
    ASSERT_EQ(corpus.clips.size(), 2U);
    EXPECT_EQ(corpus.clips[0].emotion, "fearful");
    EXPECT_EQ(corpus.clips[1].emotion, "Stressed");
    EXPECT_EQ(corpus.clips[0].sex, "");
    EXPECT_EQ(corpus.licence, "unknown");
}

TEST(Manifest, TellsRowsWithoutEmotionOrSpeaker) {
    const Corpus corpus = read("file,speaker,emotion\na.wav,,sad\nb.wav,anna,\nc.wav,,sad\n");
    ASSERT_EQ(corpus.clips.size(), 2U);
    EXPECT_THAT(corpus.skipped, ElementsAre("no emotion: b.wav (line 3)"));
    EXPECT_THAT(corpus.notes, ElementsAre(HasSubstr("2 clips have no speaker")));
    EXPECT_EQ(corpus.clips[0].speaker, corpus.name + "_unknown");
}

TEST(Manifest, NamesFileAndLineOfWhatCannotBeUsed) {
    EXPECT_THAT(complaint("file,speaker,licence\na,b,x\n"),
                HasSubstr("manifest.csv:1: column 'emotion' is missing, found: file,speaker"));
    EXPECT_THAT(complaint("file,speaker,emotion,licence\na,b,angry,x\na,b\n"),
                HasSubstr("manifest.csv:3: expected 4 cells, got 2"));
    EXPECT_THAT(complaint("file,speaker,emotion,licence\na,b,angry,x\nc,b,angry,y\n"),
                HasSubstr("manifest.csv:3: licence 'y', the clips before have 'x'"));
    EXPECT_THAT(complaint("file,speaker,emotion\n,b,angry\n"),
                HasSubstr("manifest.csv:2: the cell 'file' is empty"));
}

}  // namespace
}  // namespace emotiond::model
