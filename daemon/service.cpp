#include "daemon/service.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/bundle_path.hpp"
#include "daemon/exit_codes.hpp"
#include "daemon/http_api.hpp"
#include "daemon/source_spec.hpp"
#include "daemon/tls.hpp"
#include "daemon/version.hpp"
#include "protocol/endpoint.hpp"

namespace emotiond::daemon {
namespace {

using std::chrono::milliseconds;

constexpr auto kDeviceCheckInterval = milliseconds(250);
constexpr auto kPatienceWithDevices = std::chrono::seconds(3);

model::Classifier load_classifier(const Config& config) {
    const auto path = bundle_path(config);
    model::Classifier classifier(load_bundle(config), config.classifier_options());
    spdlog::info("model {} from {}: {}", classifier.bundle().id, path.string(),
                 origin_text(classifier.bundle()));
    if (!classifier.bundle().torchscript.empty()) {
        spdlog::warn(
            "the model is code of its own (TorchScript), run because model.trust_code is set");
    }
    spdlog::info("inference on {}: {}", classifier.device(), classifier.device_note());
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

/// As many connections as the system lets this process have.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

}  // namespace

Service::Service(const Config& config, PrintFormat print)
    : flush_(config.server.flush_ms),
      signals_(io_, SIGINT, SIGTERM),
      reload_(io_),
      device_timer_(io_),
      classifier_(load_classifier(config)),
      hub_("emotiond " + std::string(kVersion), {describe(classifier_, config)},
           static_cast<std::size_t>(config.server.replay_bytes)) {
    // A peer that is gone is an error code where it is written to, not the end of the program.
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (!config.history.path.empty()) {
        history_ = std::make_unique<History>(
            io_,
            History::Options{config.history.path, std::chrono::hours(config.history.max_age_h),
                             static_cast<std::uint64_t>(config.history.max_mb) << 20U},
            [this](protocol::ErrorEvent error) {
                hub_.publish({.stream = {},
                              .time = std::chrono::system_clock::now(),
                              .body = std::move(error)});
            });
        hub_.join(*history_);
    }
    const protocol::ServerOptions options = server_options(config);
    tcp_ = std::make_unique<protocol::TcpServer>(io_, protocol::parse_endpoint(config.server.tcp),
                                                 hub_, options);
    http_ = std::make_unique<protocol::HttpServer>(
        io_, protocol::parse_endpoint(config.server.http), hub_, options);

    inference_ = std::make_unique<Inference>(
        classifier_, static_cast<std::size_t>(config.model.max_batch),
        [this](std::vector<protocol::Event> events) {
            boost::asio::post(io_, [this, published = std::move(events)] {
                for (const protocol::Event& event : published) {
                    metrics_.observe(event);
                    hub_.publish(event);
                }
            });
        });
    open_sources(config);
    std::vector<Feed*> feeds;
    for (const auto& feed : feeds_) {
        feeds.push_back(feed.get());
    }
    if (print != PrintFormat::None) {
        printer_ = std::make_unique<EventPrinter>(
            hub_,
            print == PrintFormat::Json ? EventPrinter::Format::Json : EventPrinter::Format::Text,
            static_cast<std::size_t>(config.server.max_queue_bytes));
    }
    pipeline_ = std::make_unique<Pipeline>(
        feeds, classifier_.bundle().features, config.window_options(), config.analysis.min_voiced,
        *inference_, [this] { boost::asio::post(io_, [this] { stop(); }); });
    const std::string_view s = tls_ ? "s" : "";
    spdlog::info("events as NDJSON on {} {}", tls_ ? "tls" : "tcp",
                 protocol::to_string(tcp_->local_endpoint()));
    spdlog::info("events as WebSocket on ws{}://{}/v1/stream", s,
                 protocol::to_string(http_->local_endpoint()));
    spdlog::info("dashboard on http{}://{}/", s, protocol::to_string(http_->local_endpoint()));
    watch_reload(config);
}

protocol::ServerOptions Service::server_options(const Config& config) {
    connections_ = std::make_shared<protocol::ConnectionLimiter>(
        static_cast<std::size_t>(config.server.max_connections),
        static_cast<std::size_t>(config.server.max_connections_per_address));
    protocol::ServerOptions options;
    options.max_queue_bytes = static_cast<std::size_t>(config.server.max_queue_bytes);
    options.idle_timeout = milliseconds(config.server.idle_timeout_ms);
    options.compression = config.server.compression;
    options.limiter = connections_;
    options.history = history_.get();
    options.origins = config.server.origins;
    options.on_problem = [](std::string_view problem) { spdlog::warn("{}", problem); };
    if (!config.server.tls_certificate.empty()) {
        tls_ = std::make_shared<protocol::Tls>();
        tls_->context = load_tls(config.server.tls_certificate, config.server.tls_key);
        options.tls = tls_;
    }
    if (!config.server.tokens.empty()) {
        tokens_ = std::make_shared<Tokens>(config.server.tokens);
        options.authorise = [this](std::string_view token) { return tokens_->rights_of(token); };
    }
    options.http = HttpApi(
        hub_, history_.get(), models_json(hub_, classifier_.bundle()),
        [this] { return metrics_.text(hub_, feeds_, history_.get(), *connections_); },
        [this] { return not_ready(); });
    return options;
}

/// Every source lost, or the service about to end.
std::string Service::not_ready() const {
    if (stopping_) {
        return "stopping";
    }
    const bool all_lost = std::ranges::all_of(
        feeds_, [](const auto& feed) { return feed->state() == Feed::State::Lost; });
    return all_lost ? "every source is lost" : "";
}

void Service::watch_reload(const Config& config) {
    if (!reload_watched_) {
        reload_.add(SIGHUP);
        reload_watched_ = true;
    }
    reload_.async_wait([this, config](const boost::system::error_code& error, int) {
        if (!error && !stopping_) {
            reload(config);
            watch_reload(config);
        }
    });
}

/// What cannot be read stays as it was.
void Service::reload(const Config& config) {
    try {
        // Both, or none.
        const auto context =
            tls_ ? load_tls(config.server.tls_certificate, config.server.tls_key) : nullptr;
        if (tokens_) {
            tokens_ = std::make_shared<Tokens>(config.server.tokens);
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

Service::~Service() = default;

void Service::open_sources(const Config& config) {
    std::vector<SourceSpec> specs;
    for (const std::string& source : config.audio.sources) {
        specs.push_back(SourceSpec::parse(source));
    }
    const std::vector<std::string> names = unique_stream_names(specs);
    for (const std::string& name : names) {
        hub_.add_stream(name);
    }
    const auto add_feed = [&](std::size_t index, int rate_hz, bool waits) {
        const auto ring = static_cast<std::size_t>(rate_hz * config.audio.ring_ms / 1000);
        feeds_.push_back(std::make_unique<Feed>(names[index], rate_hz, ring, waits));
        spdlog::info("stream {}: {} at {} Hz", names[index], config.audio.sources[index], rate_hz);
        return feeds_.back().get();
    };

    // One open device serves all the sources that name it.
    struct Wanted {
        InputDevice device;
        int channels = 1;
        std::vector<std::size_t> sources;
    };
    std::map<int, Wanted> wanted;
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].kind == SourceSpec::Kind::File) {
            continue;
        }
        if (portaudio_ == nullptr) {
            portaudio_ = std::make_unique<PortAudio>();
        }
        const InputDevice device = portaudio_->find_input(specs[i].name);
        Wanted& entry = wanted[device.index];
        entry.device = device;
        entry.channels = std::max(entry.channels, specs[i].channel.value_or(0) + 1);
        entry.sources.push_back(i);
        if (specs[i].channel.value_or(0) >= device.channels) {
            throw DeviceError("device '" + device.name + "' has " +
                              std::to_string(device.channels) + " channels, #" +
                              std::to_string(*specs[i].channel) +
                              " is not one of them (they count from 0)");
        }
    }
    for (const auto& [index, entry] : wanted) {
        const int rate_hz = portaudio_->choose_rate(entry.device, entry.channels,
                                                    static_cast<int>(config.audio.rate_hz));
        std::vector<PortAudioCapture::Tap> taps;
        for (const std::size_t source : entry.sources) {
            taps.push_back({specs[source].channel, add_feed(source, rate_hz, false)});
        }
        captures_.push_back(std::make_unique<PortAudioCapture>(entry.device, rate_hz,
                                                               entry.channels, std::move(taps)));
    }

    // Files last: they begin to play as soon as they are open.
    const bool realtime = config.audio.speed == "realtime";
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].kind != SourceSpec::Kind::File) {
            continue;
        }
        model::AudioFile file(specs[i].name);
        if (specs[i].channel.value_or(0) >= file.channels()) {
            throw std::runtime_error(specs[i].name + " has " + std::to_string(file.channels()) +
                                     " channels, #" + std::to_string(*specs[i].channel) +
                                     " is not one of them (they count from 0)");
        }
        Feed* feed = add_feed(i, file.rate_hz(), !realtime);
        replays_.push_back(std::make_unique<FileReplay>(
            std::move(file), *feed,
            FileReplay::Options{realtime, config.audio.loop, specs[i].channel}));
    }
}

