#include "model/training/predictions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::HasSubstr;

PredictionSet some_predictions() {
    return {{"angry", "happy", "sad"},
            {{"acted", {0, 2}}, {"spoken", {0, 1, 2}}},
            {{"P1",
              "fold 1",
              "acted",
              "a1",
              "acted/a1 \"loud\", take 2.wav",
              3,
              2,
              {0.1F, 0.2F, 0.7F},
              {1.0F / 3, 1.0F / 3, 1.0F / 3}},
             {"P2",
              "",
              "spoken",
              "b7",
              "x.wav",
              18446744073709551615U,
              1,
              {1e-30F, 1.0F, 0.0F},
              {0.25F, 0.5F, 0.25F}}}};
}

class Predictions : public testing::Test {
 protected:
    std::filesystem::path path_ = test::scratch_folder() / "predictions.csv";

    std::string error_of(const std::string& text) {
        test::write_bytes(path_, text);
        try {
            (void)read_predictions(path_);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "";
    }

    /// The second line with one text in place of another.
    std::string error_with(const std::string& old_text, const std::string& new_text) {
        std::string text =
            "protocol,fold,corpus,speaker,clip,seed,corpus_labels,truth,score a,uncalibrated a,"
            "score b,uncalibrated b\n"
            "P1,1,acted,s1,x.wav,1,a|b,b,0.25,0.5,0.75,0.5\n";
        const auto place = text.find(old_text);
        EXPECT_NE(place, std::string::npos);
        return error_of(text.replace(place, old_text.size(), new_text));
    }
};

TEST_F(Predictions, ComeBackAsTheyWere) {
    const PredictionSet set = some_predictions();
    write_predictions(set, path_);
    const PredictionSet again = read_predictions(path_);
    EXPECT_EQ(again.labels, set.labels);
    EXPECT_EQ(again.corpus_labels, set.corpus_labels);
    ASSERT_EQ(again.predictions.size(), set.predictions.size());
    for (std::size_t i = 0; i < set.predictions.size(); ++i) {
        const Prediction& one = set.predictions[i];
        const Prediction& other = again.predictions[i];
        EXPECT_EQ(other.protocol, one.protocol);
        EXPECT_EQ(other.fold, one.fold);
        EXPECT_EQ(other.corpus, one.corpus);
        EXPECT_EQ(other.speaker, one.speaker);
        EXPECT_EQ(other.clip, one.clip);
        EXPECT_EQ(other.seed, one.seed);
        EXPECT_EQ(other.truth, one.truth);
        EXPECT_EQ(other.scores, one.scores);
        EXPECT_EQ(other.uncalibrated, one.uncalibrated);
    }
}

TEST_F(Predictions, AreOneRowAClip) {
    write_predictions(some_predictions(), path_);
    EXPECT_THAT(test::read_bytes(path_),
                HasSubstr("\nP2,,spoken,b7,x.wav,18446744073709551615,angry|happy|sad,happy,"
                          "1e-30,0.25,1,0.5,0,0.25\n"));
}

TEST_F(Predictions, OfOtherSystemsMayEndTheirLinesWithCarriageReturn) {
    EXPECT_EQ(error_with("0.5\n", "0.5\r\n"), "");
}

TEST_F(Predictions, TellTheLineOfWhatIsWrong) {
    const std::string line = path_.string() + ":2: ";
    EXPECT_EQ(error_with("P1,1,", "P1,1,1,"), line + "expected 12 cells, got 13");
    EXPECT_EQ(error_with("x.wav,1", "x.wav,one"), line + "seed 'one' is not a number");
    EXPECT_EQ(error_with("0.75", "0.75x"), line + "score '0.75x' is not a number");
    EXPECT_EQ(error_with("0.75", "-0.75"), line + "score -0.75 is not between 0 and 1");
    EXPECT_EQ(error_with("0.75", "nan"), line + "score nan is not between 0 and 1");
    EXPECT_EQ(error_with("0.75", "0.25"), line + "scores sum to 0.5 instead of 1");
    EXPECT_EQ(error_with("a|b,b", "a|b,c"), line + "'c' is none of the labels");
    EXPECT_EQ(error_with("a|b,b", "a,b"), line + "truth 'b' is not among the corpus's labels a");
    EXPECT_EQ(error_with("0.75,0.5\n", "0.75,0.5\nP1,1,acted,s1,y.wav,1,b,b,0.25,0.5,0.75,0.5\n"),
              path_.string() + ":3: acted has the labels b, and others in a row before");
}

TEST_F(Predictions, TellWhatIsWrongWithTheHeader) {
    EXPECT_THAT(error_with("protocol,", ""), HasSubstr(":1: expected the columns protocol"));
    EXPECT_THAT(error_with("uncalibrated a", "uncalibrated b"),
                HasSubstr(":1: expected the columns 'score LABEL'"));
    EXPECT_THAT(error_of("protocol,fold,corpus,speaker,clip,seed,corpus_labels,truth\n"),
                HasSubstr(":1: no column 'score LABEL'"));
    EXPECT_EQ(error_of(""), "cannot read " + path_.string());
}

TEST_F(Predictions, ThatCouldNotBeReadAgainAreNotWritten) {
    PredictionSet set = some_predictions();
    set.predictions[0].clip = "two\nlines";
    EXPECT_THROW(write_predictions(set, path_), std::invalid_argument);
    set = some_predictions();
    set.predictions[0].scores.pop_back();
    EXPECT_THROW(write_predictions(set, path_), std::invalid_argument);
    set = some_predictions();
    set.predictions[0].truth = 1;
    EXPECT_THROW(write_predictions(set, path_), std::invalid_argument);
    EXPECT_THROW(write_predictions(some_predictions(), path_ / "no" / "folder"),
                 std::runtime_error);
}

}  // namespace
}  // namespace emotiond::model
