#include "daemon/file_player.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "daemon/thread_name.hpp"

namespace emotiond::daemon {
namespace {

/// A microphone's callback brings about as much.
constexpr int kPieceMs = 10;
constexpr std::size_t kPiecesPerRead = 16;  // a read costs more than what it brings
constexpr auto kRealtimePoll = std::chrono::milliseconds(kPieceMs);
constexpr auto kRoomPoll = std::chrono::milliseconds(1);

}  // namespace

FilePlayer::FilePlayer(const Options& options)
    : options_(options), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void FilePlayer::add(model::AudioFile file, std::optional<int> channel,
                     std::shared_ptr<Feed> feed) {
    const auto channels = static_cast<std::size_t>(file.channels());
    const auto piece = static_cast<std::size_t>(file.rate_hz()) * kPieceMs / 1000;
    auto replay = std::make_unique<Replay>(
        Replay{std::move(file), channel, std::move(feed), Clock::now(), 0, 0, piece,
               std::vector<float>(kPiecesPerRead * piece * channels),
               std::vector<float>(kPiecesPerRead * piece)});
    const std::scoped_lock lock(mutex_);
    replays_.push_back(std::move(replay));
    changed_.notify_one();
}

void FilePlayer::remove(const std::string& feed_name) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(replays_, [&](const auto& replay) { return replay->feed->name() == feed_name; });
}

void FilePlayer::run(const std::stop_token& stop) {
    name_this_thread("files");
    while (!stop.stop_requested()) {
        std::unique_lock lock(mutex_);
        const auto now = Clock::now();
        std::erase_if(replays_, [&](const auto& replay) { return !play(*replay, now); });
        if (replays_.empty()) {
            changed_.wait(lock, stop, [this] { return !replays_.empty(); });
        } else {
            const auto next = now + (options_.realtime ? kRealtimePoll : kRoomPoll);
            changed_.wait_until(lock, stop, next, [] { return false; });
        }
    }
}

/// Returns false at the end.
bool FilePlayer::play(Replay& replay, Clock::time_point now) const {
    try {
        while (is_due(replay, now)) {
            if (!play_piece(replay)) {
                replay.feed->end();
                return false;
            }
        }
    } catch (const std::exception& error) {
        replay.feed->break_off(error.what());
        return false;
    }
    return true;
}

bool FilePlayer::is_due(const Replay& replay, Clock::time_point now) const {
    Feed& feed = *replay.feed;
    if (options_.realtime) {
        return replay.begun + feed.time_of(replay.played + replay.piece) <= now;
    }
    return feed.ring().capacity() - feed.ring().size() >= replay.piece;
}

/// Returns false where nothing is left to play.
bool FilePlayer::play_piece(Replay& replay) const {
    if (replay.ready.empty() && !read(replay)) {
        const std::uint64_t in_this_pass = replay.played - replay.played_before_this_pass;
        replay.file.require_complete(in_this_pass);
        if (!options_.loop || in_this_pass == 0) {
            return false;
        }
        replay.file.rewind();
        replay.played_before_this_pass = replay.played;
        read(replay);
    }
    const auto piece = replay.ready.first(std::min(replay.piece, replay.ready.size()));
    replay.ready = replay.ready.subspan(piece.size());
    replay.played += piece.size();
    replay.feed->write(piece);
    return true;
}

/// Returns false at the end of the file.
bool FilePlayer::read(Replay& replay) {
    const std::size_t got = replay.file.read(replay.frames);
    const auto mono = std::span(replay.mono).first(got);
    const auto channels = static_cast<std::size_t>(replay.file.channels());
    model::mix_to_mono(replay.frames, channels, replay.channel, mono);
    replay.ready = mono;
    return got > 0;
}

}  // namespace emotiond::daemon
