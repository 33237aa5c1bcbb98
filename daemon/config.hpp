#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/alert_rule.hpp"
#include "daemon/channel_config.hpp"
#include "dsp/window_stream.hpp"
#include "model/classifier.hpp"
#include "model/smoother.hpp"

namespace emotiond::daemon {

/// Something that the operator wrote is wrong. Ends the program with exit code 78 (EX_CONFIG).
class ConfigError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// All settings with their defaults; docs/configuration.md says what each does.
struct Config {
    struct Audio {
        std::vector<std::string> sources{"mic"};
        std::int64_t rate_hz = 0;
        std::int64_t ring_ms = 4000;
        std::string speed = "realtime";
        bool loop = false;
        bool operator==(const Audio&) const = default;
    } audio;
    struct Analysis {
        std::int64_t window_ms = 3000;
        std::int64_t hop_ms = 500;
        std::int64_t first_window_ms = 1000;
        double min_voiced = 0.15;
        std::int64_t threads = 1;
        std::int64_t smoothing_ms = 1000;
        double label_margin = 0.05;
        bool operator==(const Analysis&) const = default;
    } analysis;
    struct Model {
        std::string bundle;  ///< empty: the one that came with the program
        std::string device = "auto";
        std::int64_t threads = 1;
        std::int64_t max_batch = 64;
        std::int64_t max_delay_ms = 20;
        bool trust_code = false;
        bool operator==(const Model&) const = default;
    } model;
    struct Server {
        std::string tcp = "127.0.0.1:8791";
        std::string http = "127.0.0.1:8790";
        std::int64_t max_queue_bytes = 1048576;
        std::int64_t flush_ms = 2000;
        std::int64_t replay_bytes = 262144;
        std::int64_t idle_timeout_ms = 30000;
        std::int64_t max_connections = 4096;
        std::int64_t max_connections_per_address = 2048;
        bool compression = true;
        std::string tls_certificate;  ///< empty: no TLS
        std::string tls_key;
        std::string tokens;  ///< file; empty: everybody may do everything
        bool insecure = false;
        std::vector<std::string> origins;
        bool operator==(const Server&) const = default;
    } server;
    struct History {
        std::string path;  ///< empty: nothing is recorded
        std::int64_t max_age_h = 168;
        std::int64_t max_mb = 1024;
        bool operator==(const History&) const = default;
    } history;
    struct Audit {
        std::string path;  ///< empty: pauses and objections are not remembered
        bool operator==(const Audit&) const = default;
    } audit;
    struct Overload {
        std::int64_t high_ms = 200;
        std::int64_t calm_s = 10;
        bool operator==(const Overload&) const = default;
    } overload;
    struct Log {
        std::string level = "info";
        bool operator==(const Log&) const = default;
    } log;
    std::vector<ChannelConfig> channels;  ///< empty: audio.sources tells them
    std::vector<AlertRule> alerts;

    bool operator==(const Config&) const = default;

    /// Sets what the file names. Throws ConfigError with file and line: unreadable, not TOML, an
    /// unknown section or key, a value of the wrong type.
    void read_file(const std::filesystem::path& path);

    /// assignment: "section.key=value"; a list is separated by commas. Throws ConfigError.
    void apply_override(std::string_view assignment);

    /// Throws ConfigError for a value that is out of range, naming the key, what is allowed and
    /// what was got.
    void validate() const;

    /// As a file that read_file() takes.
    [[nodiscard]] std::string to_toml() const;

    /// `channels`, or one for each of `audio.sources`.
    [[nodiscard]] std::vector<ChannelConfig> all_channels() const;
    [[nodiscard]] dsp::WindowOptions window_options() const;
    [[nodiscard]] model::Smoother::Options smoother_options() const;
    [[nodiscard]] model::Classifier::Options classifier_options() const;
};

/// What can be reached from elsewhere must be secret and know who asks, unless the operator says
/// that something else sees to both. what: whose endpoint it is. Throws ConfigError.
void require_safe_endpoint(const std::string& what, const std::string& endpoint,
                           const Config::Server& server);

}  // namespace emotiond::daemon
