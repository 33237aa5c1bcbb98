#pragma once

#include <string_view>
#include <utility>

namespace emotiond::protocol {

/// What every answer over HTTP carries: a page may load nothing but the server's own files, no
/// other page may frame it, and nothing is kept by caches unless it says so itself.
constexpr std::pair<std::string_view, std::string_view> kSecurityHeaders[]{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

}  // namespace emotiond::protocol
