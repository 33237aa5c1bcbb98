#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <map>
#include <memory>

namespace emotiond::protocol {

/// How many connections there may be, in total and from one address, over all ports that share
/// this. Network thread only.
class ConnectionLimiter : public std::enable_shared_from_this<ConnectionLimiter> {
 public:
    /// Counts as one connection for as long as somebody holds it.
    using Ticket = std::shared_ptr<void>;

    ConnectionLimiter(std::size_t max_total, std::size_t max_per_address)
        : max_total_(max_total), max_per_address_(max_per_address) {}

    /// Null where there are too many.
    Ticket admit(const boost::asio::ip::address& address) {
        const auto known = of_address_.find(address);
        const std::size_t from_there = known == of_address_.end() ? 0 : known->second;
        if (total_ >= max_total_ || from_there >= max_per_address_) {
            ++refused_;
            return nullptr;  // without a trace of the address: there may be very many
        }
        ++total_;
        ++of_address_[address];
        return {this, [self = shared_from_this(), address](void*) { self->leave(address); }};
    }

    std::size_t total() const { return total_; }
    std::size_t refused() const { return refused_; }  ///< since start-up

 private:
    void leave(const boost::asio::ip::address& address) {
        --total_;
        if (--of_address_[address] == 0) {
            of_address_.erase(address);
        }
    }

    std::size_t max_total_;
    std::size_t max_per_address_;
    std::size_t total_ = 0;
    std::size_t refused_ = 0;
    std::map<boost::asio::ip::address, std::size_t> of_address_;
};

}  // namespace emotiond::protocol
