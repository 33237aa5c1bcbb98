#include "model/training/audio_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A folder with these files; none is opened, so any bytes will do.
std::filesystem::path folder_with(const std::vector<std::string>& files) {
    const auto folder = test::scratch_folder() / "corpus";
    std::filesystem::create_directories(folder);
    for (const std::string& file : files) {
        std::filesystem::create_directories((folder / file).parent_path());
        test::write_bytes(folder / file, file);
    }
    return folder;
}

Corpus read(const std::vector<std::string>& files) {
    return read_audio_folder(folder_with(files));
}

std::string complaint(const std::vector<std::string>& files) {
    try {
        read(files);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

/// "anna angry" per clip, with the split behind it where there is one.
std::vector<std::string> summary(const Corpus& corpus) {
    std::vector<std::string> lines;
    for (const Clip& clip : corpus.clips) {
        lines.push_back(clip.speaker + " " + clip.emotion +
                        (clip.split.empty() ? "" : " " + clip.split));
    }
    return lines;
}

TEST(AudioFolder, ReadsFileNamesOfAKnownCorpusInAnyFolder) {
    const Corpus corpus =
        read({"Actor_01/03-01-05-01-01-01-01.wav", "Actor_02/03-01-02-01-01-01-02.FLAC",
              "Actor_02/03-02-02-01-01-01-02.wav", "Actor_02/03-01-99-01-01-01-02.wav"});
    EXPECT_EQ(corpus.name, "corpus");
    EXPECT_EQ(corpus.layout, "file names of RAVDESS");
    EXPECT_THAT(summary(corpus), ElementsAre("ravdess_01 angry", "ravdess_02 calm"));
    EXPECT_EQ(corpus.clips[0].utterance, "kids_rep1");
    EXPECT_EQ(corpus.clips[0].corpus, "corpus");
    EXPECT_THAT(
        corpus.skipped,
        ElementsAre("song, not speech (vocal channel 02): Actor_02/03-02-02-01-01-01-02.wav",
                    "unknown emotion code '99': Actor_02/03-01-99-01-01-01-02.wav"));
    EXPECT_THAT(corpus.notes, IsEmpty());
}

TEST(AudioFolder, TellsFilesThatDoNotBelongToTheCorpus) {
    const Corpus corpus = read(
        {"03a01Fa.wav", "03a01Wa.wav", "08a01La.wav", "test.wav", "._03a01Fa.wav", "readme.txt"});
    EXPECT_EQ(corpus.layout, "file names of EmoDB");
    EXPECT_THAT(summary(corpus), ElementsAre("emodb_03 happy", "emodb_03 angry", "emodb_08 bored"));
    EXPECT_THAT(corpus.skipped, ElementsAre("no audio file by its name: ._03a01Fa.wav, readme.txt",
                                            "not a file name of EmoDB: test.wav"));
}

TEST(AudioFolder, ManyFilesAreToldByTheirNumber) {
    const Corpus corpus =
        read({"03-01-05-01-01-01-01.wav", "03-02-05-01-01-01-01.wav", "03-02-05-01-01-01-02.wav",
              "03-02-05-01-01-01-03.wav", "03-02-05-01-01-01-04.wav", "03-02-05-01-01-01-05.wav"});
    ASSERT_EQ(corpus.skipped.size(), 1U);
    EXPECT_THAT(corpus.skipped[0], testing::EndsWith("03-02-05-01-01-01-03.wav and 2 more"));
}

TEST(AudioFolder, ReadsFoldersOfEmotionsWithAndWithoutASplit) {
    const Corpus corpus = read({"train/anger/1.wav", "train/Happiness/1.wav", "TEST/anger/1.ogg",
                                "validation/sadness/x/1.mp3", "fear/1.wav"});
    EXPECT_EQ(corpus.layout, "folders and file names");
    EXPECT_THAT(summary(corpus),
                ElementsAre("corpus_unknown angry test", "corpus_unknown fearful",
                            "corpus_unknown happy train", "corpus_unknown angry train",
                            "corpus_unknown sad val"));
    EXPECT_THAT(corpus.notes,
                ElementsAre("speakers are not told; a speaker-independent split is not possible: "
                            "5 clips count as one speaker, 'corpus_unknown'"));
}

TEST(AudioFolder, ReadsEmotionsInFileNamesWhereFoldersTellNone) {
    const Corpus corpus = read({"train/1_angry.wav", "wavs/happy-2.wav", "boredom03.wav",
                                "angry_or_sad.wav", "nothing.wav", "train/none.wav"});
    EXPECT_THAT(summary(corpus), ElementsAre("corpus_unknown bored", "corpus_unknown angry train",
                                             "corpus_unknown happy"));
    EXPECT_THAT(corpus.skipped,
                ElementsAre("more than one emotion in the file name: angry_or_sad.wav",
                            "no emotion in folder or file name: nothing.wav, train/none.wav"));
}

TEST(AudioFolder, AFolderOfAnotherNameIsALabelOfTheUsers) {
    EXPECT_THAT(summary(read({"train/Stressed/1.wav", "train/Relaxed/1.wav", "angry/1.wav"})),
                ElementsAre("corpus_unknown angry", "corpus_unknown relaxed train",
                            "corpus_unknown stressed train"));
}

TEST(AudioFolder, TakesSpeakersFromTheBeginningOfFileNames) {
    const Corpus corpus = read({"EB0_anger_1.ogg", "EB0_sadness_2.ogg", "WR0_anger_1.ogg",
                                "WR0_sadness_2.ogg", "WR0_joy_3.ogg"});
    EXPECT_THAT(summary(corpus),
                ElementsAre("corpus_EB0 angry", "corpus_EB0 sad", "corpus_WR0 angry",
                            "corpus_WR0 happy", "corpus_WR0 sad"));
    EXPECT_THAT(corpus.notes, ElementsAre(HasSubstr("2 speakers, corpus_EB0, corpus_WR0")));
}

TEST(AudioFolder, DoesNotTakeOtherBeginningsForSpeakers) {
    const std::vector<std::vector<std::string>> layouts{
        {"angry_1.wav", "angry_2.wav", "sad_1.wav", "sad_2.wav"},    // emotions
        {"angry/1.wav", "sad/1.wav", "angry/2.wav", "sad/2.wav"},    // no '_' or '-'
        {"angry/clip_1.wav", "angry/clip_2.wav", "sad/clip_3.wav"},  // one only
        {"angry/train_1.wav", "sad/train_2.wav", "angry/test_1.wav", "sad/test_2.wav"},
        {"angry/anna_1.wav", "angry/anna_2.wav", "sad/bert_3.wav"},  // one file of bert
    };
    for (const auto& files : layouts) {
        const Corpus corpus = read(files);
        for (const Clip& clip : corpus.clips) {
            EXPECT_EQ(clip.speaker, "corpus_unknown") << clip.path;
        }
        EXPECT_THAT(corpus.notes, ElementsAre(HasSubstr("speakers are not told"))) << files[0];
    }
}

TEST(AudioFolder, KnownCorporaInFoldersOfEmotionsKeepTheirSpeakers) {
    const Corpus corpus =
        read({"angry/03-01-05-01-01-01-01.wav", "angry/OAF_back_angry.wav", "angry/mine.wav"});
    EXPECT_EQ(corpus.layout, "folders and file names");
    EXPECT_THAT(summary(corpus),
                ElementsAre("ravdess_01 angry", "tess_OAF angry", "corpus_unknown angry"));
}

TEST(AudioFolder, MixedLayoutsAreRefusedWithExamples) {
    EXPECT_THAT(
        complaint({"03-01-05-01-01-01-01.wav", "03a01Fa.wav", "voice.wav"}),
        AllOf(HasSubstr("corpus: mixed layouts: "), HasSubstr("1 files named as those of RAVDESS"),
              HasSubstr("1 files named as those of EmoDB"),
              HasSubstr("1 others; each corpus needs a folder of its own"),
              HasSubstr("among them 03-01-05-01-01-01-01.wav, 03a01Fa.wav, voice.wav"),
              HasSubstr("Looked for manifest.csv; for file names of RAVDESS (03-01")));
    EXPECT_THAT(complaint({"03a01Fa.wav", "a.wav", "b.wav"}), HasSubstr("mixed layouts"));
}

TEST(AudioFolder, AFolderWithoutUsableFilesIsRefused) {
    EXPECT_THAT(complaint({"readme.txt"}), HasSubstr("no audio files (wav, flac, ogg, mp3)"));
    EXPECT_THAT(complaint({"a.wav", "b.wav"}),
                AllOf(HasSubstr("2 audio files, none usable"),
                      HasSubstr("no emotion in folder or file name: a.wav, b.wav")));
    EXPECT_THAT(complaint({"03-02-05-01-01-01-01.wav"}), HasSubstr("song, not speech"));
}

TEST(AudioFolder, ListsAudioFilesInOrder) {
    const auto folder = folder_with({"b/2.WAV", "b/1.ogg", "a.flac", "c.txt", ".hidden.wav"});
    EXPECT_THAT(audio_files_in(folder),
                ElementsAre(folder / "a.flac", folder / "b" / "1.ogg", folder / "b" / "2.WAV"));
}

}  // namespace
}  // namespace emotiond::model
