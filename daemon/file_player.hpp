#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "daemon/feed.hpp"
#include "model/audio_file.hpp"

namespace emotiond::daemon {

/// Plays audio files into feeds, at the pace of a microphone or as fast as the feeds take them. One
/// thread for all, from the first file on.
class FilePlayer {
 public:
    struct Options {
        bool realtime = true;
        bool loop = false;
    };

    explicit FilePlayer(const Options& options);

    /// Any thread. channel: none: all of the file's, mixed. The feed ends with the file; a file
    /// that is damaged breaks it.
    void add(model::AudioFile file, std::optional<int> channel, std::shared_ptr<Feed> feed);
    /// Any thread: nothing is written into this feed any more.
    void remove(const std::string& feed_name);

 private:
    using Clock = Feed::Clock;

    struct Replay {
        model::AudioFile file;
        std::optional<int> channel;
        std::shared_ptr<Feed> feed;
        Clock::time_point begun;
        std::uint64_t played = 0;
        std::uint64_t played_before_this_pass = 0;  ///< of the file
        std::size_t piece;                          ///< samples that are played at once
        std::vector<float> frames;                  ///< several pieces, as the file has them
        std::vector<float> mono;                    ///< the same, mixed
        std::span<const float> ready = {};          ///< of them, what is to be played yet
    };

    void run(const std::stop_token& stop);
    bool play(Replay& replay, Clock::time_point now) const;
    [[nodiscard]] bool is_due(const Replay& replay, Clock::time_point now) const;
    bool play_piece(Replay& replay) const;
    static bool read(Replay& replay);

    Options options_;
    std::mutex mutex_;  ///< held during a pass
    std::condition_variable_any changed_;
    std::vector<std::unique_ptr<Replay>> replays_;
    std::jthread thread_;  // last: it uses the rest
};

}  // namespace emotiond::daemon
