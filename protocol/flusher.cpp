#include "protocol/flusher.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

namespace emotiond::protocol {

void Flusher::add(std::function<void()> flush) {
    waiting_.push_back(std::move(flush));
    if (waiting_.size() > 1) {
        return;  // the round is on its way
    }
    if (Clock::now() >= rested_at_) {
        boost::asio::post(timer_.get_executor(), [self = shared_from_this()] { self->run(); });
    } else {
        timer_.expires_at(rested_at_);
        timer_.async_wait([self = shared_from_this()](boost::system::error_code) { self->run(); });
    }
}

void Flusher::run() {
    const Clock::time_point begin = Clock::now();
    running_.swap(waiting_);
    for (const auto& flush : running_) {
        flush();
    }
    running_.clear();
    const Clock::time_point end = Clock::now();
    rested_at_ = end + std::min<Clock::duration>(kRest * (end - begin), kLongestRest);
}

}  // namespace emotiond::protocol
