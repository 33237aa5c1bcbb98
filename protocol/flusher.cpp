#include "protocol/flusher.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

namespace emotiond::protocol {

void Flusher::add(std::function<void()> flush) {
    if (const auto round = next_.lock()) {
        round->push_back(std::move(flush));
        return;
    }
    const auto round = std::make_shared<Round>();
    round->push_back(std::move(flush));
    next_ = round;
    if (Clock::now() >= rested_at_) {
        boost::asio::post(timer_.get_executor(),
                          [self = shared_from_this(), round] { self->run(*round); });
    } else {
        timer_.expires_at(rested_at_);
        timer_.async_wait(
            [self = shared_from_this(), round](boost::system::error_code) { self->run(*round); });
    }
}

void Flusher::run(const Round& round) {
    next_.reset();
    const Clock::time_point begin = Clock::now();
    for (const auto& flush : round) {
        flush();
    }
    const Clock::time_point end = Clock::now();
    rested_at_ = end + std::min<Clock::duration>(kRest * (end - begin), kLongestRest);
}

}  // namespace emotiond::protocol
