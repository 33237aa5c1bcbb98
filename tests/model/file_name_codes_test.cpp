#include "model/training/file_name_codes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace emotiond::model {
namespace {

/// The one code that the name has, and what it says; the corpus is empty where there is none.
struct Found {
    std::string corpus;
    CodedClip clip;
};

Found read(const std::string& name) {
    Found found;
    for (const FileNameCode& code : file_name_codes()) {
        if (const auto clip = code.read(name)) {
            EXPECT_EQ(found.corpus, "") << name << " is of " << code.corpus << " too";
            found = {std::string(code.corpus), *clip};
        }
    }
    return found;
}

TEST(FileNameCodes, ReadsRavdess) {
    const auto [corpus, clip] = read("Actor_12/03-01-06-01-02-01-12.wav");
    EXPECT_EQ(corpus, "RAVDESS");
    EXPECT_EQ(clip.speaker, "ravdess_12");
    EXPECT_EQ(clip.emotion, "fearful");
    EXPECT_EQ(clip.intensity, "normal");
    EXPECT_EQ(clip.sex, "female");
    EXPECT_EQ(clip.utterance, "dogs_rep1");
    EXPECT_EQ(clip.language, "en");
    EXPECT_EQ(clip.problem, "");
    const std::map<std::string, std::string> emotions{
        {"01", "neutral"}, {"02", "calm"},    {"03", "happy"},   {"04", "sad"},
        {"05", "angry"},   {"06", "fearful"}, {"07", "disgust"}, {"08", "surprised"}};
    for (const auto& [code, emotion] : emotions) {
        EXPECT_EQ(read("03-01-" + code + "-02-01-02-07.wav").clip.emotion, emotion);
    }
    EXPECT_EQ(read("03-01-05-02-01-02-07.wav").clip.intensity, "strong");
    EXPECT_EQ(read("03-01-05-02-01-02-07.wav").clip.utterance, "kids_rep2");
    EXPECT_EQ(read("03-01-05-02-01-02-07.wav").clip.sex, "male");
    EXPECT_EQ(read("01-01-05-02-01-02-07.wav").clip.problem, "");
}

TEST(FileNameCodes, TellsWhatOfRavdessIsNotSpeech) {
    EXPECT_EQ(read("03-02-06-01-02-01-12.wav").clip.problem, "song, not speech (vocal channel 02)");
    EXPECT_EQ(read("02-01-06-01-02-01-12.wav").clip.problem, "picture without sound (modality 02)");
    EXPECT_EQ(read("03-01-09-01-02-01-12.wav").clip.problem, "unknown emotion code '09'");
    EXPECT_EQ(read("03-01-06-01-02-01-25.wav").clip.problem, "unknown actor '25'");
    EXPECT_EQ(read("03-01-06-01-02-01.wav").corpus, "");
    EXPECT_EQ(read("03-01-06-01-02-01-12b.wav").corpus, "");
}

TEST(FileNameCodes, ReadsCremaD) {
    const auto [corpus, clip] = read("AudioWAV/1001_DFA_ANG_XX.wav");
    EXPECT_EQ(corpus, "CREMA-D");
    EXPECT_EQ(clip.speaker, "cremad_1001");
    EXPECT_EQ(clip.emotion, "angry");
    EXPECT_EQ(clip.intensity, "");
    EXPECT_EQ(clip.utterance, "DFA");
    EXPECT_EQ(clip.language, "en");
    const std::map<std::string, std::string> emotions{{"ANG", "angry"},   {"DIS", "disgust"},
                                                      {"FEA", "fearful"}, {"HAP", "happy"},
                                                      {"NEU", "neutral"}, {"SAD", "sad"}};
    for (const auto& [code, emotion] : emotions) {
        EXPECT_EQ(read("1091_IEO_" + code + "_HI.wav").clip.emotion, emotion);
    }
    EXPECT_EQ(read("1091_IEO_SAD_HI.wav").clip.intensity, "high");
    EXPECT_EQ(read("1091_IEO_SAD_MD.wav").clip.intensity, "medium");
    EXPECT_EQ(read("1091_IEO_SAD_LO.wav").clip.intensity, "low");
    EXPECT_EQ(read("1040_ITH_SAD_X.wav").clip.problem, "");
    EXPECT_EQ(read("1091_IEO_BOR_HI.wav").clip.problem, "unknown emotion code 'BOR'");
    EXPECT_EQ(read("1091_IEO_SAD_ZZ.wav").clip.problem, "unknown level code 'ZZ'");
}

TEST(FileNameCodes, ReadsEmoDb) {
    const auto [corpus, clip] = read("wav/03a01Fa.wav");
    EXPECT_EQ(corpus, "EmoDB");
    EXPECT_EQ(clip.speaker, "emodb_03");
    EXPECT_EQ(clip.emotion, "happy");
    EXPECT_EQ(clip.sex, "male");
    EXPECT_EQ(clip.utterance, "a01");
    EXPECT_EQ(clip.language, "de");
    const std::map<std::string, std::string> emotions{
        {"W", "angry"}, {"L", "bored"}, {"E", "disgust"}, {"A", "fearful"},
        {"F", "happy"}, {"T", "sad"},   {"N", "neutral"}};
    for (const auto& [code, emotion] : emotions) {
        EXPECT_EQ(read("16b10" + code + "b.wav").clip.emotion, emotion);
    }
    EXPECT_EQ(read("16b10Wb.wav").clip.sex, "female");
    EXPECT_EQ(read("16b10Xb.wav").clip.problem, "unknown emotion code 'X'");
    EXPECT_EQ(read("17b10Wb.wav").clip.problem, "unknown speaker code '17'");
}

TEST(FileNameCodes, ReadsTess) {
    const auto [corpus, clip] = read("OAF_Fear/OAF_back_fear.wav");
    EXPECT_EQ(corpus, "TESS");
    EXPECT_EQ(clip.speaker, "tess_OAF");
    EXPECT_EQ(clip.emotion, "fearful");
    EXPECT_EQ(clip.sex, "female");
    EXPECT_EQ(clip.utterance, "back");
    const std::map<std::string, std::string> emotions{
        {"angry", "angry"},     {"disgust", "disgust"}, {"fear", "fearful"}, {"happy", "happy"},
        {"neutral", "neutral"}, {"ps", "surprised"},    {"sad", "sad"}};
    for (const auto& [code, emotion] : emotions) {
        EXPECT_EQ(read("YAF_youth_" + code + ".wav").clip.emotion, emotion);
        EXPECT_EQ(read("YAF_youth_" + code + ".wav").clip.speaker, "tess_YAF");
    }
    EXPECT_EQ(read("OA_bite_neutral.wav").clip.speaker, "tess_OAF");
    EXPECT_EQ(read("YAF_youth_bored.wav").clip.problem, "unknown emotion code 'bored'");
}

TEST(FileNameCodes, ReadsSaveeInBothForms) {
    for (const std::string form : {"ALL/DC_", "AudioData/DC/"}) {
        const auto [corpus, clip] = read(form + "sa01.wav");
        EXPECT_EQ(corpus, "SAVEE");
        EXPECT_EQ(clip.speaker, "savee_DC");
        EXPECT_EQ(clip.emotion, "sad");
        EXPECT_EQ(clip.sex, "male");
        EXPECT_EQ(clip.utterance, "sa01");
    }
    const std::map<std::string, std::string> emotions{
        {"a", "angry"},   {"d", "disgust"}, {"f", "fearful"},   {"h", "happy"},
        {"n", "neutral"}, {"sa", "sad"},    {"su", "surprised"}};
    for (const auto& [code, emotion] : emotions) {
        for (const std::string speaker : {"DC", "JE", "JK", "KL"}) {
            EXPECT_EQ(read(speaker + "_" + code + "15.wav").clip.emotion, emotion);
            EXPECT_EQ(read(speaker + "/" + code + "15.wav").clip.speaker, "savee_" + speaker);
        }
    }
    EXPECT_EQ(read("JK_b01.wav").clip.problem, "unknown emotion code 'b'");
    EXPECT_EQ(read("XY/a01.wav").corpus, "");
}

TEST(FileNameCodes, EveryExampleIsOfItsCorpus) {
    for (const FileNameCode& code : file_name_codes()) {
        const std::string example(code.example.substr(0, code.example.find(' ')));
        EXPECT_EQ(read(example).corpus, code.corpus);
    }
}

}  // namespace
}  // namespace emotiond::model
