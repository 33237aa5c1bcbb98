#include "model/audio_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sndfile.h>

#include <atomic>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::HasSubstr;

std::string complaint(const std::filesystem::path& path) {
    try {
        read_recording(path);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(AudioFile, ReadsWhatIsThereInPieces) {
    const auto path = test::scratch_folder() / "a.wav";
    const std::vector<float> samples = test::coloured_noise(10001, 0.5F, 1);
    test::write_wav(path, samples);
    AudioFile file(path);
    EXPECT_EQ(file.rate_hz(), 16000);
    EXPECT_EQ(file.channels(), 1);
    EXPECT_EQ(file.announced_frames(), 10001);
    std::vector<float> piece(777);
    std::vector<float> all;
    for (std::size_t got = file.read(piece); got > 0; got = file.read(piece)) {
        all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
    }
    ASSERT_EQ(all.size(), samples.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        ASSERT_NEAR(all[i], samples[i], 1e-4);
    }
}

TEST(AudioFile, MixesChannelsOrTakesOne) {
    const std::vector<float> frames{0.5F, -0.5F, 1.0F, 0.0F};
    std::vector<float> out(2);
    mix_to_mono(frames, 2, std::nullopt, out);
    EXPECT_THAT(out, testing::ElementsAre(0.0F, 0.5F));
    mix_to_mono(frames, 2, 1, out);
    EXPECT_THAT(out, testing::ElementsAre(-0.5F, 0.0F));
}

TEST(AudioFile, NamesAFileThatIsNotThereOrNotAudio) {
    EXPECT_THAT(complaint("/nonexistent.wav"),
                HasSubstr("cannot read audio from /nonexistent.wav"));
    const auto path = test::scratch_folder() / "text.wav";
    test::write_bytes(path, "not audio at all");
    EXPECT_THAT(complaint(path), HasSubstr("cannot read audio from " + path.string()));
}

TEST(AudioFile, TellsTheReasonWhileOtherThreadsOpenFiles) {
    const auto folder = test::scratch_folder();
    test::write_bytes(folder / "text.wav", "no audio at all");
    test::write_wav(folder / "a.wav", test::coloured_noise(100, 0.5F, 1));
    std::atomic<int> other_reasons = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 500; ++round) {
                AudioFile whole(folder / "a.wav");
                const std::string said = complaint(folder / "text.wav");
                other_reasons += said.ends_with("Format not recognised.") ? 0 : 1;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(other_reasons, 0);
}

TEST(AudioFile, NamesAFileWithoutSamples) {
    const auto path = test::scratch_folder() / "empty.wav";
    test::write_wav(path, {});
    EXPECT_THAT(complaint(path), HasSubstr("no audio in " + path.string()));
}

TEST(AudioFile, NamesAFileThatEndsTooEarly) {
    const auto folder = test::scratch_folder();
    const std::string flac = test::read_bytes(test::clip("12a02Wc.flac"));
    test::write_bytes(folder / "cut.flac", flac.substr(0, flac.size() / 2));
    EXPECT_THAT(complaint(folder / "cut.flac"),
                testing::ContainsRegex("(truncated|damaged) audio in .*cut.flac"));
    test::write_wav(folder / "whole.wav", std::vector<float>(10000, 0.5F));
    test::write_bytes(folder / "cut.wav", test::read_bytes(folder / "whole.wav").substr(0, 9044));
    EXPECT_THAT(complaint(folder / "cut.wav"),
                HasSubstr("truncated audio in " + (folder / "cut.wav").string() +
                          ": its header announces 20000 bytes, 9000 are there"));
    EXPECT_EQ(complaint(folder / "whole.wav"), "");
}

TEST(AudioFile, NamesASampleThatIsNoNumber) {
    const auto path = test::scratch_folder() / "nan.wav";
    test::write_wav(path, std::vector<float>(8, 0.0F));
    std::string bytes = test::read_bytes(path);  // four samples of float in place of eight of PCM
    bytes[20] = 3;
    bytes[32] = 4;
    bytes[34] = 32;
    const float not_a_number = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(bytes.data() + 44 + 2 * sizeof(float), &not_a_number, sizeof not_a_number);
    test::write_bytes(path, bytes);
    EXPECT_THAT(complaint(path), HasSubstr("damaged audio in " + path.string() + ": sample 2 is"));
}

/// Ogg Vorbis at 16 kHz.
void write_ogg(const std::filesystem::path& path, const std::vector<float>& samples) {
    SF_INFO info{};
    info.samplerate = 16000;
    info.channels = 1;
    info.format = SF_FORMAT_OGG | SF_FORMAT_VORBIS;
    SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
    ASSERT_NE(file, nullptr);
    const auto size = static_cast<sf_count_t>(samples.size());
    EXPECT_EQ(sf_writef_float(file, samples.data(), size), size);
    sf_close(file);
}

TEST(AudioFile, AnOggOfOnePageIsWholeAndACutOneIsNot) {
    const auto folder = test::scratch_folder();
    write_ogg(folder / "short.ogg", std::vector<float>(16000, 0.01F));
    write_ogg(folder / "long.ogg", test::coloured_noise(160000, 0.0F, 1));
    EXPECT_EQ(complaint(folder / "short.ogg"), "");
    EXPECT_EQ(complaint(folder / "long.ogg"), "");
    const std::string bytes = test::read_bytes(folder / "long.ogg");
    const std::size_t last_page = bytes.rfind("OggS");
    for (const std::size_t size : {last_page, last_page + 50, bytes.size() - 1}) {
        test::write_bytes(folder / "cut.ogg", bytes.substr(0, size));
        EXPECT_THAT(complaint(folder / "cut.ogg"), HasSubstr("its stream has no end mark"));
    }
}

TEST(AudioFile, AWavOfUnknownLengthIsWhole) {
    const auto folder = test::scratch_folder();
    test::write_wav(folder / "a.wav", std::vector<float>(1000, 0.5F));
    std::string bytes = test::read_bytes(folder / "a.wav");
    bytes.replace(40, 4, "\xff\xff\xff\xff");
    test::write_bytes(folder / "piped.wav", bytes);
    EXPECT_EQ(complaint(folder / "piped.wav"), "");
}

}  // namespace
}  // namespace emotiond::model
