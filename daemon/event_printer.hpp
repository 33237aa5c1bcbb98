#pragma once

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>

#include "protocol/hub.hpp"
#include "protocol/outbox.hpp"
#include "protocol/subscriber.hpp"

namespace emotiond::daemon {

/// One wire message as a line that a person reads; empty for a message that tells nothing new.
std::string to_line(const nlohmann::json& message, bool colours);

/// Is stdout a terminal that wants colours?
bool colours_on_stdout();

/// Prints events on stdout, as any other subscriber gets them: a reader of the pipe that is too
/// slow loses messages, is told so, and holds nobody up. Its thread does the writing.
class EventPrinter : public protocol::Subscriber {
 public:
    enum class Format { Text, Json };

    EventPrinter(protocol::Hub& hub, Format format, std::size_t max_queue_bytes);
    /// Prints what is queued; a reader that is not there for it within two seconds is left.
    ~EventPrinter() override;
    EventPrinter(const EventPrinter&) = delete;
    EventPrinter& operator=(const EventPrinter&) = delete;

    /// The reader may take its time at the end, as long as it is there.
    void wait_for_reader();

    /// Network thread.
    void deliver(const protocol::MessagePtr& message) override;

 private:
    void run();
    bool write(std::string_view text);

    protocol::Hub& hub_;
    Format format_;
    bool colours_;
    std::mutex mutex_;
    std::condition_variable changed_;
    protocol::Outbox outbox_;
    bool finishing_ = false;
    bool waits_for_reader_ = false;
    std::jthread thread_;  // last: it uses the rest
};

}  // namespace emotiond::daemon
