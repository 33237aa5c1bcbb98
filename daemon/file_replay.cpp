#include "daemon/file_replay.hpp"

#include <chrono>
#include <vector>

namespace emotiond::daemon {
namespace {

/// A microphone's callback brings about as much.
constexpr int kPieceMs = 10;
constexpr auto kRoomPoll = std::chrono::milliseconds(1);

}  // namespace

FileReplay::FileReplay(model::AudioFile file, Feed& feed, const Options& options)
    : file_(std::move(file)), feed_(feed), options_(options), thread_([this](std::stop_token stop) {
          try {
              run(stop);
          } catch (const std::exception& error) {
              feed_.fail(error.what());
          }
      }) {}

void FileReplay::run(const std::stop_token& stop) {
    const auto channels = static_cast<std::size_t>(file_.channels());
    const std::size_t piece_frames = static_cast<std::size_t>(file_.rate_hz()) * kPieceMs / 1000;
    std::vector<float> frames(piece_frames * channels);
    std::vector<float> mono(piece_frames);
    const auto start = Feed::Clock::now();
    std::uint64_t played = 0;
    std::uint64_t played_before_this_pass = 0;
    while (!stop.stop_requested()) {
        const std::size_t got = file_.read(frames);
        if (got == 0) {
            file_.require_complete(played - played_before_this_pass);
            if (!options_.loop || played == played_before_this_pass) {
                feed_.end();
                return;
            }
            file_.rewind();
            played_before_this_pass = played;
            continue;
        }
        model::mix_to_mono(frames, channels, options_.channel, {mono.data(), got});
        played += got;
        if (options_.realtime) {
            std::this_thread::sleep_until(start + feed_.time_of(played));
        } else {
            while (feed_.ring().capacity() - feed_.ring().size() < got && !stop.stop_requested()) {
                std::this_thread::sleep_for(kRoomPoll);
            }
            if (stop.stop_requested()) {
                return;  // what found no room was not played yet
            }
        }
        feed_.write({mono.data(), got});
    }
}

}  // namespace emotiond::daemon
