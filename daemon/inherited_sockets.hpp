#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <optional>
#include <string>

#include "daemon/config.hpp"

namespace emotiond::daemon {

/// Sockets on which the service manager listens for us already: `tcp` and `http`, as
/// FileDescriptorName= of a socket unit calls them. Empty where it passes none.
/// Source: sd_listen_fds(3).
class InheritedSockets {
 public:
    /// Takes them out of the environment. Throws ConfigError: another name, two of one name, no TCP
    /// socket that listens, or one that other machines can reach without what that needs.
    explicit InheritedSockets(const Config::Server& server);
    ~InheritedSockets();
    InheritedSockets(const InheritedSockets&) = delete;
    InheritedSockets& operator=(const InheritedSockets&) = delete;

    /// Hands the socket over; none where it was not passed.
    std::optional<boost::asio::ip::tcp::acceptor> take(boost::asio::io_context& io,
                                                       const std::string& name);

 private:
    std::map<std::string, int> descriptors_;
};

}  // namespace emotiond::daemon
