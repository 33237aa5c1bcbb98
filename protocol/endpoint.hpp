#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

namespace emotiond::protocol {

/// `127.0.0.1:8791` or `[::1]:8791`. The host is an address, so that start-up never waits for a
/// name server; `0.0.0.0` and `[::]` are all addresses of the machine, port 0 is any free port.
/// Errors: throws std::invalid_argument that tells the text and what is wrong with it.
boost::asio::ip::tcp::endpoint parse_endpoint(std::string_view text);

std::string to_string(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace emotiond::protocol
