#include "daemon/service.hpp"

#include <dlfcn.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/alert_toml.hpp"
#include "daemon/bundle_path.hpp"
#include "daemon/exit_codes.hpp"
#include "daemon/http_api.hpp"
#include "daemon/inherited_sockets.hpp"
#include "daemon/tls.hpp"
#include "daemon/version.hpp"
#include "protocol/endpoint.hpp"

namespace emotiond::daemon {
namespace {

using std::chrono::milliseconds;

constexpr auto kDeviceCheckInterval = milliseconds(250);
constexpr auto kSilenceCheckInterval = milliseconds(1000);
constexpr auto kPatienceWithDevices = std::chrono::seconds(3);

/// OpenBLAS has threads of its own, which turn round and round while they wait for the next small
/// matrix: half a processor for nothing. libtorch cannot tell it how many to have.
void limit_blas_threads(std::int64_t threads) {
    using SetNumThreads = void (*)(int);
    if (const auto set =
            reinterpret_cast<SetNumThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) {
        set(static_cast<int>(threads));
    }
}

/// The tensors of a batch are megabytes that come and go: glibc would hand each back to the kernel
/// and fetch it anew, page by page, which takes a fifth of the time of a forward pass.
void keep_freed_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 64 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
#endif
}

std::shared_ptr<model::Classifier> load_classifier(const Config& config) {
    limit_blas_threads(config.model.threads);
    keep_freed_memory();
    const auto path = bundle_path(config);
    auto classifier =
        std::make_shared<model::Classifier>(load_bundle(config), config.classifier_options());
    spdlog::info("model {} from {}: {}", classifier->bundle().id, path.string(),
                 origin_text(classifier->bundle()));
    if (!classifier->bundle().torchscript.empty()) {
        spdlog::warn(
            "the model is code of its own (TorchScript), run because model.trust_code is set");
    }
    spdlog::info("inference on {}: {}", classifier->device(), classifier->device_note());
    return classifier;
}

protocol::ModelInfo describe(const model::Classifier& classifier, const Config& config) {
    const model::Bundle& bundle = classifier.bundle();
    return {bundle.id,
            bundle.labels,
            milliseconds(config.analysis.window_ms),
            milliseconds(config.analysis.hop_ms),
            bundle.uncertain_below,
            classifier.tells_speech(),
            bundle.licence};
}

/// What /v1/models tells: as `hello`, and what the model's card says.
nlohmann::ordered_json models_json(const protocol::Hub& hub, const model::Bundle& bundle) {
    const auto hello = nlohmann::ordered_json::parse(hub.hello({})->text());
    nlohmann::ordered_json models = hello["models"];
    for (auto& model : models) {
        model["origin"] = origin_text(bundle);
        model["figures"] = bundle.metrics;
    }
    return models;
}

bool same_voice(const model::Bundle& a, const model::Bundle& b) {
    const auto* of_a = a.voice_weights();
    const auto* of_b = b.voice_weights();
    return (of_a == nullptr) == (of_b == nullptr) && (of_a == nullptr || *of_a == *of_b);
}

/// As many connections as the system lets this process have.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

}  // namespace

