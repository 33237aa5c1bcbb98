// Commands from anywhere, a line or a frame each: decode_command() takes them or says why not. What
// it takes must work as a subscription.

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "protocol/command.hpp"
#include "protocol/subscription.hpp"

using namespace emotiond::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto decoded = decode_command(bytes);
    if (const auto* error = std::get_if<CommandError>(&decoded)) {
        if (error->code.empty() || error->message.empty() || error->message.size() > 1000) {
            std::abort();
        }
    } else if (const auto* wanted = std::get_if<Subscribe>(&std::get<Command>(decoded).body)) {
        Subscription subscription({}, *wanted);
        subscription.wants(Message("{}", {.type = EventType::Emotion, .stream = "desk07"}));
    }
    const std::size_t half = size / 2;
    subscribe_from_query({{std::string(bytes.substr(0, half)), std::string(bytes.substr(half))},
                          {"streams", std::string(bytes)},
                          {"min_interval_ms", std::string(bytes)}});
    return 0;
}
