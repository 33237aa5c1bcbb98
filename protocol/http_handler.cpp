#include "protocol/http_handler.hpp"

#include <nlohmann/json.hpp>

namespace emotiond::protocol {

HttpResponse http_error(unsigned status, const std::string& code, const std::string& message) {
    using Json = nlohmann::ordered_json;
    const Json json{{"error", {{"code", code}, {"message", message}}}};
    return {.status = status,
            .content_type = "application/json",
            .body = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
            .headers = {}};
}

}  // namespace emotiond::protocol
