#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/command.hpp"
#include "protocol/message.hpp"
#include "protocol/rights.hpp"

namespace emotiond::protocol {

/// What one subscriber wants of all that is published: at first everything that it may see.
/// Not thread-safe.
class Subscription {
 public:
    explicit Subscription(Rights rights = {}, Subscribe wanted = {});

    bool covers(std::string_view stream) const;

    /// Whether it is to be sent. Call it once for every message, in their order: what `emotion`
    /// follows the one before within `min_interval` is not wanted.
    bool wants(const Message& message);

    /// Nothing any more.
    void end() { ended_ = true; }

    const Rights& rights() const { return rights_; }
    Overflow on_overflow() const { return wanted_.on_overflow; }

 private:
    struct Stream {
        bool covered = false;
        std::chrono::milliseconds last_end{};
        std::string epoch;  ///< of last_end; the sample clock starts again with it
    };

    Stream& state_of(const std::string& stream);

    Rights rights_;
    Subscribe wanted_;
    std::unordered_map<std::string, Stream> streams_;
    bool ended_ = false;
};

}  // namespace emotiond::protocol
