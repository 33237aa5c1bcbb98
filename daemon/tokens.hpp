#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/rights.hpp"

namespace emotiond::daemon {

/// Who may do what. The file holds no token, only the SHA-256 of each: a token is 256 random bits,
/// which no dictionary has, so it needs no slower hash.
class Tokens {
 public:
    /// Throws ConfigError that names the file, the line and what is wrong.
    explicit Tokens(const std::filesystem::path& file);

    /// Takes the same time for every token. Thread-safe.
    std::optional<protocol::Rights> rights_of(std::string_view token) const;

    std::size_t size() const { return entries_.size(); }

 private:
    using Hash = std::array<unsigned char, 32>;
    struct Entry {
        Hash hash{};
        protocol::Rights rights;
    };
    static Hash hash_of(std::string_view token);

    std::vector<Entry> entries_;
};

/// `emotiond token`: makes a token. Prints it on stderr where stdout is no terminal, so that the
/// entry for the file can be redirected into it. Returns the exit code.
struct TokenOptions {
    std::string name;
    std::vector<std::string> streams{"*"};
    std::vector<std::string> actions{"subscribe", "history"};
};
int token_command(const TokenOptions& options);

}  // namespace emotiond::daemon
