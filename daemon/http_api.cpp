#include "daemon/http_api.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <sstream>
#include <utility>

#include "protocol/event_json.hpp"

namespace emotiond::daemon {
namespace {

using nlohmann::ordered_json;
using protocol::http_error;
using protocol::HttpRequest;
using protocol::HttpResponse;

constexpr std::size_t kMaxLimit = 10000;

HttpResponse json_answer(const ordered_json& json) {
    return {.body = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n",
            .headers = {}};
}

HttpResponse text_answer(unsigned status, std::string text) {
    return {.status = status,
            .content_type = "text/plain; charset=utf-8",
            .body = std::move(text),
            .headers = {}};
}

/// 2026-11-20T20:42:42Z, with or without a fraction, or with an offset such as +02:00.
/// Source: RFC 3339.
std::optional<protocol::WallTime> parse_time(const std::string& text) {
    using namespace std::chrono;
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    int used = 0;
    if (std::sscanf(text.c_str(), "%4d-%2u-%2u%*1[Tt ]%2u:%2u:%2u%n", &year, &month, &day, &hour,
                    &minute, &second, &used) != 6 ||
        hour > 23 || minute > 59 || second > 60) {
        return std::nullopt;
    }
    const year_month_day date{std::chrono::year(year), std::chrono::month(month),
                              std::chrono::day(day)};
    if (!date.ok() || year < 1970 || year > 2200) {
        return std::nullopt;  // beyond what nanoseconds can count
    }
    const char* at = text.c_str() + used;
    milliseconds fraction{};
    if (*at == '.') {
        int scale = 100;
        for (++at; *at >= '0' && *at <= '9'; ++at, scale /= 10) {
            fraction += milliseconds((*at - '0') * scale);
        }
    }
    minutes offset{};
    if (*at == 'Z' || *at == 'z') {
        ++at;
    } else {
        char sign = 0;
        unsigned hours = 0;
        unsigned mins = 0;
        int length = 0;
        if (std::sscanf(at, "%1[+-]%2u:%2u%n", &sign, &hours, &mins, &length) != 3) {
            return std::nullopt;
        }
        offset = minutes(hours * 60 + mins) * (sign == '-' ? -1 : 1);
        at += length;
    }
    if (*at != '\0') {
        return std::nullopt;
    }
    return sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + fraction - offset;
}

/// What the parameters of /v1/history ask for, or what is wrong with them.
struct Asked {
    History::Query query;
    bool as_csv = false;
    std::string problem;
};

Asked history_query(const HttpRequest& request) {
    Asked asked;
    asked.query.allowed = request.rights.streams;
    for (const auto& [name, value] : request.query) {
        if (name == "stream") {
            asked.query.streams = value;
        } else if (name == "from" || name == "to") {
            const auto time = parse_time(value);
            if (!time) {
                asked.problem = "'" + name +
                                "' must be a time such as 2026-11-20T20:42:42Z, got '" + value +
                                "' (a + of an offset is %2B in a URL)";
            }
            (name == "from" ? asked.query.from : asked.query.to) = time;
        } else if (name == "type") {
            std::istringstream in(value);
            for (std::string text; std::getline(in, text, ',');) {
                const auto type = protocol::event_type_from(text);
                if (!type) {
                    asked.problem = std::string("'type' must be some of ") +
                                    protocol::kEventTypeNames + ", got '" + text + "'";
                }
                asked.query.types.push_back(type.value_or(protocol::EventType::Error));
            }
        } else if (name == "limit") {
            const auto [end, error] =
                std::from_chars(value.data(), value.data() + value.size(), asked.query.limit);
            if (error != std::errc{} || end != value.data() + value.size() ||
                asked.query.limit == 0 || asked.query.limit > kMaxLimit) {
                asked.problem = "'limit' must be 1 to 10000, got '" + value + "'";
            }
        } else if (name == "cursor") {
            asked.query.cursor = value;
        } else if (name == "order" && (value == "asc" || value == "desc")) {
            asked.query.newest_first = value == "desc";
        } else if (name == "format" && (value == "json" || value == "csv")) {
            asked.as_csv = value == "csv";
        } else {
            asked.problem = "unknown parameter " + name + "=" + value +
                            ", expected some of stream, from, to, type, limit, cursor, "
                            "order=asc|desc, format=json|csv";
        }
    }
    return asked;
}

/// A list of messages that are JSON already.
std::string json_page(const History::QueryResult& result) {
    std::string body = R"({"v":1,"events":[)";
    for (std::size_t i = 0; i < result.events.size(); ++i) {
        body += i == 0 ? "" : ",";
        body += result.events[i]->text();
    }
    body += "],\"next\":";
    body += result.next.empty() ? "null" : "\"" + result.next + "\"";
    body += "}\n";
    return body;
}

/// Source: RFC 4180.
std::string csv_field(const ordered_json& value) {
    std::string text;
    if (value.is_string()) {
        text = value.get<std::string>();
    } else if (!value.is_null()) {
        text = value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    }
    // A spreadsheet would take these for formulas.
    if (value.is_string() && !text.empty() &&
        std::string_view("=+-@").find(text[0]) != std::string_view::npos) {
        text.insert(0, "'");
    }
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + "\"";
}

std::string csv_page(const History::QueryResult& result) {
    constexpr const char* kColumns[]{
        "time",   "epoch",  "stream",     "seq",       "type",    "role",      "start_ms",
        "end_ms", "label",  "confidence", "uncertain", "speech",  "voiced",    "level_dbfs",
        "state",  "reason", "lost_ms",    "code",      "message", "utterance", "alert",
        "rule",   "value",  "threshold",  "level",     "action"};
    std::vector<ordered_json> events;
    std::vector<std::string> labels;
    for (const auto& message : result.events) {
        events.push_back(ordered_json::parse(message->text(), nullptr, false));
        const ordered_json scores = events.back().value("scores", ordered_json::object());
        for (const auto& [label, score] : scores.items()) {
            if (std::ranges::find(labels, label) == labels.end()) {
                labels.push_back(label);
            }
        }
    }
    std::string body;
    for (const char* column : kColumns) {
        body += (body.empty() ? "" : ",") + std::string(column);
    }
    for (const std::string& label : labels) {
        body += "," + csv_field("score_" + label);
    }
    body += "\r\n";
    for (const ordered_json& event : events) {
        std::string line;
        for (const char* column : kColumns) {
            line +=
                (column == kColumns[0] ? "" : ",") + csv_field(event.value(column, ordered_json()));
        }
        const ordered_json scores = event.value("scores", ordered_json::object());
        for (const std::string& label : labels) {
            line += "," + csv_field(scores.value(label, ordered_json()));
        }
        body += line + "\r\n";
    }
    return body;
}

HttpResponse page(History::QueryResult result, bool as_csv) {
    HttpResponse response{.body = std::move(result.body), .headers = {}};
    if (as_csv) {
        response.content_type = "text/csv; charset=utf-8; header=present";
        response.headers = {{"Content-Disposition", "inline; filename=\"history.csv\""}};
        if (!result.next.empty()) {
            response.headers.emplace_back("X-Next-Cursor", result.next);
        }
    }
    return response;
}

HttpResponse no_history() {
    return http_error(404, "no_history",
                      "this server keeps no history: history.path names where it would be kept");
}

HttpResponse forbidden(const std::string& action) {
    return http_error(403, "forbidden", "this token does not give the right '" + action + "'");
}

HttpResponse web_answer(const HttpRequest& request, const WebFile& file) {
    HttpResponse response{
        .content_type = std::string(file.content_type) + "; charset=utf-8",
        .body = {},
        .headers = {{"Cache-Control", "no-cache"}, {"ETag", std::string(file.etag)}}};
    if (request.if_none_match == file.etag) {
        response.status = 304;
    } else {
        response.body = file.text;
    }
    return response;
}

}  // namespace

HttpApi::HttpApi(protocol::Hub& hub, History* history, std::function<ordered_json()> models,
                 std::function<std::string()> metrics, std::function<std::string()> not_ready)
    : hub_(hub),
      history_(history),
      models_(std::move(models)),
      metrics_(std::move(metrics)),
      not_ready_(std::move(not_ready)) {}

void HttpApi::operator()(const HttpRequest& request, const Respond& respond) {
    const std::string& path = request.path;
    if (path == "/v1/history") {
        return request.method == "DELETE" ? erase(request, respond) : history(request, respond);
    }
    if (request.method != "GET") {
        return respond(http_error(405, "method_not_allowed", "use GET or HEAD here"));
    }
    if (path == "/v1/streams") {
        return respond(streams(request.rights));
    }
    if (path == "/v1/models") {
        return respond(json_answer({{"v", 1}, {"models", models_()}}));
    }
    if (path == "/metrics") {
        if (!request.rights.may("metrics")) {
            return respond(forbidden("metrics"));
        }
        HttpResponse response = text_answer(200, metrics_());
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
        return respond(std::move(response));
    }
    if (path == "/healthz") {
        return respond(text_answer(200, "ok\n"));
    }
    if (path == "/readyz") {
        const std::string why = not_ready_();
        return respond(why.empty() ? text_answer(200, "ready\n") : text_answer(503, why + "\n"));
    }
    if (const WebFile* file = find_web_file(path)) {
        return respond(web_answer(request, *file));
    }
    respond(http_error(404, "not_found", "there is nothing at " + path));
}

HttpResponse HttpApi::streams(const protocol::Rights& rights) const {
    // The hello holds the same list.
    const auto hello = ordered_json::parse(hub_.hello({}, rights)->text());
    return json_answer({{"v", 1},
                        {"epoch", hello["epoch"]},
                        {"server", hello["server"]},
                        {"streams", hello["streams"]}});
}

void HttpApi::history(const HttpRequest& request, const Respond& respond) {
    if (!request.rights.may("history")) {
        return respond(forbidden("history"));
    }
    if (history_ == nullptr) {
        return respond(no_history());
    }
    Asked asked = history_query(request);
    if (!asked.problem.empty()) {
        return respond(http_error(400, "bad_request", asked.problem));
    }
    history_->query(std::move(asked.query), asked.as_csv ? csv_page : json_page,
                    [respond, as_csv = asked.as_csv](History::QueryResult result) {
                        if (!result.error.empty()) {
                            const bool is_cursor = result.error.starts_with("'cursor'");
                            return respond(is_cursor
                                               ? http_error(400, "bad_request", result.error)
                                               : http_error(503, "history_failed", result.error));
                        }
                        respond(page(std::move(result), as_csv));
                    });
}

void HttpApi::erase(const HttpRequest& request, const Respond& respond) {
    if (!request.rights.may("erase")) {
        return respond(forbidden("erase"));
    }
    const auto stream = request.query.find("stream");
    if (stream == request.query.end() || request.query.size() != 1) {
        return respond(http_error(
            400, "bad_request", "expected one parameter, stream=<name>: there are no globs here"));
    }
    if (!request.rights.may_see(stream->second)) {
        return respond(forbidden("erase"));
    }
    if (history_ == nullptr) {
        return respond(no_history());
    }
    hub_.forget(stream->second);
    history_->erase(stream->second, [respond, name = stream->second, by = request.rights.name](
                                        std::optional<std::uint64_t> erased) {
        if (!erased) {
            return respond(http_error(503, "history_failed", "the history cannot be written"));
        }
        spdlog::info("history of {} erased: {} events, asked for by {}", name, *erased,
                     by.empty() ? "a client" : by);
        respond(json_answer({{"v", 1}, {"stream", name}, {"erased", *erased}}));
    });
}

}  // namespace emotiond::daemon
