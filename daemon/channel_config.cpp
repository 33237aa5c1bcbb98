#include "daemon/channel_config.hpp"

#include <stdexcept>

#include "daemon/source_spec.hpp"

namespace emotiond::daemon {
namespace {

constexpr std::size_t kMaxIdBytes = 64;

void require(bool holds, const std::string& what, const std::string& got) {
    if (!holds) {
        throw std::invalid_argument(what + ", got '" + got + "'");
    }
}

}  // namespace

void ChannelConfig::validate() const {
    require(!id.empty() && id.size() <= kMaxIdBytes &&
                id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-_.") == std::string::npos,
            "id must be 1 to 64 letters, digits, '-', '_' or '.'", id);
    const SourceSpec spec = SourceSpec::parse(source);
    require(!spec.channel || !channel, "source must not name a channel where `channel` does",
            source);
    if (channel) {
        require(*channel >= 0 && *channel <= SourceSpec::kMaxChannel, "channel must be 0 to 255",
                std::to_string(*channel));
    }
    require(role == "customer" || role == "agent" || role == "unspecified",
            "role must be customer, agent or unspecified", role);
    require(priority == "normal" || priority == "low", "priority must be normal or low", priority);
}

SourceSpec ChannelConfig::source_spec() const {
    SourceSpec spec = SourceSpec::parse(source);
    if (channel) {
        spec.channel = channel;
    }
    return spec;
}

std::vector<ChannelConfig> channels_of(const std::vector<std::string>& sources) {
    std::vector<SourceSpec> specs;
    for (const std::string& source : sources) {
        specs.push_back(SourceSpec::parse(source));
    }
    const std::vector<std::string> names = unique_stream_names(specs);
    std::vector<ChannelConfig> channels;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        ChannelConfig channel;
        channel.id = names[i];
        channel.source = sources[i];
        channels.push_back(std::move(channel));
    }
    return channels;
}

}  // namespace emotiond::daemon