Service::Service(const Config& config, PrintFormat print, Reread reread)
    : config_(config),
      reread_(std::move(reread)),
      signals_(io_, SIGINT, SIGTERM),
      reload_(io_, SIGHUP),
      device_timer_(io_),
      alert_timer_(io_),
      classifier_(load_classifier(config)),
      hub_("emotiond " + std::string(kVersion), {describe(*classifier_, config)},
           static_cast<std::size_t>(config.server.replay_bytes)),
      alerts_(std::make_unique<AlertEngine>(config.alerts)) {
    require_known_labels(config.alerts, classifier_->bundle().labels);
    // A peer that is gone is an error code where it is written to, not the end of the program.
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (!config.history.path.empty()) {
        history_ = std::make_unique<History>(
            io_,
            History::Options{config.history.path, std::chrono::hours(config.history.max_age_h),
                             static_cast<std::uint64_t>(config.history.max_mb) << 20U},
            [this](protocol::ErrorEvent error) { publish("", std::move(error)); });
        hub_.join(*history_);
    }
    AnalysisControl::Effects effects;
    effects.set_analysis = [this](const std::string& id, bool on) { return set_analysis(id, on); };
    if (history_) {
        effects.erase_history = [this](const std::string& id,
                                       AnalysisControl::Effects::Erased done) {
            history_->erase(id, std::move(done));
        };
    }
    control_ = std::make_unique<AnalysisControl>(hub_, config.audit.path, std::move(effects));
    const protocol::ServerOptions options = server_options();
    InheritedSockets inherited(config.server);
    const auto acceptor = [&](const std::string& name, const std::string& endpoint) {
        auto passed = inherited.take(io_, name);
        return passed ? std::move(*passed)
                      : protocol::listen_on(io_, protocol::parse_endpoint(endpoint));
    };
    tcp_ = std::make_unique<protocol::TcpServer>(acceptor("tcp", config.server.tcp), hub_, options);
    http_ =
        std::make_unique<protocol::HttpServer>(acceptor("http", config.server.http), hub_, options);
    if (print != PrintFormat::None) {
        printer_ = std::make_unique<EventPrinter>(
            hub_,
            print == PrintFormat::Json ? EventPrinter::Format::Json : EventPrinter::Format::Text,
            static_cast<std::size_t>(config.server.max_queue_bytes));
    }
    start_pipeline();
    for (const ChannelConfig& channel : config.all_channels()) {
        add_channel(channel);
    }
    if (devices_) {
        const auto refusals = devices_->open();
        // What somebody has just typed should be there; what a floor is configured with may come.
        if (config.channels.empty() && !refusals.empty()) {
            throw DeviceError(refusals.front());
        }
        devices_->start();
    }
    const std::string_view s = tls_ ? "s" : "";
    spdlog::info("events as NDJSON on {} {}", tls_ ? "tls" : "tcp",
                 protocol::to_string(tcp_->local_endpoint()));
    spdlog::info("events as WebSocket on ws{}://{}/v1/stream", s,
                 protocol::to_string(http_->local_endpoint()));
    spdlog::info("dashboard on http{}://{}/", s, protocol::to_string(http_->local_endpoint()));
    watch_reload();
}

void Service::start_pipeline() {
    Pipeline::Options options;
    options.analysis = {
        classifier_->bundle().features, config_.window_options(), config_.analysis.min_voiced, {}};
    if (const auto* voice = classifier_->bundle().voice_weights()) {
        options.analysis.voice = *voice;
    }
    options.inference = {static_cast<std::size_t>(config_.model.max_batch),
                         milliseconds(config_.model.max_delay_ms), config_.smoother_options()};
    options.overload = {milliseconds(config_.overload.high_ms),
                        std::chrono::seconds(config_.overload.calm_s)};
    options.threads = static_cast<int>(config_.analysis.threads);
    // From the pipeline's threads to this one.
    Pipeline::Listener listener;
    listener.publish = [this](std::vector<protocol::Event> events) {
        boost::asio::post(io_, [this, published = std::move(events)] { on_events(published); });
    };
    listener.ended = [this](const std::string& id) {
        boost::asio::post(io_, [this, id] { on_ended(id); });
    };
    listener.overload = [this](Overload::Change change) {
        boost::asio::post(io_, [this, change] { on_overload(change); });
    };
    pipeline_ = std::make_unique<Pipeline>(options, classifier_, std::move(listener));
    pipeline_->start();
}

