#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocol/rights.hpp"

namespace emotiond::protocol {

/// A request that is neither for the WebSocket nor for server-sent events.
struct HttpRequest {
    std::string method;  ///< `GET` or `DELETE`; a `HEAD` comes as a `GET`
    std::string path;    ///< percent-decoded, without the query
    std::map<std::string, std::string> query;
    std::string if_none_match;
    Rights rights;  ///< of who asks
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

/// {"error":{"code":...,"message":...}}
HttpResponse http_error(unsigned status, const std::string& code, const std::string& message);

/// Answers with respond(response), at once or later, on the network thread and exactly once.
using HttpHandler = std::function<void(HttpRequest, std::function<void(HttpResponse)> respond)>;

}  // namespace emotiond::protocol
