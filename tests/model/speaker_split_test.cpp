#include "model/training/speaker_split.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>

namespace emotiond::model {
namespace {

Corpus corpus(const std::string& name, int speakers) {
    Corpus made;
    made.name = name;
    for (int i = 1; i <= speakers; ++i) {
        const std::string digits = (i < 10 ? "0" : "") + std::to_string(i);
        made.clips.push_back({"x.wav", name, name + "_" + digits, 0});
    }
    return made;
}

TEST(SpeakerSplit, EveryRavdessActorIsTestedOnceInEachProtocol) {
    const std::vector<Corpus> corpora{corpus("ravdess", 24)};
    std::map<std::string, std::multiset<std::string>> tested;
    std::map<std::string, int> folds;
    for (const Round& round : cross_validation_rounds(corpora)) {
        for (const Fold& fold : round) {
            ++folds[fold.protocol];
            tested[fold.protocol].insert(fold.test_speakers.begin(), fold.test_speakers.end());
        }
    }
    EXPECT_EQ(folds["P1"], 6);
    EXPECT_EQ(folds["P2"], 5);
    for (const char* protocol : {"P1", "P2"}) {
        EXPECT_EQ(tested[protocol].size(), 24U);
        for (const Clip& clip : corpora[0].clips) {
            EXPECT_EQ(tested[protocol].count(clip.speaker), 1U) << clip.speaker;
        }
    }
}

TEST(SpeakerSplit, RavdessIsKnownByItsSpeakersWhateverItsFolderIsCalled) {
    std::vector<Corpus> corpora{corpus("ravdess", 24)};
    corpora[0].name = "speech_files";
    EXPECT_EQ(cross_validation_rounds(corpora).at(0).at(0).protocol, "P1");
    EXPECT_EQ(cross_validation_rounds(corpora).at(0).at(0).corpus, "speech_files");
    corpora = {corpus("ravdess", 12)};  // a part of it has no such folds
    EXPECT_EQ(cross_validation_rounds(corpora).size(), 12U);
    EXPECT_EQ(cross_validation_rounds(corpora).at(0).at(0).protocol, "P2");
}

TEST(SpeakerSplit, OtherCorporaLeaveOneSpeakerOut) {
    const std::vector<Corpus> corpora{corpus("a", 3), corpus("b", 5)};
    const std::vector<Round> rounds = cross_validation_rounds(corpora);
    ASSERT_EQ(rounds.size(), 5U);
    EXPECT_EQ(rounds[0].size(), 2U);
    EXPECT_EQ(rounds[4].size(), 1U);
    for (const Round& round : rounds) {
        for (const Fold& fold : round) {
            EXPECT_EQ(fold.test_speakers.size(), 1U);
            EXPECT_EQ(fold.protocol, "P2");
        }
    }
}

TEST(SpeakerSplit, ValidationSpeakersAreNeverTestSpeakers) {
    const std::vector<Corpus> corpora{corpus("ravdess", 24), corpus("b", 10)};
    const std::set<std::string> taken{"ravdess_01", "ravdess_02", "b_03"};
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const auto chosen = choose_validation_speakers(corpora, taken, seed);
        EXPECT_EQ(chosen.size(), 3U);  // two of 22, one of nine
        for (const std::string& speaker : chosen) {
            EXPECT_FALSE(taken.contains(speaker));
        }
        EXPECT_EQ(chosen, choose_validation_speakers(corpora, taken, seed));
    }
}

TEST(SpeakerSplit, SpeakersThatWouldLeakAreRefused) {
    const std::vector<Corpus> corpora{corpus("a", 3), corpus("b", 3)};
    EXPECT_NO_THROW(require_known_speakers(corpora, {"a_01", "b_03"}));
    EXPECT_THROW(require_known_speakers(corpora, {"a_1"}), std::runtime_error);
    EXPECT_NO_THROW(require_distinct_speakers(corpora));
    std::vector<Corpus> same = corpora;
    same[1].clips[0].speaker = "a_01";
    EXPECT_THROW(require_distinct_speakers(same), std::runtime_error);
    same = {corpus("a", 3), corpus("b", 3)};
    same[1].name = "a";
    EXPECT_THROW(require_distinct_speakers(same), std::runtime_error);
}

TEST(SpeakerSplit, TooFewSpeakersAreRefused) {
    const std::vector<Corpus> corpora{corpus("duo", 2)};
    try {
        choose_validation_speakers(corpora, {"duo_01"}, 1);
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(),
                     "corpus duo: too few speakers to train, validate and test on different ones: "
                     "1 left");
    }
    EXPECT_NO_THROW(choose_validation_speakers(corpora, {}, 1));
    EXPECT_THROW(choose_validation_speakers(std::vector{corpus("solo", 1)}, {}, 1),
                 std::runtime_error);
}

}  // namespace
}  // namespace emotiond::model