protocol::ServerOptions Service::server_options() {
    connections_ = std::make_shared<protocol::ConnectionLimiter>(
        static_cast<std::size_t>(config_.server.max_connections),
        static_cast<std::size_t>(config_.server.max_connections_per_address));
    protocol::ServerOptions options;
    options.max_queue_bytes = static_cast<std::size_t>(config_.server.max_queue_bytes);
    options.idle_timeout = milliseconds(config_.server.idle_timeout_ms);
    options.compression = config_.server.compression;
    options.limiter = connections_;
    options.history = history_.get();
    options.control = control_.get();
    options.origins = config_.server.origins;
    options.on_problem = [](std::string_view problem) { spdlog::warn("{}", problem); };
    if (!config_.server.tls_certificate.empty()) {
        tls_ = std::make_shared<protocol::Tls>();
        tls_->context = load_tls(config_.server.tls_certificate, config_.server.tls_key);
        options.tls = tls_;
    }
    if (!config_.server.tokens.empty()) {
        tokens_ = std::make_shared<Tokens>(config_.server.tokens);
        options.authorise = [this](std::string_view token) { return tokens_->rights_of(token); };
    }
    options.http = HttpApi(
        hub_, history_.get(), [this] { return models_json(hub_, classifier_->bundle()); },
        [this] {
            return metrics_.text(hub_, pipeline_->overload(), feeds(), history_.get(),
                                 *connections_);
        },
        [this] { return not_ready(); });
    return options;
}

std::vector<std::shared_ptr<Feed>> Service::feeds() const {
    std::vector<std::shared_ptr<Feed>> feeds;
    for (const auto& [id, channel] : channels_) {
        if (channel.feed) {
            feeds.push_back(channel.feed);
        }
    }
    return feeds;
}

/// Every source lost, or the service about to end.
std::string Service::not_ready() const {
    if (stopping_) {
        return "stopping";
    }
    const bool all_lost = std::ranges::all_of(channels_, [](const auto& entry) {
        const Channel& channel = entry.second;
        return !channel.feed || channel.feed->state() == Feed::State::Lost ||
               channel.feed->state() == Feed::State::Broken;
    });
    return all_lost ? "every source is lost" : "";
}

Service::~Service() = default;

void Service::add_channel(const ChannelConfig& config) {
    const SourceSpec source = config.source_spec();
    std::optional<model::AudioFile> file;
    if (source.kind == SourceSpec::Kind::File) {
        file.emplace(source.name);
        if (source.channel.value_or(0) >= file->channels()) {
            throw std::runtime_error(source.name + " has " + std::to_string(file->channels()) +
                                     " channels, #" + std::to_string(*source.channel) +
                                     " is not one of them (they count from 0)");
        }
    }
    const AnalysisControl::Decision decision =
        control_->add({config.id, config.role, config.mixed, config.disclosed, config.exception});
    hub_.add_stream({.stream = config.id,
                     .role = config.role,
                     .labels = config.labels,
                     .disclosed = config.disclosed,
                     .analysed = decision.analysed,
                     .reason = decision.reason});
    alerts_->add_stream(config.id, config.role);
    Channel& channel = channels_[config.id];
    channel = {config, nullptr, false};
    if (!decision.analysed) {
        publish(config.id, protocol::StreamEvent{protocol::StreamState::Paused, decision.reason});
    }
    if (!control_->may_be_analysed(config.id)) {
        channel.ended = true;  // its source is not even opened
        return;
    }
    if (file) {
        play(channel, std::move(*file), decision.reason);
        return;
    }
    if (devices_ == nullptr) {
        Devices::Listener listener;
        listener.opened = [this](const std::string& id, std::shared_ptr<Feed> feed) {
            boost::asio::post(io_, [this, id, feed = std::move(feed)] { on_opened(id, feed); });
        };
        listener.refused = [this](const std::string& id, const std::string& reason) {
            boost::asio::post(io_, [this, id, reason] { on_refused(id, reason); });
        };
        devices_ =
            std::make_unique<Devices>(Devices::Options{static_cast<int>(config_.audio.rate_hz),
                                                       milliseconds(config_.audio.ring_ms)},
                                      std::move(listener));
    }
    devices_->add(config.id, source);
}

