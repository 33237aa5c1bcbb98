#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/history.hpp"
#include "protocol/http_handler.hpp"
#include "protocol/hub.hpp"

namespace emotiond::daemon {

/// What the HTTP port answers beside its two event streams: the dashboard, /v1/streams, /v1/models,
/// /v1/history, /healthz, /readyz and /metrics (docs/protocol.md). Network thread only.
class HttpApi {
 public:
    /// models: the array that /v1/models tells. metrics: the text of /metrics. not_ready: why the
    /// service should get no traffic; empty: it should. history may be null: it is off.
    /// hub and history must outlive this.
    HttpApi(protocol::Hub& hub, History* history, std::function<nlohmann::ordered_json()> models,
            std::function<std::string()> metrics, std::function<std::string()> not_ready);

    using Respond = std::function<void(protocol::HttpResponse)>;
    void operator()(const protocol::HttpRequest& request, const Respond& respond);

 private:
    protocol::HttpResponse streams(const protocol::Rights& rights) const;
    void history(const protocol::HttpRequest& request, const Respond& respond);
    void erase(const protocol::HttpRequest& request, const Respond& respond);

    protocol::Hub& hub_;
    History* history_;
    std::function<nlohmann::ordered_json()> models_;
    std::function<std::string()> metrics_;
    std::function<std::string()> not_ready_;
};

/// A file of the dashboard; null where there is none of that path. `/` is index.html.
struct WebFile {
    std::string_view path;
    std::string_view content_type;
    std::string_view etag;
    std::string_view text;
};
const WebFile* find_web_file(std::string_view path);

}  // namespace emotiond::daemon
