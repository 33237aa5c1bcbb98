#include "daemon/source_spec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace emotiond::daemon {
namespace {

constexpr std::size_t kMaxStreamName = 64;

/// Takes "#<channel>" off the end; leaves what is not a number alone, it may belong to a name.
std::optional<int> take_channel(std::string& text) {
    const std::size_t hash = text.rfind('#');
    if (hash == std::string::npos || hash + 1 == text.size()) {
        return std::nullopt;
    }
    int channel = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data() + hash + 1, end, channel);
    if (error != std::errc{} || stopped != end || channel < 0 ||
        channel > SourceSpec::kMaxChannel) {
        return std::nullopt;
    }
    text.resize(hash);
    return channel;
}

}  // namespace

SourceSpec SourceSpec::parse(std::string_view text) {
    SourceSpec spec;
    std::string rest(text);
    spec.channel = take_channel(rest);
    if (rest == "mic") {
        return spec;
    }
    constexpr std::array<std::pair<std::string_view, Kind>, 4> kPrefixes{
        {{"mic:", Kind::Microphone},
         {"alsa:", Kind::AlsaCard},
         {"usb:", Kind::UsbPort},
         {"file:", Kind::File}}};
    for (const auto& [prefix, kind] : kPrefixes) {
        if (rest.starts_with(prefix) && rest.size() > prefix.size()) {
            spec.kind = kind;
            spec.name = rest.substr(prefix.size());
            return spec;
        }
    }
    throw std::invalid_argument("source '" + std::string(text) +
                                "' must be mic, mic:<device name>, alsa:<card id>, usb:<port> or "
                                "file:<path>, each with #<channel> behind it where one channel "
                                "is meant");
}

std::string SourceSpec::stream_name() const {
    std::string source = "mic";
    if (kind == Kind::File) {
        source = std::filesystem::path(name).stem().string();
    } else if (!name.empty()) {
        source = name;
    }
    std::string result;
    for (const char c : source) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
        if (plain) {
            result += c;
        } else if (c >= 'A' && c <= 'Z') {
            result += static_cast<char>(c - 'A' + 'a');
        } else if (!result.empty() && result.back() != '-') {
            result += '-';
        }
    }
    result.resize(std::min(result.size(), kMaxStreamName));
    while (!result.empty() && result.back() == '-') {
        result.pop_back();
    }
    if (result.empty()) {
        result = kind == Kind::File ? "file" : "mic";
    }
    return channel ? result + "-" + std::to_string(*channel) : result;
}

std::vector<std::string> unique_stream_names(const std::vector<SourceSpec>& sources) {
    std::vector<std::string> names;
    for (const SourceSpec& source : sources) {
        const std::string wanted = source.stream_name();
        std::string name = wanted;
        for (int n = 2; std::ranges::find(names, name) != names.end(); ++n) {
            name = wanted + "-" + std::to_string(n);
        }
        names.push_back(name);
    }
    return names;
}

}  // namespace emotiond::daemon
