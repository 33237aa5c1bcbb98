// The voice detector of the bundled model, on what is committed or made up.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "dsp/utterance_segmenter.hpp"
#include "dsp/window_stream.hpp"
#include "model/audio_file.hpp"
#include "model/bundle.hpp"
#include "model/training/voice_scenes.hpp"
#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

constexpr int kRateHz = 16000;

class BundledVoice : public testing::Test {
 protected:
    std::vector<dsp::VoiceRow> rows_of(std::span<const float> samples) {
        dsp::WindowStream stream(bundle_.features, kRateHz, {}, bundle_.voice_weights());
        std::vector<dsp::VoiceRow> rows;
        const auto on_window = [](const dsp::FeatureWindow&) {};
        const auto on_row = [&](const dsp::VoiceRow& row) { rows.push_back(row); };
        stream.push(samples, on_window, on_row);
        stream.finish(on_window, on_row);
        return rows;
    }

    double share_voiced(std::span<const float> samples) {
        const auto rows = rows_of(samples);
        const auto voiced = std::ranges::count(rows, true, &dsp::VoiceRow::voiced);
        return static_cast<double>(voiced) / static_cast<double>(rows.size());
    }

    Bundle bundle_ = Bundle::load(test::bundled_model());
    std::vector<float> demo_ = read_recording(test::clip("demo.flac")).samples;
};

TEST_F(BundledVoice, HearsTheDemosSpeechAndNotItsSilence) {
    ASSERT_NE(bundle_.voice_weights(), nullptr);
    const auto rows = rows_of(demo_);
    const std::vector<bool> speech = speech_hops(demo_, kRateHz, 160);
    std::size_t heard = 0;
    std::size_t all = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        all += speech[i] ? 1U : 0U;
        heard += speech[i] && rows[i].voiced ? 1U : 0U;
    }
    EXPECT_GT(static_cast<double>(heard) / static_cast<double>(all), 0.9);
    // demo.csv: silence from 27.3 to 31.3 s.
    for (std::size_t i = 2790; i < 3120; ++i) {
        EXPECT_FALSE(rows[i].voiced) << i;
    }
}

TEST_F(BundledVoice, CutsTheDemoIntoUtterances) {
    dsp::UtteranceSegmenter segmenter({}, std::chrono::milliseconds(10));
    std::vector<dsp::Utterance> utterances;
    const auto keep = [&](const dsp::Utterance& one) { utterances.push_back(one); };
    for (const dsp::VoiceRow& row : rows_of(demo_)) {
        segmenter.push(row.speech, keep);
    }
    segmenter.finish(keep);
    ASSERT_GE(utterances.size(), 3U);
    for (const dsp::Utterance& one : utterances) {
        EXPECT_TRUE(one.end_row <= 2800 || one.begin_row >= 3100)
            << one.begin_row << " to " << one.end_row;
    }
}

TEST_F(BundledVoice, HearsTheSameAtAnyLevel) {
    const auto rows = rows_of(demo_);
    for (const float gain_db : {-30.0F, -15.0F, 6.0F}) {
        const auto others = rows_of(amplify(demo_, gain_db).samples);
        std::size_t same = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            same += rows[i].voiced == others[i].voiced ? 1U : 0U;
        }
        EXPECT_GT(static_cast<double>(same) / static_cast<double>(rows.size()), 0.93) << gain_db;
    }
}

TEST_F(BundledVoice, TakesNoOtherSoundForSpeech) {
    constexpr std::size_t kSize = 20 * kRateHz;
    const std::pair<const char*, Sound> sounds[]{{"hum", hum},
                                                 {"tones", telephone_tones},
                                                 {"keyboard", keyboard},
                                                 {"music", synthetic_music}};
    for (const auto& [name, sound] : sounds) {
        double share = 0.0;
        constexpr int kDraws = 5;
        for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
            Random random(seed + 1000);
            share +=
                share_voiced(set_level(sound(kSize, kRateHz, random), -26.0F).samples) / kDraws;
        }
        EXPECT_LT(share, 0.15) << name;
    }
    Random random(1);
    EXPECT_LT(share_voiced(set_level(coloured_noise(kSize, random), -26.0F).samples), 0.05);
    EXPECT_EQ(share_voiced(std::vector<float>(kSize)), 0.0);
}

}  // namespace
}  // namespace emotiond::model
