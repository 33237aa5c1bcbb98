#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace emotiond::protocol {

/// One JSON object, serialised once and shared by every subscriber that gets it.
/// The line end is stored with it, so that no transport has to copy the text to add one.
class Message {
 public:
    /// stream, seq: empty and 0 for a message that belongs to no stream.
    explicit Message(std::string json, std::string stream = {}, std::uint64_t seq = 0)
        : line_(std::move(json) + '\n'), stream_(std::move(stream)), seq_(seq) {}

    std::string_view line() const { return line_; }  ///< with the line end: for NDJSON
    std::string_view text() const { return line().substr(0, line_.size() - 1); }  ///< without it
    const std::string& stream() const { return stream_; }
    std::uint64_t seq() const { return seq_; }

 private:
    std::string line_;
    std::string stream_;
    std::uint64_t seq_;
};

using MessagePtr = std::shared_ptr<const Message>;

}  // namespace emotiond::protocol
