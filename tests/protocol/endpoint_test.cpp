#include "protocol/endpoint.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace emotiond::protocol {
namespace {

std::string complaint_about(std::string_view text) {
    try {
        return "accepted as " + to_string(parse_endpoint(text));
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}

TEST(Endpoint, IsAnAddressAndAPort) {
    const auto endpoint = parse_endpoint("127.0.0.1:8791");
    EXPECT_EQ(endpoint.address().to_string(), "127.0.0.1");
    EXPECT_EQ(endpoint.port(), 8791);
}

TEST(Endpoint, TakesIPv6InBrackets) {
    const auto endpoint = parse_endpoint("[::1]:8791");
    EXPECT_TRUE(endpoint.address().is_v6());
    EXPECT_TRUE(endpoint.address().is_loopback());
    EXPECT_EQ(endpoint.port(), 8791);
}

TEST(Endpoint, IsWrittenAsItIsRead) {
    for (const char* text : {"127.0.0.1:8791", "0.0.0.0:0", "[::1]:65535", "[::]:1"}) {
        EXPECT_EQ(to_string(parse_endpoint(text)), text);
    }
}

TEST(Endpoint, SaysThatThePortIsMissing) {
    const std::string complaint = "has no port, expected for example 127.0.0.1:8791 or [::1]:8791";
    for (const std::string text : {"", "8791", "127.0.0.1", "[::1]", "[]"}) {
        EXPECT_EQ(complaint_about(text), "endpoint \"" + text + "\": " + complaint);
    }
}

TEST(Endpoint, SaysThatThePortIsNoPort) {
    const std::string complaint = "the port is not a number from 0 to 65535";
    for (const std::string text :
         {"127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x", "127.0.0.1: 80",
          "127.0.0.1:http", "[::1]:99999999999999999999"}) {
        EXPECT_EQ(complaint_about(text), "endpoint \"" + text + "\": " + complaint);
    }
}

TEST(Endpoint, SaysThatTheHostIsNoAddress) {
    const std::string complaint =
        "the host is not an IP address, expected for example 127.0.0.1 or [::1]";
    for (const std::string text :
         {":8791", "localhost:8791", "[]:8791", "[:8791", "256.0.0.1:8791", "[::1:8791"}) {
        EXPECT_EQ(complaint_about(text), "endpoint \"" + text + "\": " + complaint);
    }
}

TEST(Endpoint, SaysThatBracketsAreForIPv6) {
    const std::string complaint = "an IPv6 address, and only that, stands in brackets";
    for (const std::string text : {"::1:8791", "[127.0.0.1]:8791"}) {
        EXPECT_EQ(complaint_about(text), "endpoint \"" + text + "\": " + complaint);
    }
}

}  // namespace
}  // namespace emotiond::protocol