/// paused: why it is not analysed for the time being; empty: it is.
void Service::play(Channel& channel, model::AudioFile file, const std::string& paused) {
    const ChannelConfig& config = channel.config;
    const bool realtime = config_.audio.speed == "realtime";
    if (files_ == nullptr) {
        files_ = std::make_unique<FilePlayer>(FilePlayer::Options{realtime, config_.audio.loop});
    }
    const auto ring = static_cast<std::size_t>(file.rate_hz() * config_.audio.ring_ms / 1000);
    channel.feed = std::make_shared<Feed>(config.id, file.rate_hz(), ring, !realtime);
    spdlog::info("stream {}: {} at {} Hz", config.id, config.source, file.rate_hz());
    pipeline_->add(channel.feed, config.priority == "low", paused);
    files_->add(std::move(file), config.source_spec().channel, channel.feed);
}

/// Its last events come yet: forget_channel() is for behind them.
void Service::end_channel(const std::string& id, const std::string& reason) {
    if (files_) {
        files_->remove(id);  // first: one that waits would go on filling the ring
    }
    pipeline_->remove(id, reason);
    if (devices_) {
        devices_->remove(id);
    }
    const auto channel = channels_.find(id);
    if (channel->second.feed) {
        channel->second.feed->ring().discard();  // what came since the pipeline has left it
    }
    channels_.erase(channel);
}

void Service::forget_channel(const std::string& id) {
    control_->remove(id);
    hub_.remove_stream(id);
    alerts_->remove_stream(id);
}

/// From its return on nothing is held of what the stream has said, or it is heard again.
protocol::StreamState Service::set_analysis(const std::string& id, bool on) {
    using protocol::StreamState;
    const auto now = std::chrono::system_clock::now();
    StreamState state = StreamState::Paused;
    if (!on) {
        const auto at = pipeline_->pause(id, control_->reason(id));
        observe({id, at.value_or(now), protocol::StreamEvent{StreamState::Paused, ""}});
    }
    const auto channel = channels_.find(id);
    if (channel == channels_.end()) {
        return state;
    }
    // What was said before has been posted once the pipeline is flushed, so this comes behind it.
    pipeline_->flush();
    ++channel->second.changes_under_way;
    boost::asio::post(io_, [this, id] {
        if (const auto changed = channels_.find(id); changed != channels_.end()) {
            --changed->second.changes_under_way;
        }
    });
    if (on) {
        const StreamState without_pipeline =
            channel->second.ended ? StreamState::Ended : StreamState::Lost;
        state = pipeline_->resume(id).value_or(without_pipeline);
    }
    return state;
}

void Service::on_opened(const std::string& id, const std::shared_ptr<Feed>& feed) {
    const auto channel = channels_.find(id);
    if (channel == channels_.end() || stopping_) {
        return;  // removed meanwhile
    }
    channel->second.feed = feed;
    pipeline_->add(feed, channel->second.config.priority == "low", control_->reason(id));
}

/// A device that was there once is known to be lost already.
void Service::on_refused(const std::string& id, const std::string& reason) {
    spdlog::warn("stream {}: {}", id, reason);
    const auto channel = channels_.find(id);
    if (channel != channels_.end() && !channel->second.feed) {
        publish(id, protocol::StreamEvent{protocol::StreamState::Lost, reason});
    }
}

/// Files end, microphones do not.
void Service::on_ended(const std::string& id) {
    const auto channel = channels_.find(id);
    if (channel == channels_.end()) {
        return;  // removed meanwhile
    }
    channel->second.ended = true;
    if (std::ranges::all_of(channels_, [](const auto& entry) { return entry.second.ended; })) {
        stop();
    }
}

void Service::on_overload(Overload::Change change) {
    const std::string action = to_string(change.to);
    const bool is_worse = change.to > change.from;
    spdlog::log(is_worse ? spdlog::level::warn : spdlog::level::info, "overload: {}{}",
                is_worse ? "" : "back to ", action);
    publish("",
            protocol::OverloadEvent{static_cast<int>(change.to), action,
                                    is_worse ? "windows wait longer than " +
                                                   std::to_string(config_.overload.high_ms) + " ms"
                                             : "windows have hardly waited for " +
                                                   std::to_string(config_.overload.calm_s) + " s"});
}

