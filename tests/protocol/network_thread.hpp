#pragma once

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "protocol/hub.hpp"
#include "tests/protocol/clients.hpp"

namespace emotiond::protocol {

/// An io_context with a hub, run by a thread of its own as the daemon's main thread does.
/// Servers are made before start(), or inside call().
class NetworkThread {
 public:
    NetworkThread() { hub_.add_stream({.stream = "desk07", .role = "customer"}); }

    ~NetworkThread() {
        io_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    NetworkThread(const NetworkThread&) = delete;
    NetworkThread& operator=(const NetworkThread&) = delete;

    boost::asio::io_context& io() { return io_; }
    Hub& hub() { return hub_; }  ///< inside call()

    void start() {
        thread_ = std::thread([this] {
            io_.run();
            ended_.set_value();
        });
    }

    /// Runs the call on the network thread, or here while that does not run. Returns its result.
    template <class Call>
    auto call(Call call) {
        if (!thread_.joinable()) {
            return call();
        }
        std::packaged_task<std::invoke_result_t<Call>()> task(std::move(call));
        auto result = task.get_future();
        boost::asio::post(io_, std::move(task));
        return result.get();
    }

    Counters counters() {
        return call([this] { return hub_.counters(); });
    }

    /// Waits until the counters fulfil the condition. Errors: throws when they never do.
    template <class Condition>
    void wait_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!condition(counters())) {
            if (std::chrono::steady_clock::now() > deadline) {
                throw std::runtime_error("what the test waits for did not happen in time");
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    /// Whether the io_context runs out of work by itself.
    bool ends() {
        work_.reset();
        const bool ended = ended_future_.wait_for(kPatience) == std::future_status::ready;
        if (ended && thread_.joinable()) {
            thread_.join();
        }
        return ended;
    }

 private:
    boost::asio::io_context io_;
    Hub hub_{"emotiond test", {}};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    std::promise<void> ended_;
    std::future<void> ended_future_ = ended_.get_future();
    std::thread thread_;
};

/// An event whose message is `text`: small or as large as a test wants it.
inline Event event(std::string text = "x") {
    return {.stream = "desk07",
            .time = {},
            .body = ErrorEvent{.code = "test", .message = std::move(text), .fatal = false}};
}

}  // namespace emotiond::protocol
