#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "daemon/feed.hpp"
#include "model/classifier.hpp"
#include "protocol/events.hpp"

namespace emotiond::daemon {

/// A window on its way to the classifier. The event is filled in but for what the classifier says.
struct PendingWindow {
    std::vector<float> rows;  ///< [num_rows][num_features]
    std::size_t num_rows = 0;
    protocol::Event event;  ///< an EmotionEvent
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
    using Item = std::variant<PendingWindow, protocol::Event>;
    /// Called on the inference thread.
    using Publish = std::function<void(std::vector<protocol::Event>)>;

    /// The thread starts at once. classifier and publish must outlive this.
    Inference(model::Classifier& classifier, std::size_t max_batch, Publish publish);
    /// Ends the thread after all that was submitted.
    ~Inference() { finish(); }
    Inference(const Inference&) = delete;
    Inference& operator=(const Inference&) = delete;

    /// Pipeline thread; never waits. Behind kMaxWaitingBatches full batches the oldest window that
    /// may be dropped goes, and a gap is told in its place.
    void submit(Item item);

    /// True while a channel that can wait should.
    [[nodiscard]] bool is_congested() const;

    /// Waits until everything has been published. Nothing may be submitted afterwards.
    void finish();

 private:
    static constexpr std::size_t kMaxWaitingBatches = 4;

    void run();
    void classify(std::vector<Item>& items);
    void drop_oldest();

    model::Classifier& classifier_;
    std::size_t max_batch_;
    Publish publish_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Item> waiting_;
    std::size_t waiting_windows_ = 0;
    bool finishing_ = false;
    std::jthread thread_;  // last: it uses the rest
};

}  // namespace emotiond::daemon
