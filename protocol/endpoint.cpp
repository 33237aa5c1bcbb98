#include "protocol/endpoint.hpp"

#include <charconv>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace emotiond::protocol {

namespace {

namespace ip = boost::asio::ip;

[[noreturn]] void fail(std::string_view text, std::string_view what) {
    throw std::invalid_argument("endpoint \"" + std::string(text) + "\": " + std::string(what));
}

}  // namespace

ip::tcp::endpoint parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || text.ends_with(']')) {
        fail(text, "has no port, expected for example 127.0.0.1:8791 or [::1]:8791");
    }
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    boost::system::error_code bad_address;
    const ip::address address = ip::make_address(host, bad_address);
    if (bad_address) {
        fail(text, "the host is not an IP address, expected for example 127.0.0.1 or [::1]");
    }
    if (bracketed != address.is_v6()) {
        fail(text, "an IPv6 address, and only that, stands in brackets");
    }
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        fail(text, "the port is not a number from 0 to 65535");
    }
    return {address, port};
}

std::string to_string(const ip::tcp::endpoint& endpoint) {
    std::ostringstream text;
    text << endpoint;
    return text.str();
}

}  // namespace emotiond::protocol
