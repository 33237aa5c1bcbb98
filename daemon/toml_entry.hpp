#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "daemon/config.hpp"

namespace emotiond::daemon {

/// Throws ConfigError with file and line.
[[noreturn]] inline void fail_at(const std::filesystem::path& file,
                                 const toml::source_region& region, const std::string& what) {
    throw ConfigError(file.string() + ":" + std::to_string(region.begin.line) + ": " + what);
}

/// One table of a list such as `[[alerts]]`, and what complaints say of it.
/// Throws ConfigError with file and line.
class TomlEntry {
 public:
    /// kind: what complaints call it: "alert".  key: of what it is named by.
    TomlEntry(const toml::table& table, const std::filesystem::path& file, const std::string& kind,
              std::string_view key)
        : table_(table), file_(file) {
        const auto name = table[key].value_or(std::string());
        whose_ = name.empty() ? "" : kind + " '" + name + "': ";
    }

    /// whose: as in "an alert needs ...".
    void require(std::initializer_list<const char*> keys, const std::string& whose) const {
        for (const char* key : keys) {
            if (!table_.contains(key)) {
                fail(table_.source(), whose + " needs `" + key + "`");
            }
        }
    }

    template <typename Value>
    Value take(std::string_view key, const toml::node& node, const char* expected) const {
        const auto value = node.value_exact<Value>();
        if (!value) {
            fail(node.source(), std::string(key) + " must be " + expected);
        }
        return *value;
    }

    [[noreturn]] void fail(const toml::source_region& region, const std::string& what) const {
        fail_at(file_, region, whose_ + what);
    }

    const toml::table& table() const { return table_; }

 private:
    const toml::table& table_;
    const std::filesystem::path& file_;
    std::string whose_;
};

}  // namespace emotiond::daemon
