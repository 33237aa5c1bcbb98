#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/feed.hpp"
#include "daemon/inference.hpp"
#include "daemon/overload.hpp"
#include "dsp/channel_health.hpp"
#include "dsp/row_analysis.hpp"
#include "dsp/utterance_segmenter.hpp"
#include "dsp/window_stream.hpp"

namespace emotiond::daemon {

/// How channels are analysed, all alike.
struct AnalysisOptions {
    dsp::FeatureSpec features;
    dsp::WindowOptions window;
    double min_voiced = 0.15;
    std::optional<dsp::VoiceDetector::Weights> voice;  ///< none: level tells what is voiced
};

dsp::RowAnalysis rows_of(const AnalysisOptions& options);

/// From one channel's ring to its windows and events. One thread at a time.
class ChannelPipeline {
 public:
    /// rows: of the options, shared with other channels of the same thread. inference and overload
    /// must outlive this. low_priority: paused by the last step of overload.
    ChannelPipeline(std::shared_ptr<Feed> feed, const AnalysisOptions& options,
                    const dsp::RowAnalysis& rows, Inference& inference, Overload& overload,
                    bool low_priority = false);

    /// Takes what is in the ring, as far as the feed should not wait. Returns false when the feed
    /// has ended and everything has been submitted; a feed that is lost may come back.
    bool drain();

    /// The same, and the end of the stream after it, whether or not the feed has ended.
    void close(const std::string& reason);

    /// Forgets what it has heard and hears no more; windows that wait are taken back. The ring goes
    /// on to be emptied. Who asks for it tells it; the reason is for a device that is lost and
    /// comes back meanwhile. Returns when on the stream's clock that is.
    protocol::WallTime pause(const std::string& reason);
    /// Begins anew with the next sample. Returns the state that it is in.
    protocol::StreamState resume();

    [[nodiscard]] const std::string& name() const { return feed_->name(); }
    [[nodiscard]] bool is_paused() const { return paused_; }
    /// How far behind the capture side it was when it last looked.
    [[nodiscard]] Feed::Clock::duration lag() const { return lag_; }

 private:
    void mend(std::span<float> samples);
    void examine(std::span<const float> samples);
    void take(std::size_t size, std::uint64_t first_sample);
    void tell_gap(std::uint64_t first_lost, std::uint64_t count);
    void finish_windows();
    void restart(std::uint64_t first_sample);
    void hear(const dsp::VoiceRow& row);
    void submit_utterance(const dsp::Utterance& utterance);
    PendingWindow pending(const dsp::FeatureWindow& window) const;
    void submit_window(const dsp::FeatureWindow& window);
    [[nodiscard]] bool is_skipped() const;
    void settle(Feed::State feed_state);
    void finish(protocol::StreamState state, const std::string& reason);
    void follow_overload();
    void set_state(protocol::StreamState state, std::uint64_t at_sample, std::string reason = {});
    void submit(std::uint64_t at_sample, decltype(protocol::Event::body) body);
    [[nodiscard]] protocol::WallTime wall_time(std::uint64_t sample) const;
    [[nodiscard]] std::chrono::milliseconds stream_time(std::uint64_t sample) const;

    std::shared_ptr<Feed> feed_;
    dsp::WindowStream windows_;
    dsp::UtteranceSegmenter utterances_;
    dsp::ChannelHealth health_;
    double min_voiced_;
    Inference& inference_;
    Overload& overload_;
    bool low_priority_;
    std::vector<float> samples_;
    std::optional<protocol::WallTime> started_;  ///< wall time of sample 0, set once
    std::optional<protocol::StreamState> state_;
    std::uint64_t next_sample_ = 0;
    std::uint64_t device_losses_told_ = 0;
    std::uint64_t invalid_samples_ = 0;  ///< not told yet
    std::uint64_t tell_invalid_from_ = 0;
    std::uint64_t windows_seen_ = 0;
    std::uint64_t next_utterance_ = 1;
    Feed::Clock::time_point taken_at_;
    Feed::Clock::duration lag_{};
    bool lost_ = false;  ///< told, and nothing has come since
    bool paused_ = false;
    std::string pause_reason_;
    bool paused_by_overload_ = false;  ///< then paused_ too
    bool ended_ = false;
};

/// The analysis of all channels: some threads, each with channels of its own, which it looks after
/// in turn every few milliseconds, and with an inference thread behind it.
///
///     feeds ──> channels ──> pipeline thread ──> Inference ──┐
///     feeds ──> channels ──> pipeline thread ──> Inference ──┴──> publish
class Pipeline {
 public:
    struct Options {
        AnalysisOptions analysis;
        Inference::Options inference = {};
        Overload::Options overload = {};
        int threads = 1;
    };
    struct Listener {
        /// On an inference thread; a stream's events in order.
        Inference::Publish publish;
        /// On a pipeline thread, once for each: its feed has ended.
        std::function<void(const std::string& name)> ended;
        /// On a pipeline thread.
        std::function<void(Overload::Change)> overload;
    };

    /// The inference threads start at once.
    Pipeline(const Options& options, std::shared_ptr<model::Classifier> classifier,
             Listener listener);
    /// As finish().
    ~Pipeline() { finish(); }
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    /// Starts the pipeline threads. Until then the rings fill.
    void start();
    /// Takes what is still in the rings, tells the end of every stream, waits until all has been
    /// published and joins the threads.
    void finish();

    // One thread, not a pipeline thread; each waits for a pass, remove() also until the classifier
    // has taken what the ring of a source that waits still holds.

    /// paused: as after pause(), with this reason; empty: it is analysed.
    void add(std::shared_ptr<Feed> feed, bool low_priority = false, const std::string& paused = {});
    /// Does nothing where there is none of that name, as the rest of these.
    void remove(const std::string& name, const std::string& reason);
    std::optional<protocol::WallTime> pause(const std::string& name, const std::string& reason);
    std::optional<protocol::StreamState> resume(const std::string& name);

    /// Waits until all events of before have been published: the last ones of what was removed or
    /// paused, too.
    void flush();

    /// The next batches are judged by this. Its features must be the same.
    void use(const std::shared_ptr<model::Classifier>& classifier);

    /// Any thread.
    [[nodiscard]] const Overload& overload() const { return overload_; }

 private:
    struct Shard {
        Shard(const Options& options, std::shared_ptr<model::Classifier> classifier,
              Inference::Publish publish)
            : inference(options.inference, std::move(classifier), std::move(publish)),
              rows(rows_of(options.analysis)) {}

        Inference inference;
        std::mutex mutex;  ///< held during a pass
        dsp::RowAnalysis rows;
        std::vector<std::unique_ptr<ChannelPipeline>> channels;
        Feed::Clock::duration lag{};  ///< found by the last pass; overload_mutex_ guards it
        std::jthread thread;          // last: it uses the rest
    };

    void run(Shard& shard, const std::stop_token& stop);
    void pass(Shard& shard);
    std::chrono::milliseconds next_phase();
    /// Calls visit(shard, place of the channel), the shard's mutex held.
    template <typename Visit>
    void with_channel(const std::string& name, Visit&& visit);

    Options options_;
    Listener listener_;
    Overload overload_;
    std::mutex overload_mutex_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::uint64_t added_ = 0;
    bool finished_ = false;
};

}  // namespace emotiond::daemon