/// Of a stream that is not analysed, only what its source does.
bool Service::may_be_told(const protocol::Event& event) const {
    using protocol::StreamState;
    const auto* change = std::get_if<protocol::StreamEvent>(&event.body);
    if (change != nullptr &&
        (change->state == StreamState::Lost || change->state == StreamState::Ended)) {
        return true;
    }
    const auto channel = channels_.find(event.stream);
    if (channel != channels_.end() && channel->second.changes_under_way > 0) {
        return false;
    }
    return control_->is_analysed(event.stream) ||
           (change != nullptr && change->state == StreamState::Paused);
}

/// What the pipeline says.
void Service::on_events(const std::vector<protocol::Event>& events) {
    for (const protocol::Event& event : events) {
        if (may_be_told(event)) {
            publish(event);
            observe(event);
        }
    }
}

/// Publishes the alerts that follow from an event.
void Service::observe(const protocol::Event& event) {
    for (const auto& alert : alerts_->observe(event, AlertEngine::Clock::now())) {
        publish(alert);
    }
}

void Service::publish(const protocol::Event& event) {
    metrics_.observe(event);
    hub_.publish(event);
}

void Service::publish(const std::string& stream, decltype(protocol::Event::body) body) {
    publish({stream, std::chrono::system_clock::now(), std::move(body)});
}

void Service::watch_reload() {
    reload_.async_wait([this](const boost::system::error_code& error, int) {
        if (!error && !stopping_) {
            reload();
            watch_reload();
        }
    });
}

/// What cannot be read stays as it was, and what is in force goes on without a gap.
void Service::reload() {
    notification_.reloading();
    Config config;
    try {
        config = reread_();
    } catch (const std::exception& error) {
        spdlog::error("SIGHUP: {}; what was in force stays", error.what());
        notification_.ready();
        return;
    }
    Config with_what_is_read = config_;
    with_what_is_read.channels = config.channels;
    with_what_is_read.audio.sources = config.audio.sources;
    with_what_is_read.alerts = config.alerts;
    with_what_is_read.model.bundle = config.model.bundle;
    with_what_is_read.model.trust_code = config.model.trust_code;
    if (with_what_is_read != config) {
        spdlog::warn(
            "SIGHUP: of the configuration only channels, alerts, the model, certificate and tokens "
            "are read again; the rest needs a restart");
    }
    reload_credentials(config);
    const std::vector<std::string> gone = end_channels_not_in(config);
    // Behind their last events.
    boost::asio::post(io_, [this, config, gone] {
        if (!stopping_) {
            std::ranges::for_each(gone, [this](const auto& id) { forget_channel(id); });
            add_channels(config);
            reload_model(config);
        }
    });
}

void Service::reload_credentials(const Config&) {
    try {
        // Both, or none.
        const auto context =
            tls_ ? load_tls(config_.server.tls_certificate, config_.server.tls_key) : nullptr;
        if (tokens_) {
            tokens_ = std::make_shared<Tokens>(config_.server.tokens);
        }
        if (tls_) {
            tls_->context = context;
        }
        spdlog::info("SIGHUP: {}", tls_ || tokens_
                                       ? "certificate and tokens read again, for new connections"
                                       : "there are no certificate and tokens to read again");
    } catch (const std::exception& error) {
        spdlog::error("SIGHUP: {}; what was in force stays", error.what());
    }
}

/// Those that have changed, too. Once it returns, their last events have been posted.
std::vector<std::string> Service::end_channels_not_in(const Config& config) {
    const std::vector<ChannelConfig> wanted = config.all_channels();
    std::vector<std::string> gone;
    for (const auto& [id, channel] : channels_) {
        if (std::ranges::find(wanted, channel.config) == wanted.end()) {
            gone.push_back(id);
        }
    }
    for (const std::string& id : gone) {
        end_channel(id, "removed from the configuration");
        spdlog::info("SIGHUP: stream {} removed", id);
    }
    pipeline_->flush();
    return gone;
}

