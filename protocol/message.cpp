#include "protocol/message.hpp"

namespace emotiond::protocol {

namespace {

/// Of an unmasked, final text frame. Source: RFC 6455, 5.2.
std::string frame_head(std::uint64_t size) {
    constexpr char kFinalText = static_cast<char>(0x81);
    constexpr std::uint64_t kInHead = 125;
    constexpr std::uint64_t kInTwoBytes = 0xffff;
    std::string head{kFinalText};
    int bytes = 0;
    if (size <= kInHead) {
        head += static_cast<char>(size);
    } else if (size <= kInTwoBytes) {
        head += static_cast<char>(126);
        bytes = 2;
    } else {
        head += static_cast<char>(127);
        bytes = 8;
    }
    for (int i = bytes - 1; i >= 0; --i) {
        head += static_cast<char>(size >> (8U * static_cast<unsigned>(i)) & 0xffU);
    }
    return head;
}

}  // namespace

Message::Message(const std::string& json, About about) : about_(std::move(about)) {
    bytes_ = frame_head(json.size());
    head_bytes_ = bytes_.size();
    bytes_ += json;
    bytes_ += '\n';
}

}  // namespace emotiond::protocol
