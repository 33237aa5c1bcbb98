#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/alert_engine.hpp"
#include "daemon/analysis_control.hpp"
#include "daemon/config.hpp"
#include "daemon/devices.hpp"
#include "daemon/event_printer.hpp"
#include "daemon/feed.hpp"
#include "daemon/file_player.hpp"
#include "daemon/history.hpp"
#include "daemon/metrics.hpp"
#include "daemon/pipeline.hpp"
#include "daemon/service_notification.hpp"
#include "daemon/tokens.hpp"
#include "model/classifier.hpp"
#include "protocol/http_server.hpp"
#include "protocol/hub.hpp"
#include "protocol/tcp_server.hpp"

namespace emotiond::daemon {

enum class PrintFormat { None, Text, Json };

/// The whole machine. Members stand in the order in which they start; stop() goes the other way.
///
///     devices, files ──> feeds ──> pipeline ──> inference ──> hub ──> tcp, http, printer, history
///     threads:  PortAudio's, one for     `analysis.threads`   │                         └── one
///               devices, one for files   of each              └── network: the one that calls
///               run()
class Service {
 public:
    /// Reads the configuration again, as the command line said.
    using Reread = std::function<Config()>;

    /// Loads the model, listens, opens the sources. Throws ConfigError, DeviceError,
    /// std::runtime_error.
    Service(const Config& config, PrintFormat print, Reread reread);
    ~Service();

    /// Runs until SIGINT, SIGTERM or the end of every file, where there are no microphones. Returns
    /// the exit code: 0, or 69 where all files broke off.
    int run();

    [[nodiscard]] const AlertEngine& alerts() const { return *alerts_; }

 private:
    struct Channel {
        ChannelConfig config;
        std::shared_ptr<Feed> feed;  ///< none: its device has not been opened yet
        bool ended = false;
        /// Pauses and resumptions behind which events of before are still on their way here; these
        /// are not told.
        int changes_under_way = 0;
        int seconds_alike = 0;  ///< as another channel of its device
        std::uint64_t digest = 0;
    };

    protocol::ServerOptions server_options();
    void start_pipeline();
    void add_channel(const ChannelConfig& config);
    void play(Channel& channel, model::AudioFile file, const std::string& paused);
    void end_channel(const std::string& id, const std::string& reason);
    void forget_channel(const std::string& id);
    protocol::StreamState set_analysis(const std::string& id, bool on);
    [[nodiscard]] bool may_be_told(const protocol::Event& event) const;
    void on_events(const std::vector<protocol::Event>& events);
    void on_opened(const std::string& id, const std::shared_ptr<Feed>& feed);
    void on_refused(const std::string& id, const std::string& reason);
    void on_ended(const std::string& id);
    void on_overload(Overload::Change change);
    void observe(const protocol::Event& event);
    void publish(const protocol::Event& event);
    void publish(const std::string& stream, decltype(protocol::Event::body) body);
    void watch_reload();
    void reload();
    void reload_credentials(const Config& config);
    std::vector<std::string> end_channels_not_in(const Config& config);
    void add_channels(const Config& config);
    void reload_model(const Config& config);
    void put_in_force(const Config& config, const std::shared_ptr<model::Classifier>& classifier);
    void reload_alerts(const Config& config);
    [[nodiscard]] std::string not_ready() const;
    [[nodiscard]] std::vector<std::shared_ptr<Feed>> feeds() const;
    void watch_devices();
    void watch_silence();
    void compare_channels();
    [[nodiscard]] AudioProgress progress() const;
    void stop();
    void log_summary() const;
    void close_devices(int exit_code);

    Config config_;
    Reread reread_;
    boost::asio::io_context io_;
    boost::asio::signal_set signals_;
    boost::asio::signal_set reload_;
    boost::asio::steady_timer device_timer_;
    boost::asio::steady_timer alert_timer_;
    std::shared_ptr<model::Classifier> classifier_;
    protocol::Hub hub_;
    Metrics metrics_;
    std::shared_ptr<protocol::ConnectionLimiter> connections_;
    std::shared_ptr<protocol::Tls> tls_;
    std::shared_ptr<Tokens> tokens_;
    std::unique_ptr<AlertEngine> alerts_;
    std::unique_ptr<History> history_;
    std::unique_ptr<AnalysisControl> control_;
    std::unique_ptr<EventPrinter> printer_;
    std::unique_ptr<protocol::TcpServer> tcp_;
    std::unique_ptr<protocol::HttpServer> http_;
    std::map<std::string, Channel> channels_;
    std::unique_ptr<Pipeline> pipeline_;
    std::unique_ptr<Devices> devices_;
    std::unique_ptr<FilePlayer> files_;
    std::future<void> model_coming_;
    ServiceNotification notification_;
    bool stopping_ = false;
    bool interrupted_ = false;  ///< by a signal
};

}  // namespace emotiond::daemon
