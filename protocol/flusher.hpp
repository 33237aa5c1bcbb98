#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace emotiond::protocol {

/// When the connections' buffers go to the kernel. A system call for every message of every
/// subscriber would take most of the network thread's time, so they go in rounds: the next one
/// begins as soon as nothing else is to do, but not before kRest times as long as the last one
/// took, so that rounds never take more than a fifth of the time. With few subscribers that is
/// at once; with a thousand it is some milliseconds later, for all of them alike. Where a buffer is
/// full there is no rest: then there is nothing else to do.
/// Network thread only.
class Flusher : public std::enable_shared_from_this<Flusher> {
 public:
    static constexpr int kRest = 4;
    static constexpr std::chrono::milliseconds kLongestRest{50};

    explicit Flusher(const boost::asio::any_io_executor& executor) : timer_(executor) {}

    /// flush: called once, in the next round.
    void add(std::function<void()> flush);

    /// The next round begins now, if there is anything to flush.
    void hurry() { timer_.cancel(); }

 private:
    using Clock = std::chrono::steady_clock;
    using Round = std::vector<std::function<void()>>;

    void run(const Round& round);

    boost::asio::steady_timer timer_;
    /// The round on its way. Its handler owns it, not this: who waits to be flushed owns this, and
    /// an io_context that ends before the round must free both.
    std::weak_ptr<Round> next_;
    Clock::time_point rested_at_;
};

}  // namespace emotiond::protocol
