#include "protocol/connection.hpp"

#include <cstddef>

namespace emotiond::protocol {

namespace {

/// TCP_INFO as Asio's GettableSocketOption.
class TcpInfo {
 public:
    template <class Protocol>
    int level(const Protocol&) const {
        return IPPROTO_TCP;
    }
    template <class Protocol>
    int name(const Protocol&) const {
        return TCP_INFO;
    }
    template <class Protocol>
    void* data(const Protocol&) {
        return &info_;
    }
    template <class Protocol>
    std::size_t size(const Protocol&) const {
        return sizeof info_;
    }
    /// An older kernel knows fewer fields; the one used here is among the first.
    template <class Protocol>
    void resize(const Protocol&, std::size_t) {}

    double round_trip_us() const { return info_.tcpi_rtt; }

 private:
    tcp_info info_{};
};

}  // namespace

std::optional<double> Connection::round_trip_ms() noexcept {
    TcpInfo info;
    boost::system::error_code error;
    socket_->get_option(info, error);
    if (error) {
        return std::nullopt;
    }
    return info.round_trip_us() / 1000.0;
}

}  // namespace emotiond::protocol
