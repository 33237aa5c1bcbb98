#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "protocol/command.hpp"
#include "protocol/message.hpp"

namespace emotiond::protocol {

/// Events that the replay buffer has forgotten.
class HistoryReader {
 public:
    struct Page {
        std::vector<MessagePtr> messages;  ///< of one epoch
        bool holds_end = false;  ///< of the position's epoch: the stream's last event is recorded
    };

    virtual ~HistoryReader() = default;

    /// What was recorded of the stream after the position, oldest first: of its epoch, or where
    /// nothing more is, of the next one.
    /// Does not wait: calls done once, later, on the network thread.
    virtual void read_after(const Position& position, std::size_t max_messages,
                            std::function<void(Page)> done) = 0;
};

}  // namespace emotiond::protocol
