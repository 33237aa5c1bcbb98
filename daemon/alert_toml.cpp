#include "daemon/alert_toml.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "daemon/config.hpp"
#include "daemon/shortest_text.hpp"
#include "daemon/toml_entry.hpp"

namespace emotiond::daemon {
namespace {

using Strings = std::vector<std::string>;

/// Without a clear_below of its own a rule clears below this share of its threshold.
constexpr double kUsualClearBelow = 0.7;

/// One entry of `[[alerts]]`.
class Entry : public TomlEntry {
 public:
    Entry(const toml::table& table, const std::filesystem::path& file)
        : TomlEntry(table, file, "alert", "name") {}

    AlertRule read() {
        for (const auto& [key, value] : table()) {
            read(key, value);
        }
        require({"name", "labels", "threshold"}, "an alert");
        if (!table().contains("clear_below")) {
            // Rounded, as people would write it.
            rule_.clear_below = std::round(kUsualClearBelow * rule_.threshold * 1e6) / 1e6;
        }
        try {
            rule_.validate();
        } catch (const std::invalid_argument& error) {
            fail(table().source(), error.what());
        }
        return rule_;
    }

 private:
    void read(const toml::key& key, const toml::node& value) {
        const std::string_view name = key.str();
        if (name == "name") {
            rule_.name = take<std::string>(name, value, "a text in quotes");
        } else if (name == "labels") {
            rule_.labels = take_list(name, value);
        } else if (name == "threshold") {
            rule_.threshold = take_number(name, value);
        } else if (name == "clear_below") {
            rule_.clear_below = take_number(name, value);
        } else if (name == "min_duration_ms") {
            rule_.min_duration_ms = take<std::int64_t>(name, value, "a whole number");
        } else if (name == "clear_after_ms") {
            rule_.clear_after_ms = take<std::int64_t>(name, value, "a whole number");
        } else if (name == "cooldown_ms") {
            rule_.cooldown_ms = take<std::int64_t>(name, value, "a whole number");
        } else if (name == "streams") {
            rule_.streams = take_list(name, value);
        } else if (name == "roles") {
            rule_.roles = take_list(name, value);
        } else {
            fail(key.source(),
                 "unknown key '" + std::string(name) +
                     "' in [[alerts]]; known are name, labels, threshold, clear_below, "
                     "min_duration_ms, clear_after_ms, cooldown_ms, streams and roles");
        }
    }

    /// A whole number is a number too.
    double take_number(std::string_view name, const toml::node& node) {
        return node.is_integer() ? static_cast<double>(*node.value<std::int64_t>())
                                 : take<double>(name, node, "a number");
    }

    Strings take_list(std::string_view name, const toml::node& node) {
        constexpr const char* kExpected = "a list of texts";
        const toml::array* array = node.as_array();
        if (array == nullptr) {
            fail(node.source(), std::string(name) + " must be " + kExpected);
        }
        Strings values;
        for (const toml::node& element : *array) {
            values.push_back(take<std::string>(name, element, kExpected));
        }
        return values;
    }

    AlertRule rule_;
};

toml::array to_array(const Strings& values) {
    toml::array array;
    for (const std::string& value : values) {
        array.push_back(value);
    }
    return array;
}

}  // namespace

std::vector<AlertRule> read_alert_rules(const toml::node& node, const std::filesystem::path& file) {
    const toml::array* entries = node.as_array();
    if (entries == nullptr || !entries->is_array_of_tables()) {
        fail_at(file, node.source(), "alerts are written as [[alerts]], one for each rule");
    }
    std::vector<AlertRule> rules;
    for (const toml::node& entry : *entries) {
        AlertRule rule = Entry(*entry.as_table(), file).read();
        if (std::ranges::find(rules, rule.name, &AlertRule::name) != rules.end()) {
            fail_at(file, entry.source(), "alert '" + rule.name + "' is there twice");
        }
        rules.push_back(std::move(rule));
    }
    return rules;
}

std::vector<AlertRule> read_alert_rules(const std::filesystem::path& file) {
    toml::table table;
    try {
        table = toml::parse_file(file.string());
    } catch (const toml::parse_error& error) {
        if (error.source().begin.line == 0) {  // it could not be read
            throw ConfigError(file.string() + ": " + std::string(error.description()));
        }
        fail_at(file, error.source(), std::string(error.description()));
    }
    std::vector<AlertRule> rules;
    for (const auto& [key, node] : table) {
        if (key.str() != "alerts") {
            fail_at(
                file, key.source(),
                "a file of rules has nothing but [[alerts]], got '" + std::string(key.str()) + "'");
        }
        rules = read_alert_rules(node, file);
    }
    if (rules.empty()) {
        throw ConfigError(file.string() + ": there are no [[alerts]] in it");
    }
    return rules;
}

std::string to_toml(const std::vector<AlertRule>& rules) {
    std::ostringstream out;
    for (const AlertRule& rule : rules) {
        out << (&rule == &rules.front() ? "" : "\n") << "[[alerts]]\n"
            << "name = " << toml::value<std::string>(rule.name) << "\n"
            << "labels = " << to_array(rule.labels) << "\n"
            << "threshold = " << shortest_text(rule.threshold) << "\n"
            << "clear_below = " << shortest_text(rule.clear_below) << "\n"
            << "min_duration_ms = " << rule.min_duration_ms << "\n"
            << "clear_after_ms = " << rule.clear_after_ms << "\n"
            << "cooldown_ms = " << rule.cooldown_ms << "\n"
            << "streams = " << to_array(rule.streams) << "\n"
            << "roles = " << to_array(rule.roles) << "\n";
    }
    return out.str();
}

}  // namespace emotiond::daemon