/// Those that are not there yet. One that cannot be added is told, and left out.
void Service::add_channels(const Config& config) {
    config_.channels = config.channels;
    config_.audio.sources = config.audio.sources;
    for (const ChannelConfig& channel : config.all_channels()) {
        if (channels_.contains(channel.id)) {
            continue;
        }
        try {
            const bool begins = devices_ == nullptr;
            add_channel(channel);
            if (begins && devices_) {
                devices_->start();
            }
            spdlog::info("SIGHUP: stream {} added", channel.id);
        } catch (const std::exception& error) {
            spdlog::error("SIGHUP: stream {}: {}", channel.id, error.what());
            channels_.erase(channel.id);
            forget_channel(channel.id);
        }
    }
}

/// What is raised under the old rules is cleared.
void Service::reload_alerts(const Config& config) {
    if (config.alerts == config_.alerts) {
        return;
    }
    for (const auto& [id, channel] : channels_) {
        observe({id, std::chrono::system_clock::now(),
                 protocol::StreamEvent{protocol::StreamState::Ended, ""}});
    }
    alerts_ = std::make_unique<AlertEngine>(config.alerts);
    for (const auto& [id, channel] : channels_) {
        alerts_->add_stream(id, channel.config.role);
    }
    config_.alerts = config.alerts;
    spdlog::info("SIGHUP: {} alert rules are in force", config.alerts.size());
}

/// The model, and the alert rules, which are about its labels. Loading takes seconds: what is in
/// force goes on meanwhile.
void Service::reload_model(const Config& config) {
    Config coming = config_;
    coming.model.bundle = config.model.bundle;
    coming.model.trust_code = config.model.trust_code;
    coming.alerts = config.alerts;
    model_coming_ = std::async(std::launch::async, [this, coming, current = classifier_,
                                                    before = std::move(model_coming_)] {
        if (before.valid()) {
            before.wait();  // for what an earlier SIGHUP brings
        }
        std::shared_ptr<model::Classifier> classifier;
        try {
            const model::Bundle bundle = load_bundle(coming);
            if (bundle.features != current->bundle().features ||
                !same_voice(bundle, current->bundle())) {
                throw std::runtime_error("model " + bundle.id +
                                         " reads other features, or has another voice "
                                         "detector, than " +
                                         current->bundle().id + ": that needs a restart");
            }
            if (bundle.id != current->bundle().id) {
                classifier = load_classifier(coming);
            }
        } catch (const std::exception& error) {
            spdlog::error("SIGHUP: {}; the model that was in force stays", error.what());
        }
        boost::asio::post(io_, [this, coming, classifier] { put_in_force(coming, classifier); });
    });
}

/// classifier: null where the one that is there stays.
void Service::put_in_force(const Config& config,
                           const std::shared_ptr<model::Classifier>& classifier) {
    const model::Classifier& judge = classifier ? *classifier : *classifier_;
    try {
        require_known_labels(config.alerts, judge.bundle().labels);
    } catch (const std::exception& error) {
        spdlog::error("SIGHUP: {}; model and rules that were in force stay", error.what());
        notification_.ready();
        return;
    }
    reload_alerts(config);
    if (classifier) {
        classifier_ = classifier;
        pipeline_->use(classifier);
        hub_.set_models({describe(*classifier, config_)});
        spdlog::info("SIGHUP: model {} is in force", classifier->bundle().id);
    }
    notification_.ready();
}

int Service::run() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (!error) {
            spdlog::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
            interrupted_ = true;
            stop();
        }
    });
    watch_devices();
    watch_silence();
    notification_.ready();
    io_.run();
    const bool is_live =
        std::ranges::any_of(feeds(), [](const auto& feed) { return !feed->waits(); });
    if (printer_ && !is_live && !interrupted_) {
        printer_->wait_for_reader();
    }
    printer_.reset();
    if (history_) {
        hub_.leave(*history_);
        history_.reset();
    }
    log_summary();
    const bool all_broke =
        !channels_.empty() && std::ranges::all_of(channels_, [](const auto& entry) {
            return entry.second.feed && entry.second.feed->state() == Feed::State::Broken;
        });
    const int exit_code = all_broke ? kExitUnavailable : 0;
    close_devices(exit_code);
    return exit_code;
}

