#pragma once

#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <memory>

namespace emotiond::daemon {

/// TLS 1.2 or newer, with the certificate chain and its key, both PEM.
/// Throws ConfigError that names the file and what is wrong with it.
std::shared_ptr<boost::asio::ssl::context> load_tls(const std::filesystem::path& certificate,
                                                    const std::filesystem::path& key);

}  // namespace emotiond::daemon
