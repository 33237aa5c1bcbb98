#include "daemon/metrics.hpp"

#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <utility>
#include <variant>

#include "daemon/version.hpp"

namespace emotiond::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

/// Families of numbers that somebody else keeps.
class Families {
 public:
    void begin(std::string name, MetricType type, std::string help) {
        MetricFamily& family = families_.emplace_back();
        family.name = "emotiond_" + std::move(name);
        family.type = type;
        family.help = std::move(help);
    }
    void add(double value, const Labels& labels = {}) {
        ClientMetric metric;
        for (const auto& [name, text] : labels) {
            ClientMetric::Label label;
            label.name = name;
            label.value = text;
            metric.label.push_back(std::move(label));
        }
        if (families_.back().type == MetricType::Counter) {
            metric.counter.value = value;
        } else {
            metric.gauge.value = value;
        }
        families_.back().metric.push_back(std::move(metric));
    }
    void counter(std::string name, std::string help, std::uint64_t value) {
        begin(std::move(name), MetricType::Counter, std::move(help));
        add(static_cast<double>(value));
    }
    void gauge(std::string name, std::string help, std::uint64_t value) {
        begin(std::move(name), MetricType::Gauge, std::move(help));
        add(static_cast<double>(value));
    }
    std::vector<MetricFamily>& list() { return families_; }

 private:
    std::vector<MetricFamily> families_;
};

std::string_view name_of(protocol::StreamState state) {
    switch (state) {
        case protocol::StreamState::Live: return "live";
        case protocol::StreamState::Silent: return "silent";
        case protocol::StreamState::Lost: return "lost";
        case protocol::StreamState::Paused: return "paused";
        case protocol::StreamState::Ended: break;
    }
    return "ended";
}

}  // namespace

struct Metrics::Registry {
    prometheus::Registry registry;
    prometheus::Histogram& latency =
        prometheus::BuildHistogram()
            .Name("emotiond_event_latency_seconds")
            .Help("From a window's last sample to its event")
            .Register(registry)
            .Add({}, prometheus::Histogram::BucketBoundaries{0.005, 0.01, 0.02, 0.05, 0.1, 0.25,
                                                             0.5, 1.0, 2.5});
};

Metrics::Metrics() : registry_(std::make_unique<Registry>()) {}
Metrics::~Metrics() = default;

void Metrics::observe(const protocol::Event& event) {
    if (const auto* emotion = std::get_if<protocol::EmotionEvent>(&event.body)) {
        registry_->latency.Observe(std::chrono::duration<double>(emotion->latency.total).count());
    }
}

std::string Metrics::text(const protocol::Hub& hub, const Overload& overload,
                          const std::vector<std::shared_ptr<Feed>>& feeds, const History* history,
                          const protocol::ConnectionLimiter& connections) const {
    const protocol::Counters counters = hub.counters();
    Families all;
    all.begin("build_info", MetricType::Gauge, "Always 1");
    all.add(1.0, {{"version", std::string(kVersion)}});
    all.counter("events_published_total", "Events of all streams", counters.events_published);
    all.counter("messages_delivered_total", "Messages handed to the kernel for subscribers",
                counters.messages_delivered);
    all.counter("bytes_delivered_total", "Their JSON text", counters.bytes_delivered);
    all.counter("messages_dropped_total", "Messages that subscribers were too slow for",
                counters.messages_dropped);
    all.counter("subscribers_total", "Subscribers since start-up, the history among them",
                counters.subscribers_total);
    all.gauge("subscribers", "Subscribers now, the history among them", counters.subscribers);
    all.gauge("connections", "Connections now", connections.total());
    all.counter("connections_refused_total", "Connections that were one too many",
                connections.refused());
    all.gauge("overload_level", "How much less the service does than it should: 0 to 3",
              static_cast<std::uint64_t>(overload.level()));
    all.counter("windows_left_out_total", "Windows that overload left out",
                overload.windows_left_out());
    all.begin("stream_state", MetricType::Gauge, "1 for the state that the stream is in");
    for (const protocol::StreamInfo& stream : hub.streams()) {
        all.add(1.0, {{"stream", stream.stream}, {"state", std::string(name_of(stream.state))}});
    }
    all.begin("samples_captured_total", MetricType::Counter,
              "Samples of the stream, lost ones too");
    for (const auto& feed : feeds) {
        all.add(static_cast<double>(feed->ring().captured()), {{"stream", feed->name()}});
    }
    all.begin("samples_dropped_total", MetricType::Counter, "Samples that were lost");
    for (const auto& feed : feeds) {
        all.add(static_cast<double>(feed->ring().dropped()), {{"stream", feed->name()}});
    }
    if (history != nullptr) {
        const History::Counters recorded = history->counters();
        all.counter("history_events_written_total", "Events on disk", recorded.written);
        all.counter("history_events_lost_total", "Events that the disk did not take",
                    recorded.lost);
        all.gauge("history_bytes", "Size of the database in use", recorded.bytes);
        all.gauge("history_failing", "1 while the disk does not take events",
                  recorded.failing ? 1 : 0);
    }
    for (MetricFamily& family : registry_->registry.Collect()) {
        all.list().push_back(std::move(family));
    }
    return prometheus::TextSerializer().Serialize(all.list());
}

}  // namespace emotiond::daemon
