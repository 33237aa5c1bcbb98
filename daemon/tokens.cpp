#include "daemon/tokens.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include <toml++/toml.h>

#include "daemon/config.hpp"

namespace emotiond::daemon {
namespace {

constexpr std::string_view kActions[]{"subscribe", "history", "erase", "control", "metrics", "*"};

std::string hex(const unsigned char* bytes, std::size_t size) {
    constexpr const char* kDigits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += kDigits[bytes[i] >> 4U];
        text += kDigits[bytes[i] & 0xfU];
    }
    return text;
}

void must_be_action(const std::string& action, const std::string& where) {
    if (std::ranges::find(kActions, action) == std::end(kActions)) {
        throw ConfigError(where + "unknown action '" + action +
                          "', expected subscribe, history, erase, control, metrics or *");
    }
}

std::vector<std::string> texts(const toml::node* node, const std::string& where) {
    std::vector<std::string> result;
    const toml::array* array = node->as_array();
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        if (const auto text = (*array)[i].value_exact<std::string>()) {
            result.push_back(*text);
        }
    }
    if (array == nullptr || result.size() != array->size()) {
        throw ConfigError(where + "must be a list of texts");
    }
    return result;
}

}  // namespace

Tokens::Hash Tokens::hash_of(std::string_view token) {
    Hash hash{};
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), hash.data());
    return hash;
}

Tokens::Tokens(const std::filesystem::path& file) {
    toml::table table;
    try {
        table = toml::parse_file(file.string());
    } catch (const toml::parse_error& error) {
        throw ConfigError(file.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                          std::string(error.description()));
    }
    const auto place = [&](const toml::node& node) {
        return file.string() + ":" + std::to_string(node.source().begin.line) + ": ";
    };
    for (const auto& [key, node] : table) {
        if (key != "token" || !node.is_array_of_tables()) {
            throw ConfigError(place(node) + "expected only [[token]] entries, got '" +
                              std::string(key.str()) + "'");
        }
    }
    const toml::array* list = table["token"].as_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
        const toml::table& one = *(*list)[i].as_table();
        Entry entry;
        entry.rights.actions = {"subscribe"};  // where it does not say
        std::string digest;
        for (const auto& [key, node] : one) {
            const std::string where = place(node) + "'" + std::string(key.str()) + "' ";
            if (key == "name") {
                entry.rights.name = node.value_or(std::string());
            } else if (key == "sha256") {
                digest = node.value_or(std::string());
            } else if (key == "streams") {
                entry.rights.streams = texts(&node, where);
            } else if (key == "actions") {
                entry.rights.actions = texts(&node, where);
                for (const std::string& action : entry.rights.actions) {
                    must_be_action(action, place(node));
                }
            } else {
                throw ConfigError(where + "is unknown, expected name, sha256, streams or actions");
            }
        }
        const bool is_hex = digest.find_first_not_of("0123456789abcdef") == std::string::npos;
        if (entry.rights.name.empty() || digest.size() != 2 * entry.hash.size() || !is_hex) {
            throw ConfigError(place(one) +
                              "a [[token]] needs a name, and a sha256 of 64 digits 0-9a-f");
        }
        for (std::size_t byte = 0; byte < entry.hash.size(); ++byte) {
            entry.hash[byte] =
                static_cast<unsigned char>(std::stoi(digest.substr(2 * byte, 2), nullptr, 16));
        }
        entries_.push_back(std::move(entry));
    }
    if (entries_.empty()) {
        throw ConfigError(file.string() +
                          ": holds no [[token]]; `emotiond token NAME` makes an entry");
    }
}

std::optional<protocol::Rights> Tokens::rights_of(std::string_view token) const {
    const Hash hash = hash_of(token);
    const Entry* found = nullptr;
    for (const Entry& entry : entries_) {  // all of them, whichever it is
        if (CRYPTO_memcmp(entry.hash.data(), hash.data(), hash.size()) == 0) {
            found = &entry;
        }
    }
    return found == nullptr ? std::nullopt : std::optional(found->rights);
}

int token_command(const TokenOptions& options) {
    for (const std::string& action : options.actions) {
        must_be_action(action, "--actions: ");
    }
    unsigned char random[32];
    if (RAND_bytes(random, sizeof random) != 1) {
        throw std::runtime_error("the system has no random bytes");
    }
    const std::string token = hex(random, sizeof random);
    unsigned char digest[32];
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest);
    toml::array streams;
    toml::array actions;
    for (const std::string& stream : options.streams) {
        streams.push_back(stream);
    }
    for (const std::string& action : options.actions) {
        actions.push_back(action);
    }
    const toml::table entry{{"name", options.name},
                            {"sha256", hex(digest, sizeof digest)},
                            {"streams", streams},
                            {"actions", actions}};
    std::fprintf(stderr, "token, shown this once: %s\n", token.c_str());
    std::printf("[[token]]\n");
    for (const char* key : {"name", "sha256", "streams", "actions"}) {
        std::ostringstream value;
        value << toml::node_view<const toml::node>(entry[key]);
        std::printf("%s = %s\n", key, value.str().c_str());
    }
    return 0;
}

}  // namespace emotiond::daemon
