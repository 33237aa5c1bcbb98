#include "daemon/inherited_sockets.hpp"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "protocol/endpoint.hpp"

namespace emotiond::daemon {
namespace {

using boost::asio::ip::tcp;

/// Throws ConfigError.
tcp::endpoint endpoint_of(int descriptor, const std::string& name) {
    tcp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    if (sd_is_socket_inet(descriptor, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0 ||
        getsockname(descriptor, endpoint.data(), &size) != 0) {
        throw ConfigError("the socket '" + name +
                          "' of the service manager is not a TCP socket that listens");
    }
    endpoint.resize(size);
    return endpoint;
}

}  // namespace

InheritedSockets::InheritedSockets(const Config::Server& server) {
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(1, &names);
    if (count < 0) {
        throw ConfigError("cannot take the sockets of the service manager: " +
                          std::string(std::strerror(-count)));
    }
    std::vector<std::string> passed;
    for (int i = 0; i < count; ++i) {
        passed.emplace_back(names[i]);
        std::free(names[i]);
    }
    std::free(static_cast<void*>(names));
    for (int i = 0; i < count; ++i) {
        const std::string& name = passed[static_cast<std::size_t>(i)];
        const int descriptor = SD_LISTEN_FDS_START + i;
        if (name != "tcp" && name != "http") {
            throw ConfigError("the service manager passes a socket named '" + name +
                              "'; FileDescriptorName= must be tcp or http");
        }
        require_safe_endpoint("the socket '" + name + "' of the service manager",
                              protocol::to_string(endpoint_of(descriptor, name)), server);
        if (!descriptors_.emplace(name, descriptor).second) {
            throw ConfigError("the service manager passes two sockets named '" + name + "'");
        }
    }
}

InheritedSockets::~InheritedSockets() {
    for (const auto& [name, descriptor] : descriptors_) {
        close(descriptor);
    }
}

std::optional<tcp::acceptor> InheritedSockets::take(boost::asio::io_context& io,
                                                    const std::string& name) {
    const auto entry = descriptors_.extract(name);
    if (entry.empty()) {
        return std::nullopt;
    }
    const int descriptor = entry.mapped();
    const tcp::endpoint endpoint = endpoint_of(descriptor, name);
    return tcp::acceptor(io, endpoint.protocol(), descriptor);
}

}  // namespace emotiond::daemon
