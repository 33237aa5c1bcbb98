#include "model/training/speaker_split.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

namespace emotiond::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Protocols = std::vector<std::string>;

/// One clip of each speaker, name_01 and so on.
Corpus corpus(const std::string& name, int speakers) {
    Corpus made;
    made.name = name;
    for (int i = 1; i <= speakers; ++i) {
        const std::string digits = (i < 10 ? "0" : "") + std::to_string(i);
        made.clips.push_back({"x.wav", name, name + "_" + digits, 0});
    }
    return made;
}

std::vector<Clip> clips_of(const std::vector<Corpus>& corpora) {
    std::vector<Clip> clips;
    for (const Corpus& one : corpora) {
        clips.insert(clips.end(), one.clips.begin(), one.clips.end());
    }
    return clips;
}

std::vector<std::string> names_of(const std::vector<Round>& rounds) {
    std::vector<std::string> names;
    for (const Round& round : rounds) {
        names.push_back(round.name);
    }
    return names;
}

std::string complaint(const std::vector<Corpus>& corpora, const Protocols& protocols,
                      const std::set<std::string>& test_only = {}) {
    try {
        rounds_of(corpora, protocols, test_only);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(SpeakerSplit, EveryRavdessActorIsTestedOnceInEachProtocol) {
    const std::vector<Corpus> corpora{corpus("ravdess", 24)};
    const Protocols both{"P1", "P2"};
    std::map<std::string, std::multiset<std::string>> tested;
    std::map<std::string, int> folds;
    for (const Round& round : rounds_of(corpora, both)) {
        EXPECT_EQ(round.folds.size(), 1U);
        EXPECT_FALSE(round.by_clip);
        for (const Fold& fold : round.folds) {
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
    EXPECT_THAT(names_of(rounds_of(corpora, Protocols{"P1"})),
                ElementsAre("p1-1", "p1-2", "p1-3", "p1-4", "p1-5", "p1-6"));
    EXPECT_EQ(rounds_of(corpora, Protocols{"P2"}).size(), 5U);
    EXPECT_EQ(rounds_of(corpora, both).size(), 11U);
    // The third fold of EmoBox, by its list.
    EXPECT_THAT(rounds_of(corpora, both).at(2).folds.at(0).test_speakers,
                ElementsAre("ravdess_08", "ravdess_09", "ravdess_19", "ravdess_23"));
}

TEST(SpeakerSplit, RavdessIsKnownByItsSpeakersWhateverItsFolderIsCalled) {
    std::vector<Corpus> corpora{corpus("ravdess", 24)};
    corpora[0].name = "speech_files";
    const Protocols both{"P1", "P2"};
    EXPECT_EQ(rounds_of(corpora, both).at(0).folds.at(0).protocol, "P1");
    EXPECT_EQ(rounds_of(corpora, both).at(0).folds.at(0).corpus, "speech_files");
    corpora = {corpus("ravdess", 12)};  // a part of it has no such folds
    EXPECT_EQ(rounds_of(corpora, both).size(), 12U);
    EXPECT_EQ(rounds_of(corpora, both).at(0).folds.at(0).protocol, "P2");
    EXPECT_THAT(complaint(corpora, {"P1"}), HasSubstr("P1 is of RAVDESS, with all its 24"));
}

TEST(SpeakerSplit, OtherCorporaLeaveOneSpeakerOut) {
    const std::vector<Corpus> corpora{corpus("a", 3), corpus("b", 5)};
    const std::vector<Round> rounds = rounds_of(corpora, Protocols{"P2"});
    ASSERT_EQ(rounds.size(), 5U);
    EXPECT_EQ(rounds[0].folds.size(), 2U);
    EXPECT_EQ(rounds[4].folds.size(), 1U);
    std::multiset<std::string> tested;
    for (const Round& round : rounds) {
        for (const Fold& fold : round.folds) {
            EXPECT_EQ(fold.test_speakers.size(), 1U);
            EXPECT_EQ(fold.protocol, "P2");
            tested.insert(*fold.test_speakers.begin());
        }
    }
    EXPECT_THAT(tested, UnorderedElementsAre("a_01", "a_02", "a_03", "b_01", "b_02", "b_03", "b_04",
                                             "b_05"));
}

TEST(SpeakerSplit, OneRoundHoldsOutAFoldOfEveryCorpusAtOnce) {
    const std::vector<Corpus> corpora{corpus("ravdess", 24), corpus("b", 3)};
    const std::vector<Round> rounds = rounds_of(corpora, Protocols{"P1", "P2"});
    ASSERT_EQ(rounds.size(), 11U);
    EXPECT_EQ(rounds[1].name, "p1p2-2");
    ASSERT_EQ(rounds[1].folds.size(), 2U);
    EXPECT_EQ(rounds[1].folds[0].protocol, "P1");
    EXPECT_EQ(rounds[1].folds[1].protocol, "P2");

    const std::vector<Clip> clips = clips_of(corpora);
    const auto roles = roles_in(rounds[1], clips, {"ravdess_01", "b_01", "b_02"}, 1);
    for (std::size_t i = 0; i < clips.size(); ++i) {
        const std::string& speaker = clips[i].speaker;
        const bool is_tested = rounds[1].folds[0].test_speakers.contains(speaker) ||
                               rounds[1].folds[1].test_speakers.contains(speaker);
        const Role expected = is_tested ? Role::Test
                              : speaker == "ravdess_01" || speaker == "b_01" || speaker == "b_02"
                                  ? Role::Validation
                                  : Role::Train;
        EXPECT_EQ(roles[i], expected) << speaker;
    }
    // Who is tested is not validated on, whatever is asked for: b_02 is the fold of b.
    EXPECT_EQ(std::ranges::count(roles, Role::Test), 5);
    EXPECT_EQ(std::ranges::count(roles, Role::Validation), 2);
}

TEST(SpeakerSplit, P3TestsOnACorpusThatIsNotTrainedOn) {
    const std::vector<Corpus> corpora{corpus("a", 3), corpus("b", 5), corpus("only", 2)};
    const std::vector<Round> rounds = rounds_of(corpora, Protocols{"P3"}, {"only"});
    EXPECT_THAT(names_of(rounds), ElementsAre("p3-a", "p3-b"));
    const std::vector<Clip> clips = clips_of(corpora);
    const auto roles = roles_in(rounds[0], clips, {"a_01", "b_05", "only_01"}, 1);
    for (std::size_t i = 0; i < clips.size(); ++i) {
        const Role expected = clips[i].corpus != "b"       ? Role::Test
                              : clips[i].speaker == "b_05" ? Role::Validation
                                                           : Role::Train;
        EXPECT_EQ(roles[i], expected) << clips[i].speaker;
    }
    for (const Fold& fold : rounds[0].folds) {
        EXPECT_EQ(fold.protocol, "P3");
    }
    EXPECT_THAT(complaint({corpora[0]}, {"P3"}), HasSubstr("needs two or more; got 1"));
    EXPECT_THAT(complaint({corpora[0], corpora[2]}, {"P3"}, {"only"}),
                HasSubstr("needs two or more; got 1"));
}

TEST(SpeakerSplit, ACorpusForTestsOnlyIsNeverTrainedOn) {
    const std::vector<Corpus> corpora{corpus("a", 3), corpus("only", 2)};
    const std::vector<Round> rounds = rounds_of(corpora, Protocols{"P2", "PS"}, {"only"});
    EXPECT_THAT(names_of(rounds), ElementsAre("p2-1", "p2-2", "p2-3", "ps"));
    const std::vector<Clip> clips = clips_of(corpora);
    for (const Round& round : rounds) {
        const auto roles = roles_in(round, clips, {"only_01"}, 1);
        for (std::size_t i = 0; i < clips.size(); ++i) {
            EXPECT_EQ(roles[i] == Role::Unused, clips[i].corpus == "only") << round.name;
        }
        for (const Fold& fold : round.folds) {
            EXPECT_EQ(fold.corpus, "a");
        }
    }
    EXPECT_THAT(complaint({corpora[1]}, {"P2"}, {"only"}), HasSubstr("have no fold"));
}

TEST(SpeakerSplit, PSTestsOnClipsWhoeverSpeaks) {
    std::vector<Corpus> corpora{corpus("a", 2)};
    for (int i = 0; i < 999; ++i) {
        corpora[0].clips.push_back({"x.wav", "a", "a_01", 0});
        corpora[0].clips.push_back({"x.wav", "a", "a_02", 0});
    }
    const std::vector<Round> rounds = rounds_of(corpora, Protocols{"PS"});
    ASSERT_EQ(rounds.size(), 1U);
    EXPECT_EQ(rounds[0].name, "ps");
    EXPECT_TRUE(rounds[0].by_clip);
    EXPECT_EQ(rounds[0].folds.at(0).protocol, "PS");
    const std::vector<Clip> clips = clips_of(corpora);
    const auto roles = roles_in(rounds[0], clips, {}, 1);
    std::map<std::string, std::map<Role, int>> count;
    for (std::size_t i = 0; i < clips.size(); ++i) {
        ++count[clips[i].speaker][roles[i]];
    }
    for (auto& [speaker, of_role] : count) {  // within four standard deviations
        EXPECT_NEAR(of_role[Role::Test], 250, 55) << speaker;
        EXPECT_NEAR(of_role[Role::Validation], 70, 33) << speaker;
        EXPECT_EQ(of_role[Role::Unused], 0) << speaker;
    }
    EXPECT_EQ(roles_in(rounds[0], clips, {}, 1), roles);
    EXPECT_NE(roles_in(rounds[0], clips, {}, 2), roles);
}

TEST(SpeakerSplit, OtherProtocolsAreRefusedByName) {
    const std::vector<Corpus> corpora{corpus("a", 3)};
    EXPECT_THAT(complaint(corpora, {"P2", "P4"}),
                HasSubstr("protocol must be P1, P2, P3 or PS, got 'P4'"));
    EXPECT_THAT(complaint(corpora, {"p2"}), HasSubstr("got 'p2'"));
    EXPECT_THAT(complaint(corpora, {}), HasSubstr("have no fold"));
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
        choose_validation_speakers(corpora, {"duo_01", "duo_02"}, 1);
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(),
                     "corpus duo: too few speakers to train and test on different ones: 0 left to "
                     "train on");
    }
    EXPECT_EQ(choose_validation_speakers(corpora, {}, 1).size(), 1U);
    // Who is the last one is trained on.
    EXPECT_THAT(choose_validation_speakers(corpora, {"duo_01"}, 1), IsEmpty());
    EXPECT_THAT(choose_validation_speakers(std::vector{corpus("solo", 1)}, {}, 1), IsEmpty());
}

}  // namespace
}  // namespace emotiond::model
