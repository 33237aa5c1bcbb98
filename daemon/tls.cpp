#include "daemon/tls.hpp"

#include <boost/system/system_error.hpp>

#include "daemon/config.hpp"

namespace emotiond::daemon {

namespace ssl = boost::asio::ssl;

std::shared_ptr<ssl::context> load_tls(const std::filesystem::path& certificate,
                                       const std::filesystem::path& key) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                         ssl::context::no_sslv3 | ssl::context::no_tlsv1 |
                         ssl::context::no_tlsv1_1);
    boost::system::error_code error;
    context->use_certificate_chain_file(certificate.string(), error);
    if (error) {
        throw ConfigError("server.tls_certificate " + certificate.string() + ": " +
                          error.message());
    }
    context->use_private_key_file(key.string(), ssl::context::pem, error);
    if (error) {
        throw ConfigError("server.tls_key " + key.string() + ": " + error.message());
    }
    return context;
}

}  // namespace emotiond::daemon
