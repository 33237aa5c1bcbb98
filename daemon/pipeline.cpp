#include "daemon/pipeline.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/whole_ms.hpp"

namespace emotiond::daemon {
namespace {

using protocol::StreamState;

/// The capture callback may not wake anybody, so the pipeline looks for itself this often.
constexpr auto kPollInterval = std::chrono::milliseconds(4);
constexpr std::size_t kPieceSamples = 4096;

}  // namespace

ChannelPipeline::ChannelPipeline(Feed& feed, const dsp::FeatureSpec& spec,
                                 const dsp::WindowOptions& window, double min_voiced,
                                 Inference& inference)
    : feed_(feed),
      windows_(spec, feed.rate_hz(), window),
      min_voiced_(min_voiced),
      inference_(inference),
      samples_(kPieceSamples) {}

bool ChannelPipeline::drain() {
    if (ended_) {
        return false;
    }
    // Read before the ring is: what an ended feed wrote last is then in it.
    const Feed::State feed_state = feed_.state();
    // At most a ringful, or a file that is replayed fast would keep the other channels waiting.
    for (std::size_t taken = 0; taken < feed_.ring().capacity(); taken += kPieceSamples) {
        if (feed_.waits() && inference_.is_congested()) {
            return true;
        }
        const dsp::SampleRing::Chunk chunk = feed_.ring().read(samples_);
        if (chunk.lost_before > 0) {
            tell_gap(chunk.first_sample - chunk.lost_before, chunk.lost_before);
        }
        if (chunk.size == 0) {
            end_as(feed_state);
            break;
        }
        take(chunk.size, chunk.first_sample);
    }
    return !ended_;
}

/// All has been taken from the ring that was there when the feed was in this state.
void ChannelPipeline::end_as(Feed::State feed_state) {
    if (feed_state == Feed::State::Ended) {
        end(StreamState::Ended, "end of source");
    } else if (feed_state == Feed::State::Lost) {
        end(StreamState::Lost, feed_.reason());
    }
}

void ChannelPipeline::close() {
    while (!ended_) {
        if (!drain()) {
            return;
        }
        if (feed_.ring().size() == 0) {
            end(StreamState::Ended, "service is stopping");
        } else {
            std::this_thread::sleep_for(kPollInterval);  // the classifier is behind
        }
    }
}

void ChannelPipeline::take(std::size_t size, std::uint64_t first_sample) {
    taken_at_ = Feed::Clock::now();
    next_sample_ = first_sample + size;
    if (!started_) {
        const auto age = taken_at_ - feed_.captured_at(0);
        started_ = std::chrono::system_clock::now() -
                   std::chrono::duration_cast<std::chrono::system_clock::duration>(age);
        set_state(StreamState::Live, first_sample);
    }
    windows_.push({samples_.data(), size},
                  [this](const dsp::FeatureWindow& window) { submit_window(window); });
}

void ChannelPipeline::tell_gap(std::uint64_t first_lost, std::uint64_t count) {
    const std::uint64_t device_losses = feed_.lost_by_device();
    const bool by_device = device_losses > device_losses_told_;
    device_losses_told_ = device_losses;
    windows_.finish([this](const dsp::FeatureWindow& window) { submit_window(window); });
    windows_.restart(first_lost + count);
    const auto lost = stream_time(first_lost + count) - stream_time(first_lost);
    submit(first_lost + count, protocol::GapEvent{by_device ? "device_overflow" : "ring_overflow",
                                                  stream_time(first_lost),
                                                  std::max(lost, std::chrono::milliseconds(1))});
    next_sample_ = first_lost + count;
}

void ChannelPipeline::submit_window(const dsp::FeatureWindow& window) {
    if (window.voiced < min_voiced_) {
        set_state(StreamState::Silent, window.end_sample);
        return;
    }
    set_state(StreamState::Live, window.end_sample);
    protocol::EmotionEvent emotion;
    emotion.start = stream_time(window.start_sample);
    emotion.end = stream_time(window.end_sample);
    emotion.voiced = window.voiced;
    emotion.level_dbfs = window.level_dbfs;
    PendingWindow pending;
    pending.rows.assign(window.rows.begin(), window.rows.end());
    pending.num_rows = window.num_rows;
    pending.may_be_dropped = !feed_.waits();
    pending.captured_at = feed_.captured_at(window.end_sample);
    pending.ready_at = Feed::Clock::now();
    emotion.latency.capture = whole_ms(taken_at_ - pending.captured_at);
    emotion.latency.features = whole_ms(pending.ready_at - taken_at_);
    pending.event = {feed_.name(), wall_time(window.end_sample), std::move(emotion)};
    inference_.submit(std::move(pending));
}

void ChannelPipeline::end(StreamState state, const std::string& reason) {
    // What was lost at the very end has no sample behind it that would bring it along.
    const std::uint64_t captured = feed_.ring().captured();
    if (captured > next_sample_) {
        tell_gap(next_sample_, captured - next_sample_);
    } else {
        windows_.finish([this](const dsp::FeatureWindow& window) { submit_window(window); });
    }
    set_state(state, next_sample_, reason);
    ended_ = true;
}

void ChannelPipeline::set_state(StreamState state, std::uint64_t at_sample, std::string reason) {
    if (state_ != state) {
        state_ = state;
        submit(at_sample, protocol::StreamEvent{state, std::move(reason)});
    }
}

void ChannelPipeline::submit(std::uint64_t at_sample, decltype(protocol::Event::body) body) {
    inference_.submit(protocol::Event{feed_.name(), wall_time(at_sample), std::move(body)});
}

protocol::WallTime ChannelPipeline::wall_time(std::uint64_t sample) const {
    return started_.value_or(std::chrono::system_clock::now()) +
           std::chrono::duration_cast<protocol::WallTime::duration>(feed_.time_of(sample));
}

std::chrono::milliseconds ChannelPipeline::stream_time(std::uint64_t sample) const {
    return std::chrono::floor<std::chrono::milliseconds>(feed_.time_of(sample));
}

Pipeline::Pipeline(const std::vector<Feed*>& feeds, const dsp::FeatureSpec& spec,
                   const dsp::WindowOptions& window, double min_voiced, Inference& inference,
                   std::function<void()> on_end)
    : on_end_(std::move(on_end)) {
    for (Feed* feed : feeds) {
        channels_.emplace_back(*feed, spec, window, min_voiced, inference);
    }
}

void Pipeline::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Pipeline::finish() {
    if (thread_.joinable()) {
        thread_.request_stop();
        thread_.join();
    }
}

void Pipeline::run(const std::stop_token& stop) {
    auto next_pass = Feed::Clock::now();
    while (!stop.stop_requested()) {
        bool any_is_live = false;
        for (ChannelPipeline& channel : channels_) {
            any_is_live |= channel.drain();
        }
        if (!any_is_live) {
            on_end_();
            return;
        }
        next_pass = std::max(next_pass + kPollInterval, Feed::Clock::now());
        std::this_thread::sleep_until(next_pass);
    }
    for (ChannelPipeline& channel : channels_) {
        channel.close();
    }
}

}  // namespace emotiond::daemon
