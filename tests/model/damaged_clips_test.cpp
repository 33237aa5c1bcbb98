#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/training/clip_features.hpp"
#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// What a user's folder may hold: every file that cannot be used is named with the reason, and the
/// one good clip is loaded.
TEST(DamagedClips, AreNamedOneByOneAndTheRestIsLoaded) {
    const auto folder = test::scratch_folder();
    const std::vector<float> voice = test::coloured_noise(32000, 0.5F, 1);
    test::write_wav(folder / "good.wav", voice);
    test::write_bytes(folder / "zero.wav", "");
    test::write_wav(folder / "headeronly.wav", {});
    test::write_wav(folder / "silent.wav", std::vector<float>(32000, 0.0F));
    test::write_wav(folder / "short.wav", test::coloured_noise(400, 0.5F, 2));
    test::write_bytes(folder / "text.wav", "not audio at all");
    test::write_bytes(folder / "cut.wav", test::read_bytes(folder / "good.wav").substr(0, 20000));
    const std::string flac = test::read_bytes(test::clip("12a02Wc.flac"));
    test::write_bytes(folder / "cut.flac", flac.substr(0, flac.size() / 2));

    const std::vector<std::string> names{"zero.wav", "headeronly.wav", "silent.wav", "short.wav",
                                         "text.wav", "cut.wav",        "cut.flac",   "gone.wav"};
    std::vector<Clip> clips;
    for (const std::string& name : names) {
        clips.push_back({folder / name, "corpus", "anna"});
    }
    clips.push_back({folder / "good.wav", "corpus", "anna"});
    dsp::FeatureSpec spec;
    const LoadedClips loaded = load_clips(clips, spec, {.threads = 1});
    ASSERT_EQ(loaded.clips.size(), 1U);
    EXPECT_EQ(loaded.clips[0].clip.path.filename(), "good.wav");
    ASSERT_EQ(loaded.problems.size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_THAT(loaded.problems[i], HasSubstr((folder / names[i]).string()));
    }
    EXPECT_THAT(loaded.problems[1], HasSubstr("no audio in"));
    EXPECT_THAT(loaded.problems[2], AllOf(HasSubstr("silent or too short"), HasSubstr("2.00 s"),
                                          HasSubstr("peak 0.0000")));
    EXPECT_THAT(loaded.problems[3], HasSubstr("0.03 s, expected at least 0.25 s"));
    EXPECT_THAT(loaded.problems[5], HasSubstr("announces 64000 bytes, 19956 are there"));
}

}  // namespace
}  // namespace emotiond::model
