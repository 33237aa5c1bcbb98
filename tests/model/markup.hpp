#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace emotiond::test {

/// What is wrong inside a tag, from its name on: attributes that are not quoted, or are there
/// twice.
inline std::string tag_error(std::string_view tag) {
    std::vector<std::string_view> names;
    std::size_t at = std::min(tag.find(' '), tag.size());
    while (at < tag.size()) {
        const std::size_t name = tag.find_first_not_of(' ', at);
        const std::size_t equals = tag.find("=\"", at);
        if (name == std::string_view::npos || equals == std::string_view::npos) {
            return "an attribute without a value";
        }
        names.push_back(tag.substr(name, equals - name));
        if (names.back().find_first_of(" \"<>") != std::string_view::npos ||
            std::count(names.begin(), names.end(), names.back()) != 1) {
            return "an attribute that has no name of its own";
        }
        at = tag.find('"', equals + 2);
        if (at++ == std::string_view::npos) {
            return "a value that does not end";
        }
        if (at < tag.size() && tag[at] != ' ') {
            return "attributes without a blank between them";
        }
    }
    return "";
}

/// What is wrong with the markup; empty: there is one root, every element is closed in its order,
/// attributes are quoted and not repeated, < and & are escaped. A doctype and HTML's <meta> may
/// stay open.
inline std::string markup_error(std::string_view text) {
    constexpr std::array<std::string_view, 5> kEntities{"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    constexpr std::string_view kDoctype = "<!DOCTYPE html>";
    if (text.starts_with(kDoctype)) {
        text.remove_prefix(kDoctype.size());
    }
    std::vector<std::string_view> open;
    std::size_t roots = 0;
    while (!text.empty()) {
        const std::string here(text.substr(0, 60));
        if (text.front() == '&' && std::ranges::none_of(kEntities, [&](std::string_view entity) {
                return text.starts_with(entity);
            })) {
            return "a bare & at " + here;
        }
        if (text.front() != '<') {
            if (open.empty() && text.front() != '\n') {
                return "text outside of the root at " + here;
            }
            text.remove_prefix(1);
            continue;
        }
        const std::size_t end = text.find_first_of("<>", 1);
        if (end == std::string_view::npos || text[end] == '<') {
            return "a tag that does not end at " + here;
        }
        std::string_view tag = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        if (tag.starts_with('/')) {
            if (open.empty() || open.back() != tag.substr(1)) {
                return "closes what is not open: " + here;
            }
            open.pop_back();
            continue;
        }
        const bool is_closed = tag.ends_with('/');
        tag.remove_suffix(is_closed ? 1 : 0);
        if (const std::string error = tag_error(tag); !error.empty()) {
            return error + " at " + here;
        }
        const std::string_view name = tag.substr(0, tag.find(' '));
        roots += open.empty() ? 1 : 0;
        if (!is_closed && name != "meta") {
            open.push_back(name);
        }
    }
    if (!open.empty()) {
        return "never closed: " + std::string(open.back());
    }
    return roots == 1 ? "" : "not one root";
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

}  // namespace emotiond::test
