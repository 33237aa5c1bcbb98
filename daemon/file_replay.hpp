#pragma once

#include <optional>
#include <thread>

#include "daemon/feed.hpp"
#include "model/audio_file.hpp"

namespace emotiond::daemon {

/// Plays an audio file into a feed, at the pace of a microphone or as fast as the feed takes it.
/// Its thread starts at once and ends with the file, or when this is destroyed.
class FileReplay {
 public:
    struct Options {
        bool realtime = true;
        bool loop = false;
        std::optional<int> channel;  ///< none: all channels mixed
    };

    FileReplay(model::AudioFile file, Feed& feed, const Options& options);

 private:
    void run(const std::stop_token& stop);

    model::AudioFile file_;
    Feed& feed_;
    Options options_;
    std::jthread thread_;  // last: it uses the rest
};

}  // namespace emotiond::daemon
