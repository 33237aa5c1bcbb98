#include "daemon/alert_toml.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "daemon/config.hpp"

namespace emotiond::daemon {
namespace {

using Strings = std::vector<std::string>;

/// Without a clear_below of its own a rule clears below this share of its threshold.
constexpr double kUsualClearBelow = 0.7;

[[noreturn]] void fail(const std::filesystem::path& file, const toml::source_region& region,
                       const std::string& what) {
    throw ConfigError(file.string() + ":" + std::to_string(region.begin.line) + ": " + what);
}

/// One entry of `[[alerts]]`, and what complaints say of it.
class Entry {
 public:
    Entry(const toml::table& table, const std::filesystem::path& file)
        : table_(table), file_(file) {}

    AlertRule read() {
        rule_.name = table_["name"].value_or(std::string());  // complaints begin with it
        for (const auto& [key, value] : table_) {
            read(key, value);
        }
        for (const char* needed : {"name", "labels", "threshold"}) {
            if (!table_.contains(needed)) {
                fail(table_.source(), std::string("an alert needs `") + needed + "`");
            }
        }
        if (!table_.contains("clear_below")) {
            // Rounded, as people would write it.
            rule_.clear_below = std::round(kUsualClearBelow * rule_.threshold * 1e6) / 1e6;
        }
        try {
            rule_.validate();
        } catch (const std::invalid_argument& error) {
            fail(table_.source(), error.what());
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

    template <typename Value>
    Value take(std::string_view name, const toml::node& node, const char* expected) {
        const auto value = node.value_exact<Value>();
        if (!value) {
            fail(node.source(), std::string(name) + " must be " + expected);
        }
        return *value;
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

    [[noreturn]] void fail(const toml::source_region& region, const std::string& what) const {
        daemon::fail(file_, region,
                     (rule_.name.empty() ? "" : "alert '" + rule_.name + "': ") + what);
    }

    const toml::table& table_;
    const std::filesystem::path& file_;
    AlertRule rule_;
};

toml::array to_array(const Strings& values) {
    toml::array array;
    for (const std::string& value : values) {
        array.push_back(value);
    }
    return array;
}

/// The shortest text that reads back as the same number; toml++ would print all its 17 digits.
std::string shortest_text(double value) {
    char text[32];
    const auto [end, error] = std::to_chars(text, text + sizeof text, value);
    return error == std::errc{} ? std::string(text, end) : "0";
}

}  // namespace

std::vector<AlertRule> read_alert_rules(const toml::node& node, const std::filesystem::path& file) {
    const toml::array* entries = node.as_array();
    if (entries == nullptr || !entries->is_array_of_tables()) {
        fail(file, node.source(), "alerts are written as [[alerts]], one for each rule");
    }
    std::vector<AlertRule> rules;
    for (const toml::node& entry : *entries) {
        AlertRule rule = Entry(*entry.as_table(), file).read();
        if (std::ranges::find(rules, rule.name, &AlertRule::name) != rules.end()) {
            fail(file, entry.source(), "alert '" + rule.name + "' is there twice");
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
        fail(file, error.source(), std::string(error.description()));
    }
    std::vector<AlertRule> rules;
    for (const auto& [key, node] : table) {
        if (key.str() != "alerts") {
            fail(
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
