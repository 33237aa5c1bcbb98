#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "daemon/feed.hpp"
#include "model/classifier.hpp"
#include "model/smoother.hpp"
#include "protocol/events.hpp"

namespace emotiond::daemon {

/// A window on its way to the classifier, or the end of an utterance. The event is filled in but
/// for what the classifier says.
struct PendingWindow {
    std::vector<float> rows;  ///< [num_rows][num_features]
    std::size_t num_rows = 0;
    protocol::Event event;           ///< an EmotionEvent or an UtteranceEvent
    bool lies_in_utterance = false;  ///< of an EmotionEvent: whole, and counts for its verdict
    bool may_be_dropped = true;
    Feed::Clock::time_point captured_at;  ///< the window's last sample
    Feed::Clock::time_point ready_at;     ///< the window itself
};

/// The inference thread. Windows of all channels wait in one queue and go through the network
/// together, as many as have come meanwhile; other events pass through the same queue, so that
/// every channel's events leave in the order of its samples.
///
///     pipeline ── submit() ──> [ window | event | window | ... ] ──> classify ──> publish
class Inference {
 public:
    /// Nothing that was heard of the stream before counts for what comes behind.
    struct Forget {
        std::string stream;
    };
    /// All that was submitted before has been published.
    struct Reached {
        std::promise<void> promise;
    };
    using Item = std::variant<PendingWindow, protocol::Event, Forget, Reached>;
    /// Called on the inference thread.
    using Publish = std::function<void(std::vector<protocol::Event>)>;

    struct Options {
        std::size_t max_batch = 64;
        /// How long the first window of a batch may wait for others, which cost less together. None
        /// waits where windows come so seldom that it would hardly get company, and none whose
        /// source waits itself. 0: a batch is what has come while the last one was judged.
        std::chrono::milliseconds max_delay{0};
        model::Smoother::Options smoothing = {};
    };

    /// The thread starts at once.
    Inference(const Options& options, std::shared_ptr<model::Classifier> classifier,
              Publish publish);
    /// Ends the thread after all that was submitted.
    ~Inference() { finish(); }
    Inference(const Inference&) = delete;
    Inference& operator=(const Inference&) = delete;

    /// Pipeline thread; never waits. Behind kMaxWaitingBatches full batches the oldest window that
    /// may be dropped goes, and a gap is told in its place.
    void submit(Item item);

    /// True while a channel that can wait should.
    [[nodiscard]] bool is_congested() const;

    /// How long the oldest window has waited; zero where none does, or its channel can wait.
    [[nodiscard]] Feed::Clock::duration oldest_wait() const;

    /// Takes back the windows of this stream that wait, and forgets what the others said. Those in
    /// the forward pass that is running are published yet.
    void take_back(const std::string& stream);

    /// Waits until what has been submitted is published. Not behind finish(), which has done so.
    void flush();

    /// Any thread: judges from the next batch on.
    void use(std::shared_ptr<model::Classifier> classifier);

    /// Waits until everything has been published. Nothing may be submitted afterwards.
    void finish();

 private:
    static constexpr std::size_t kMaxWaitingBatches = 16;
    /// Waiting is worth it where so many others come meanwhile.
    static constexpr int kWorthwhileCompany = 2;

    void run();
    [[nodiscard]] std::vector<Item> next_items(std::shared_ptr<model::Classifier>& classifier);
    void classify(std::vector<Item>& items, model::Classifier& classifier);
    void drop_oldest();
    /// What the windows of one stream have said.
    struct Heard {
        model::Smoother smoother;
        model::Scores in_utterance;  ///< sum over windows, weighted by rows; empty: none yet
        float weight = 0.0F;
        std::uint64_t utterance = 0;  ///< the one that they are of

        /// Of another utterance than before: the one before was not judged, and is forgotten.
        void add(const model::Scores& scores, std::size_t num_rows, std::uint64_t of_utterance);
    };
    Heard& heard(const std::string& stream, const model::Bundle& bundle);
    void fill_in(PendingWindow& window, const model::Classification& answer,
                 const model::Bundle& bundle, bool tells_speech);
    [[nodiscard]] const PendingWindow* oldest_window() const;
    [[nodiscard]] bool should_wait(const PendingWindow& oldest) const;

    Options options_;
    Publish publish_;
    std::map<std::string, Heard> heard_;  ///< by stream; the thread's
    mutable std::mutex mutex_;
    std::shared_ptr<model::Classifier> classifier_;
    std::condition_variable changed_;
    std::deque<Item> waiting_;
    std::size_t waiting_windows_ = 0;
    Feed::Clock::time_point last_ready_at_;
    Feed::Clock::duration mean_interval_ = std::chrono::seconds(1);  ///< of late, between windows
    bool finishing_ = false;
    std::jthread thread_;  // last: it uses the rest
};

}  // namespace emotiond::daemon
