#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "daemon/config.hpp"
#include "daemon/event_printer.hpp"
#include "daemon/feed.hpp"
#include "daemon/file_replay.hpp"
#include "daemon/history.hpp"
#include "daemon/inference.hpp"
#include "daemon/metrics.hpp"
#include "daemon/pipeline.hpp"
#include "daemon/portaudio_capture.hpp"
#include "daemon/tokens.hpp"
#include "model/classifier.hpp"
#include "protocol/http_server.hpp"
#include "protocol/hub.hpp"
#include "protocol/tcp_server.hpp"

namespace emotiond::daemon {

enum class PrintFormat { None, Text, Json };

/// The whole machine. Members stand in the order in which they start; stop() goes the other way.
///
///     capture ──> feeds ──> pipeline ──> inference ──> hub ──> tcp, http, printer, history
///     threads:  PortAudio's,  one         one            │                         └── one
///               one a file                               └── network: the one that calls run()
class Service {
 public:
    /// Loads the model, listens, opens the sources. Throws ConfigError, DeviceError,
    /// std::runtime_error.
    Service(const Config& config, PrintFormat print);
    ~Service();

    /// Runs until SIGINT, SIGTERM or the end of every source. Returns the exit code: 0, or 69 where
    /// all sources were lost.
    int run();

 private:
    protocol::ServerOptions server_options(const Config& config);
    void open_sources(const Config& config);
    void watch_reload(const Config& config);
    void reload(const Config& config);
    [[nodiscard]] std::string not_ready() const;
    void watch_devices();
    void stop();
    void log_summary() const;
    void close_devices(int exit_code);

    std::chrono::milliseconds flush_;
    boost::asio::io_context io_;
    boost::asio::signal_set signals_;
    boost::asio::signal_set reload_;
    boost::asio::steady_timer device_timer_;
    model::Classifier classifier_;
    protocol::Hub hub_;
    Metrics metrics_;
    std::shared_ptr<protocol::ConnectionLimiter> connections_;
    std::shared_ptr<protocol::Tls> tls_;
    std::shared_ptr<Tokens> tokens_;
    std::unique_ptr<History> history_;
    std::unique_ptr<EventPrinter> printer_;
    std::unique_ptr<protocol::TcpServer> tcp_;
    std::unique_ptr<protocol::HttpServer> http_;
    std::vector<std::unique_ptr<Feed>> feeds_;
    std::unique_ptr<Inference> inference_;
    std::unique_ptr<Pipeline> pipeline_;
    std::unique_ptr<PortAudio> portaudio_;
    std::vector<std::unique_ptr<PortAudioCapture>> captures_;
    std::vector<std::unique_ptr<FileReplay>> replays_;
    bool reload_watched_ = false;
    bool stopping_ = false;
};

}  // namespace emotiond::daemon
