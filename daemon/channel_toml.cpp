#include "daemon/channel_toml.hpp"

#include <algorithm>
#include <sstream>

#include "daemon/config.hpp"

namespace emotiond::daemon {
namespace {

/// One entry of `[[channels]]`, and what complaints say of it.
class Entry {
 public:
    Entry(const toml::table& table, const std::filesystem::path& file, ChannelConfig& channel)
        : table_(table), file_(file), channel_(channel) {}

    void read() {
        if (const toml::node* id = table_.get("id")) {
            channel_.id = take<std::string>("id", *id, "a text in quotes");  // for complaints
        }
        for (const auto& [key, value] : table_) {
            read(key, value);
        }
        for (const char* needed : {"id", "source"}) {
            if (!table_.contains(needed)) {
                fail(table_.source(), std::string("a channel needs `") + needed + "`");
            }
        }
        try {
            channel_.validate();
        } catch (const std::invalid_argument& error) {
            fail(table_.source(), error.what());
        }
    }

 private:
    void read(const toml::key& key, const toml::node& value) {
        const std::string_view name = key.str();
        if (name == "id") {
            return;
        }
        if (name == "source") {
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

    template <typename Value>
    Value take(std::string_view name, const toml::node& node, const char* expected) {
        const auto value = node.value_exact<Value>();
        if (!value) {
            fail(node.source(), std::string(name) + " must be " + expected);
        }
        return *value;
    }

    [[noreturn]] void fail(const toml::source_region& region, const std::string& what) const {
        throw ConfigError(file_.string() + ":" + std::to_string(region.begin.line) + ": " +
                          (channel_.id.empty() ? "" : "channel '" + channel_.id + "': ") + what);
    }

    const toml::table& table_;
    const std::filesystem::path& file_;
    ChannelConfig& channel_;
};

}  // namespace

std::vector<ChannelConfig> read_channels(const toml::node& node,
                                         const std::filesystem::path& file) {
    const auto fail = [&](const toml::source_region& region, const std::string& what) {
        throw ConfigError(file.string() + ":" + std::to_string(region.begin.line) + ": " + what);
    };
    const toml::array* entries = node.as_array();
    if (entries == nullptr || !entries->is_array_of_tables()) {
        fail(node.source(), "channels are written as [[channels]], one for each");
    }
    std::vector<ChannelConfig> channels;
    for (const toml::node& entry : *entries) {
        ChannelConfig channel;
        Entry(*entry.as_table(), file, channel).read();
        if (std::ranges::find(channels, channel.id, &ChannelConfig::id) != channels.end()) {
            fail(entry.source(), "channel '" + channel.id + "' is there twice");
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
