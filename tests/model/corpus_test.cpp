#include "model/training/corpus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string complaint(const std::filesystem::path& folder) {
    try {
        read_corpus(folder);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

/// A corpus of clips with these emotions.
Corpus corpus_of(const std::string& name, const std::vector<std::string>& emotions) {
    Corpus corpus;
    corpus.name = name;
    for (const std::string& emotion : emotions) {
        Clip clip{"x.wav", name, name + "_anna"};
        clip.emotion = emotion;
        corpus.clips.push_back(clip);
    }
    return corpus;
}

std::string complaint_about(const std::vector<std::string>& labels,
                            std::vector<Corpus> corpora = {corpus_of("a", {"happy", "sad"})}) {
    try {
        assign_labels(corpora, labels);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(Corpus, TheManifestSpeaksWhereThereIsOne) {
    const auto folder = test::scratch_folder();
    test::write_bytes(folder / "03-01-05-01-01-01-01.wav", "1");
    test::write_bytes(folder / "manifest.csv",
                      "file,speaker,emotion\n03-01-05-01-01-01-01.wav,bert,sad\n");
    const Corpus corpus = read_corpus(folder);
    EXPECT_EQ(corpus.layout, "manifest.csv");
    ASSERT_EQ(corpus.clips.size(), 1U);
    EXPECT_EQ(corpus.clips[0].emotion, "sad");
    EXPECT_EQ(corpus.clips[0].speaker, "bert");
}

TEST(Corpus, FilesOfTheSameBytesAreKeptOnceAndTold) {
    const auto folder = test::scratch_folder();
    std::filesystem::create_directories(folder / "more");
    test::write_bytes(folder / "03-01-03-01-02-01-07.wav", "laugh");
    test::write_bytes(folder / "03-01-03-01-02-02-07.wav", "laugh");
    test::write_bytes(folder / "03-01-04-01-02-02-07.wav", "sobs!");  // of the same size
    test::write_bytes(folder / "more" / "03-01-05-01-02-02-07.wav", "laugh");
    const Corpus corpus = read_corpus(folder);
    ASSERT_EQ(corpus.clips.size(), 2U);
    EXPECT_EQ(corpus.clips[0].path.filename(), "03-01-03-01-02-01-07.wav");
    EXPECT_EQ(corpus.clips[1].path.filename(), "03-01-04-01-02-02-07.wav");
    EXPECT_THAT(corpus.skipped,
                ElementsAre("same bytes as 03-01-03-01-02-01-07.wav: 03-01-03-01-02-02-07.wav",
                            "same bytes as 03-01-03-01-02-01-07.wav, which is happy and not angry: "
                            "more/03-01-05-01-02-02-07.wav"));
}

TEST(Corpus, EmptyAndMissingFilesAreLeftToWhoOpensThem) {
    const auto folder = test::scratch_folder();
    test::write_bytes(folder / "a.wav", "");
    test::write_bytes(folder / "b.wav", "");
    test::write_bytes(folder / "manifest.csv",
                      "file,speaker,emotion\na.wav,anna,sad\nb.wav,anna,sad\ngone.wav,anna,sad\n");
    const Corpus corpus = read_corpus(folder);
    EXPECT_EQ(corpus.clips.size(), 3U);
    EXPECT_THAT(corpus.skipped, IsEmpty());
}

TEST(Corpus, AFolderThatIsNotThereOrHasNoClipsIsNamed) {
    EXPECT_THAT(complaint("/nonexistent"), HasSubstr("cannot read the corpus /nonexistent"));
    const auto folder = test::scratch_folder();
    test::write_bytes(folder / "manifest.csv", "file,speaker,emotion\n");
    EXPECT_THAT(complaint(folder),
                AllOf(HasSubstr(folder.string()), HasSubstr("manifest.csv has no clips")));
}

TEST(Corpus, LabelsAreThoseOfTheRunAndOthersAreTold) {
    std::vector<Corpus> corpora{corpus_of("a", {"happy", "bored", "sad", "bored"}),
                                corpus_of("b", {"sad", "stressed"})};
    const std::vector<std::string> labels{"sad", "happy", "calm"};
    EXPECT_THAT(assign_labels(corpora, labels),
                ElementsAre("a: skipped 'bored': 2 clips (not one of the run's labels)",
                            "b: skipped 'stressed': 1 clips (not one of the run's labels)",
                            "no clip of any corpus is calm; the model cannot learn it"));
    ASSERT_EQ(corpora[0].clips.size(), 2U);
    EXPECT_EQ(corpora[0].clips[0].label, 1U);
    EXPECT_EQ(corpora[0].clips[1].label, 0U);
    ASSERT_EQ(corpora[1].clips.size(), 1U);
    EXPECT_EQ(corpora[1].clips[0].label, 0U);
}

TEST(Corpus, LabelsThatCannotBeUsedAreRefused) {
    EXPECT_EQ(complaint_about({"happy", "sad"}), "");
    EXPECT_THAT(complaint_about({"happy"}), HasSubstr("at least two labels, got: happy"));
    EXPECT_THAT(complaint_about({"happy", "sad", "happy"}),
                HasSubstr("label 'happy' is given twice"));
    EXPECT_THAT(complaint_about({"fear", "sad"}), HasSubstr("'fear' is called 'fearful' here"));
    EXPECT_THAT(complaint_about({"angry", "calm"}),
                AllOf(HasSubstr("corpus a: no clip has a label of the run (angry, calm)"),
                      HasSubstr("it has 'happy': 1 clips, 'sad': 1 clips")));
    EXPECT_EQ(default_labels().size(), 8U);
    EXPECT_EQ(complaint_about(default_labels()), "");
}

}  // namespace
}  // namespace emotiond::model
