#include "daemon/channel_toml.hpp"

#include <algorithm>
#include <sstream>

#include "daemon/toml_entry.hpp"

namespace emotiond::daemon {
namespace {

/// One entry of `[[channels]]`.
class Entry : public TomlEntry {
 public:
    Entry(const toml::table& table, const std::filesystem::path& file)
        : TomlEntry(table, file, "channel", "id") {}

    ChannelConfig read() {
        for (const auto& [key, value] : table()) {
            read(key, value);
        }
        require({"id", "source"}, "a channel");
        try {
            channel_.validate();
        } catch (const std::invalid_argument& error) {
            fail(table().source(), error.what());
        }
        return channel_;
    }

 private:
    void read(const toml::key& key, const toml::node& value) {
        const std::string_view name = key.str();
        if (name == "id") {
            channel_.id = take<std::string>(name, value, "a text in quotes");
        } else if (name == "source") {
            channel_.source = take<std::string>(name, value, "a text in quotes");
        } else if (name == "channel") {
            channel_.channel = static_cast<int>(std::clamp<std::int64_t>(
                take<std::int64_t>(name, value, "a whole number"), -1, 1 << 20));
        } else if (name == "role") {
            channel_.role = take<std::string>(name, value, "a text in quotes");
        } else if (name == "labels") {
            read_labels(value);
        } else if (name == "mixed") {
            channel_.mixed = take<bool>(name, value, "true or false");
        } else if (name == "disclosed") {
            channel_.disclosed = take<bool>(name, value, "true or false");
        } else if (name == "exception") {
            channel_.exception = take<std::string>(name, value, "a text in quotes");
        } else if (name == "priority") {
            channel_.priority = take<std::string>(name, value, "a text in quotes");
        } else {
            fail(key.source(), "unknown key '" + std::string(name) +
                                   "' in [[channels]]; known are id, source, channel, role, "
                                   "labels, mixed, disclosed, exception and priority");
        }
    }

    void read_labels(const toml::node& value) {
        const toml::table* labels = value.as_table();
        if (labels == nullptr) {
            fail(value.source(), "labels must be like {team = \"billing\"}");
        }
        for (const auto& [key, label] : *labels) {
            channel_.labels[std::string(key.str())] =
                take<std::string>("labels." + std::string(key.str()), label, "a text in quotes");
        }
    }

    ChannelConfig channel_;
};

}  // namespace

std::vector<ChannelConfig> read_channels(const toml::node& node,
                                         const std::filesystem::path& file) {
    const toml::array* entries = node.as_array();
    if (entries == nullptr || !entries->is_array_of_tables()) {
        fail_at(file, node.source(), "channels are written as [[channels]], one for each");
    }
    std::vector<ChannelConfig> channels;
    for (const toml::node& entry : *entries) {
        ChannelConfig channel = Entry(*entry.as_table(), file).read();
        if (std::ranges::find(channels, channel.id, &ChannelConfig::id) != channels.end()) {
            fail_at(file, entry.source(), "channel '" + channel.id + "' is there twice");
        }
        channels.push_back(std::move(channel));
    }
    return channels;
}

std::string to_toml(const std::vector<ChannelConfig>& channels) {
    toml::array entries;
    for (const ChannelConfig& channel : channels) {
        toml::table entry{{"id", channel.id},
                          {"source", channel.source},
                          {"role", channel.role},
                          {"mixed", channel.mixed},
                          {"disclosed", channel.disclosed},
                          {"priority", channel.priority}};
        if (channel.channel) {
            entry.insert("channel", *channel.channel);
        }
        if (!channel.exception.empty()) {
            entry.insert("exception", channel.exception);
        }
        if (!channel.labels.empty()) {
            toml::table labels;
            for (const auto& [name, value] : channel.labels) {
                labels.insert(name, value);
            }
            labels.is_inline(true);
            entry.insert("labels", std::move(labels));
        }
        entries.push_back(std::move(entry));
    }
    std::ostringstream out;
    out << toml::table{{"channels", std::move(entries)}} << "\n";
    return out.str();
}

}  // namespace emotiond::daemon