/// Everything has been delivered; a device that does not let go is left to the kernel.
void Service::close_devices(int exit_code) {
    std::promise<void> closed;
    std::thread closer([&] {
        devices_.reset();
        closed.set_value();
    });
    if (closed.get_future().wait_for(kPatienceWithDevices) == std::future_status::ready) {
        closer.join();
        return;
    }
    spdlog::warn("an audio device does not close; leaving it");
    spdlog::shutdown();
    std::_Exit(exit_code);
}

void Service::watch_devices() {
    device_timer_.expires_after(kDeviceCheckInterval);
    device_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopping_) {
            if (devices_) {
                devices_->watch();
            }
            notification_.tick(progress());
            watch_devices();
        }
    });
}

void Service::watch_silence() {
    alert_timer_.expires_after(kSilenceCheckInterval);
    alert_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopping_) {
            for (const auto& alert : alerts_->expire(AlertEngine::Clock::now())) {
                publish(alert);
            }
            compare_channels();
            watch_silence();
        }
    });
}

/// Channels of one device that bring the same samples for ten seconds: it is mono, and opened as
/// stereo, or the parties of a call are mixed.
void Service::compare_channels() {
    constexpr int kTellAfter = 10;
    for (auto& [id, channel] : channels_) {
        const std::uint64_t digest = channel.feed ? channel.feed->digest() : 0;
        if (digest == channel.digest) {
            continue;  // no second has gone by
        }
        channel.digest = digest;
        const bool says_something = static_cast<std::uint32_t>(digest) != 0;
        const auto twin =
            std::ranges::find_if(channels_, [&, &name = id, &mine = channel](const auto& entry) {
                const auto& [other, theirs] = entry;
                if (other == name || !theirs.feed || theirs.feed->digest() != digest) {
                    return false;
                }
                const SourceSpec a = mine.config.source_spec();
                const SourceSpec b = theirs.config.source_spec();
                return a.kind == b.kind && a.name == b.name && a.channel != b.channel;
            });
        if (!says_something || twin == channels_.end()) {
            channel.seconds_alike = 0;
        } else if (++channel.seconds_alike == kTellAfter) {
            publish(id, protocol::ErrorEvent{"identical_channels",
                                             "it brings the same samples as " + twin->first +
                                                 ": the device is mono, or both parties are mixed",
                                             false});
        }
    }
}

AudioProgress Service::progress() const {
    AudioProgress audio{.streams = channels_.size()};
    for (const auto& feed : feeds()) {
        if (feed->state() == Feed::State::Live) {
            ++audio.live;
            audio.samples += feed->ring().taken();
        }
    }
    return audio;
}

/// Against the stream: no more samples, what is in the rings, what waits for the classifier, and
/// then what waits for the subscribers.
void Service::stop() {
    if (stopping_) {
        return;
    }
    stopping_ = true;
    notification_.stopping();
    signals_.cancel();
    signals_.clear();  // a second Ctrl-C ends it at once
    reload_.cancel();
    device_timer_.cancel();
    alert_timer_.cancel();
    files_.reset();
    if (devices_) {
        devices_->mute();  // closing may hang with its device, and subscribers come first
    }
    pipeline_->finish();
    // The last events have been posted; this comes after them.
    boost::asio::post(io_, [this] {
        tcp_->stop(milliseconds(config_.server.flush_ms));
        http_->stop(milliseconds(config_.server.flush_ms));
    });
}

void Service::log_summary() const {
    for (const auto& feed : feeds()) {
        const auto seconds =
            std::chrono::duration<double>(feed->time_of(feed->ring().captured())).count();
        spdlog::info("stream {}: {:.1f} s captured, {} samples dropped", feed->name(), seconds,
                     feed->ring().dropped());
        if (feed->state() == Feed::State::Lost || feed->state() == Feed::State::Broken) {
            spdlog::error("stream {}: lost: {}", feed->name(), feed->reason());
        }
    }
    const protocol::Counters counters = hub_.counters();
    spdlog::info("{} events published, {} messages delivered, {} dropped",
                 counters.events_published, counters.messages_delivered, counters.messages_dropped);
}

}  // namespace emotiond::daemon
