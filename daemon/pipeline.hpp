#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "daemon/feed.hpp"
#include "daemon/inference.hpp"
#include "dsp/window_stream.hpp"

namespace emotiond::daemon {

/// From one channel's ring to its windows and events. One thread at a time.
class ChannelPipeline {
 public:
    /// feed and inference must outlive this.
    ChannelPipeline(Feed& feed, const dsp::FeatureSpec& spec, const dsp::WindowOptions& window,
                    double min_voiced, Inference& inference);

    /// Takes what is in the ring, as far as the feed should not wait. Returns false when the feed
    /// has ended and everything has been submitted.
    bool drain();

    /// The same, and the end of the stream after it, whether or not the feed has ended.
    void close();

 private:
    void take(std::size_t size, std::uint64_t first_sample);
    void tell_gap(std::uint64_t first_lost, std::uint64_t count);
    void submit_window(const dsp::FeatureWindow& window);
    void end_as(Feed::State feed_state);
    void end(protocol::StreamState state, const std::string& reason);
    void set_state(protocol::StreamState state, std::uint64_t at_sample, std::string reason = {});
    void submit(std::uint64_t at_sample, decltype(protocol::Event::body) body);
    [[nodiscard]] protocol::WallTime wall_time(std::uint64_t sample) const;
    [[nodiscard]] std::chrono::milliseconds stream_time(std::uint64_t sample) const;

    Feed& feed_;
    dsp::WindowStream windows_;
    double min_voiced_;
    Inference& inference_;
    std::vector<float> samples_;
    std::optional<protocol::WallTime> started_;  ///< wall time of sample 0, set once
    std::optional<protocol::StreamState> state_;
    std::uint64_t next_sample_ = 0;
    std::uint64_t device_losses_told_ = 0;
    Feed::Clock::time_point taken_at_;
    bool ended_ = false;
};

/// The pipeline thread: all channels in turn, every few milliseconds.
class Pipeline {
 public:
    /// feeds and inference must outlive this. on_end is called once on the pipeline thread, when
    /// every feed has ended.
    Pipeline(const std::vector<Feed*>& feeds, const dsp::FeatureSpec& spec,
             const dsp::WindowOptions& window, double min_voiced, Inference& inference,
             std::function<void()> on_end);
    /// Takes what is still in the rings, tells the end of every stream and joins the thread.
    ~Pipeline() { finish(); }
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    /// Starts the thread. Until then the rings fill.
    void start();
    void finish();

 private:
    void run(const std::stop_token& stop);

    std::deque<ChannelPipeline> channels_;
    std::function<void()> on_end_;
    std::jthread thread_;
};

}  // namespace emotiond::daemon