int Service::run() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (!error) {
            spdlog::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
            stop();
        }
    });
    watch_devices();
    pipeline_->start();
    io_.run();
    printer_.reset();
    if (history_) {
        hub_.leave(*history_);
        history_.reset();
    }
    log_summary();
    const bool all_lost = std::ranges::all_of(
        feeds_, [](const auto& feed) { return feed->state() == Feed::State::Lost; });
    const int exit_code = all_lost ? kExitUnavailable : 0;
    close_devices(exit_code);
    return exit_code;
}

/// Everything has been delivered; a device that does not let go is left to the kernel.
void Service::close_devices(int exit_code) {
    std::promise<void> closed;
    std::thread closer([&] {
        captures_.clear();
        portaudio_.reset();
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
    if (captures_.empty()) {
        return;
    }
    device_timer_.expires_after(kDeviceCheckInterval);
    device_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopping_) {
            for (const auto& capture : captures_) {
                capture->check_alive();
            }
            watch_devices();
        }
    });
}

/// Against the stream: no more samples, what is in the rings, what waits for the classifier, and
/// then what waits for the subscribers.
void Service::stop() {
    if (stopping_) {
        return;
    }
    stopping_ = true;
    signals_.cancel();
    signals_.clear();  // a second Ctrl-C ends it at once
    reload_.cancel();
    device_timer_.cancel();
    replays_.clear();
    for (const auto& capture : captures_) {
        capture->mute();  // closing may hang with its device, and subscribers come first
    }
    pipeline_->finish();
    inference_->finish();
    // The last events have been posted; this comes after them.
    boost::asio::post(io_, [this] {
        tcp_->stop(flush_);
        http_->stop(flush_);
    });
}

void Service::log_summary() const {
    for (const auto& feed : feeds_) {
        const auto seconds =
            std::chrono::duration<double>(feed->time_of(feed->ring().captured())).count();
        spdlog::info("stream {}: {:.1f} s captured, {} samples dropped", feed->name(), seconds,
                     feed->ring().dropped());
        if (feed->state() == Feed::State::Lost) {
            spdlog::error("stream {} was lost: {}", feed->name(), feed->reason());
        }
    }
    const protocol::Counters counters = hub_.counters();
    spdlog::info("{} events published, {} messages delivered, {} dropped",
                 counters.events_published, counters.messages_delivered, counters.messages_dropped);
}

}  // namespace emotiond::daemon
