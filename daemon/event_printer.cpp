#include "daemon/event_printer.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "daemon/thread_name.hpp"
#include "model/labels.hpp"

namespace emotiond::daemon {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxMessages = 64;
/// A pipe that poll() calls writable takes this much without blocking.
constexpr std::size_t kMaxWrite = 4096;
constexpr auto kPatienceAtEnd = std::chrono::seconds(2);

std::string clock_text(std::int64_t ms) {
    char text[32];
    std::snprintf(text, sizeof text, "%lld:%04.1f", static_cast<long long>(ms / 60000),
                  static_cast<double>(ms % 60000) / 1000.0);
    return text;
}

std::string time_span(const json& message) {
    return clock_text(message.value("start_ms", std::int64_t{0})) + "-" +
           clock_text(message.value("end_ms", std::int64_t{0})) + "  ";
}

std::string bar(double share) {
    constexpr int kWidth = 20;
    const int filled = std::clamp(static_cast<int>(std::lround(share * kWidth)), 0, kWidth);
    std::string text;
    for (int i = 0; i < kWidth; ++i) {
        text += i < filled ? "█" : "·";
    }
    return text;
}

/// ANSI colour of an emotion.
const char* colour(const std::string& label) {
    static const std::pair<const char*, const char*> kColours[]{
        {"neutral", "37"}, {"calm", "36"},    {"happy", "33"},   {"sad", "34"},
        {"angry", "31"},   {"fearful", "35"}, {"disgust", "32"}, {"surprised", "93"}};
    for (const auto& [name, code] : kColours) {
        if (label == name) {
            return code;
        }
    }
    return "0";
}

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
}

std::string coloured(const std::string& text, const char* code, bool colours) {
    return colours ? "\033[" + std::string(code) + "m" + text + "\033[0m" : text;
}

std::string emotion_line(const json& message, bool colours) {
    const std::string label = message.value("label", "?");
    const double confidence = message.value("confidence", 0.0);
    if (label == model::kNoSpeechLabel) {
        char text[64];
        std::snprintf(text, sizeof text, "no speech  %.2f", confidence);
        return coloured(text, "90", colours);
    }
    std::string others;
    std::vector<std::pair<double, std::string>> ranked;
    const json scores = message.value("scores", json::object());
    for (const auto& [name, score] : scores.items()) {
        if (name != label && score.is_number()) {
            ranked.emplace_back(score.get<double>(), name);
        }
    }
    std::ranges::sort(ranked, std::greater<>());
    for (std::size_t i = 0; i < ranked.size() && i < 2; ++i) {
        char text[64];
        std::snprintf(text, sizeof text, "  %s %.2f", ranked[i].second.c_str(), ranked[i].first);
        others += text;
    }
    char numbers[64];
    std::snprintf(numbers, sizeof numbers, " %.2f ", confidence);
    const std::string shown = label + (message.value("uncertain", false) ? "?" : "");
    return coloured(padded(shown, 10) + numbers + bar(confidence), colour(label), colours) + others;
}

}  // namespace

std::string to_line(const json& message, bool colours) {
    const std::string type = message.value("type", "");
    const std::string stream = padded(message.value("stream", "-"), 12) + " ";
    if (type == "emotion") {
        return stream + time_span(message) + emotion_line(message, colours);
    }
    if (type == "utterance") {
        return stream + time_span(message) + emotion_line(message, colours) + "  (utterance " +
               std::to_string(message.value("utterance", 0)) + ")";
    }
    if (type == "overload") {
        const int level = message.value("level", 0);
        const std::string what =
            level == 0 ? "overload is over"
                       : "overload " + std::to_string(level) + ", " + message.value("action", "?");
        return stream + coloured(what, level == 0 ? "0" : "1;33", colours) + ": " +
               message.value("reason", "");
    }
    if (type == "stream") {
        const std::string reason = message.value("reason", "");
        const std::string time = message.contains("end_ms") ? time_span(message) : "";
        return stream + time + "is " + message.value("state", "?") +
               (reason.empty() ? "" : ": " + reason);
    }
    if (type == "alert") {
        const bool is_raised = message.value("state", "") == "raised";
        char numbers[64];
        std::snprintf(numbers, sizeof numbers, " %.2f, since %s", message.value("value", 0.0),
                      clock_text(message.value("start_ms", std::int64_t{0})).c_str());
        const std::string text = "alert " + message.value("rule", "?") +
                                 (is_raised ? " raised:" : " cleared:") + numbers;
        return stream + (is_raised ? coloured(text, "1;31", colours)
                                   : text + " (" + message.value("reason", "") + ")");
    }
    if (type == "gap") {
        const bool audio = message.value("scope", "") == "audio";
        return stream +
               (audio ? std::to_string(message.value("lost_ms", 0)) + " ms of audio lost: "
                      : std::to_string(message.value("dropped", 0)) + " messages lost: ") +
               message.value("reason", "");
    }
    if (type == "error") {
        return stream + "error: " + message.value("message", "");
    }
    return "";
}

bool colours_on_stdout() {
    return isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
}

EventPrinter::EventPrinter(protocol::Hub& hub, Format format, std::size_t max_queue_bytes)
    : hub_(hub),
      format_(format),
      colours_(colours_on_stdout()),
      outbox_(max_queue_bytes),
      thread_([this] { run(); }) {
    deliver(hub_.hello({.max_queue_bytes = max_queue_bytes, .idle_timeout = std::nullopt}));
    hub_.join(*this);
}

EventPrinter::~EventPrinter() {
    hub_.leave(*this);
    {
        const std::scoped_lock lock(mutex_);
        finishing_ = true;
    }
    changed_.notify_one();
}

void EventPrinter::wait_for_reader() {
    const std::scoped_lock lock(mutex_);
    waits_for_reader_ = true;
}

void EventPrinter::deliver(const protocol::MessagePtr& message) {
    std::size_t dropped = 0;
    {
        const std::scoped_lock lock(mutex_);
        dropped = outbox_.push(message);
    }
    hub_.count_dropped(dropped);
    changed_.notify_one();
}

/// False where the reader is gone, or too slow at the end.
bool EventPrinter::write(std::string_view text) {
    auto patience_ends = std::chrono::steady_clock::time_point::max();
    while (!text.empty()) {
        pollfd out{STDOUT_FILENO, POLLOUT, 0};
        if (poll(&out, 1, 100) > 0) {
            const ssize_t written =
                ::write(STDOUT_FILENO, text.data(), std::min(text.size(), kMaxWrite));
            if (written < 0 && errno != EINTR && errno != EAGAIN) {
                return false;
            }
            text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(0, written)));
            continue;
        }
        const auto now = std::chrono::steady_clock::now();
        const std::scoped_lock lock(mutex_);
        if (finishing_ && !waits_for_reader_) {
            patience_ends = std::min(patience_ends, now + kPatienceAtEnd);
        }
        if (now >= patience_ends) {
            return false;
        }
    }
    return true;
}

void EventPrinter::run() {
    name_this_thread("printer");
    for (;;) {
        std::vector<protocol::MessagePtr> messages;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return finishing_ || outbox_.messages() > 0; });
            messages = outbox_.begin_write(kMaxMessages);
            outbox_.end_write();
        }
        if (messages.empty()) {
            return;
        }
        std::string text;
        for (const protocol::MessagePtr& message : messages) {
            if (format_ == Format::Json) {
                text += message->line();
                continue;
            }
            const std::string line = to_line(json::parse(message->text()), colours_);
            if (!line.empty()) {
                text += line + "\n";
            }
        }
        if (!write(text)) {
            return;
        }
    }
}

}  // namespace emotiond::daemon
