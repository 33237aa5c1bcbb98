#include "protocol/http_session.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <chrono>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/control.hpp"
#include "protocol/event_json.hpp"
#include "protocol/event_source_session.hpp"
#include "protocol/security_headers.hpp"
#include "protocol/websocket_session.hpp"

namespace emotiond::protocol {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::uint32_t kMaxHeadBytes = 16384;
constexpr std::string_view kControlPath = "/v1/control";
constexpr std::string_view kBearer = "Bearer ";

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

/// `example.org` of `example.org:8790`, `[::1]` of `[::1]:8790`.
std::string_view without_port(std::string_view authority) {
    const std::size_t colon = authority.rfind(':');
    const bool is_port =
        colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
    return is_port ? authority.substr(0, colon) : authority;
}

/// `example.org:8790` of `https://example.org:8790`.
std::string_view authority_of(std::string_view origin) {
    const std::size_t slashes = origin.find("://");
    return slashes == std::string_view::npos ? origin : origin.substr(slashes + 3);
}

bool is_address(std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    boost::system::error_code error;
    asio::ip::make_address(host, error);
    return !error;
}

class HttpSession final : public Session {
 public:
    HttpSession(std::shared_ptr<Listener> listener, Connection connection)
        : listener_(std::move(listener)),
          connection_(std::move(connection)),
          timer_(connection_.get_executor()) {}

    void start() override { read_request(); }

    void close(std::chrono::milliseconds deadline) override {
        if (!answering_) {
            return cut();
        }
        closing_ = true;  // after the answer
        expire_after(deadline);
    }

    void cut() override {
        if (std::exchange(ended_, true)) {
            return;
        }
        timer_.cancel();
        connection_.close();
        listener_->forget(shared_from_this());
    }

 private:
    void expire_after(std::chrono::milliseconds time) {
        timer_.expires_after(time);
        timer_.async_wait([this, self = shared_from_this()](boost::system::error_code cancelled) {
            if (!cancelled) {
                cut();
            }
        });
    }

    const ServerOptions& options() const { return listener_->options(); }

    void read_request() {
        parser_.emplace();
        parser_->header_limit(kMaxHeadBytes);
        parser_->body_limit(EventSession::kMaxCommandBytes);
        answering_ = false;
        expire_after(options().handshake_timeout);
        http::async_read(connection_, buffer_, *parser_,
                         [this, self = shared_from_this()](beast::error_code error, std::size_t) {
                             if (ended_) {
                                 return;
                             }
                             answering_ = true;
                             on_request(error);
                         });
    }

    static bool is_about_http(beast::error_code error) {
        return error.category() == make_error_code(http::error::bad_method).category() &&
               error != http::error::end_of_stream && error != http::error::partial_message;
    }

    void on_request(beast::error_code error) {
        if (error == http::error::body_limit) {
            return refuse(413, "too_big", "a body has at most 65536 bytes");
        }
        if (error == http::error::header_limit) {
            return refuse(431, "too_big", "the head of the request has more than 16384 bytes");
        }
        if (error && is_about_http(error)) {
            return refuse(400, "bad_request", "this is not HTTP: " + error.message());
        }
        if (error) {
            return cut();
        }
        const auto& request = parser_->get();
        keep_alive_ = request.keep_alive();
        if (const auto problem = misdirected(); !problem.empty()) {
            return refuse(403, "forbidden_origin", problem);
        }
        const auto target = boost::urls::parse_origin_form(request.target());
        if (!target) {
            return refuse(400, "bad_request", "the target is no path");
        }
        HttpRequest asked;
        asked.path = target->path();
        if (asked.path != kControlPath && !request.body().empty()) {
            return refuse(413, "too_big", "only a POST of /v1/control has a body");
        }
        for (const auto parameter : target->params()) {
            asked.query[std::string(parameter.key)] = parameter.value;
        }
        route(std::move(asked));
    }

    /// Why a browser's page must not see the answer; empty: it may.
    std::string misdirected() const {
        const auto& request = parser_->get();
        const std::string_view host = view(request[http::field::host]);
        const auto is_ours = [&](std::string_view authority) {
            return std::ranges::any_of(options().origins, [&](const std::string& origin) {
                return authority_of(origin) == authority;
            });
        };
        const std::string_view name = without_port(host);
        if (!host.empty() && name != "localhost" && !is_address(name) && !is_ours(host) &&
            !is_ours(name)) {
            return "this server is not called \"" + std::string(host) +
                   "\"; server.origins names what it is called";
        }
        if (request.find(http::field::origin) == request.end()) {
            return {};  // no browser, or a page of ours
        }
        const std::string_view origin = view(request[http::field::origin]);
        if (authority_of(origin) != host && !is_listed(origin)) {
            return "pages of " + std::string(origin) +
                   " may not use this server; server.origins names those that may";
        }
        return {};
    }

    void route(HttpRequest asked) {
        const auto& request = parser_->get();
        const bool is_get = request.method() == http::verb::get;
        const bool is_stream = asked.path == "/v1/stream";
        const bool is_control = asked.path == kControlPath;
        if (request.method() == http::verb::options &&
            is_listed(view(request[http::field::origin]))) {
            return answer_preflight();
        }
        if (is_stream && !is_get) {
            return refuse(405, "method_not_allowed", "use GET");
        }
        if (is_stream && !beast::websocket::is_upgrade(request)) {
            return refuse(426, "upgrade_required",
                          "this is a WebSocket; over plain HTTP the "
                          "events are at /v1/events");
        }
        std::optional<Rights> rights = this->rights();
        const bool showed_token = request.find(http::field::authorization) != request.end();
        const bool needs_token = asked.path.starts_with("/v1/") || asked.path == "/metrics";
        if (!rights && needs_token && (!is_stream || showed_token)) {
            return refuse(401, "not_authorised",
                          showed_token ? "this token is not known"
                                       : "a token is needed: Authorization: Bearer <token>");
        }
        if (is_stream) {
            return become(make_websocket_session(
                listener_, std::move(connection_),
                http::request<http::empty_body>(parser_->release().base()), std::move(rights)));
        }
        if (asked.path == "/v1/events" && is_get) {
            return stream_events(asked, std::move(*rights));
        }
        if (is_control && request.method() != http::verb::post) {
            return refuse(405, "method_not_allowed", "use POST");
        }
        if (is_control) {
            return obey_body(*rights);
        }
        if (!is_get && request.method() != http::verb::head &&
            request.method() != http::verb::delete_) {
            return refuse(405, "method_not_allowed", "use GET, HEAD or DELETE");
        }
        if (!options().http) {
            return refuse(404, "not_found", "there is nothing at " + asked.path);
        }
        asked.method = request.method() == http::verb::delete_ ? "DELETE" : "GET";
        asked.if_none_match = view(request[http::field::if_none_match]);
        if (rights) {
            asked.rights = std::move(*rights);
        }
        timer_.cancel();
        options().http(std::move(asked), [this, self = shared_from_this()](HttpResponse response) {
            answer(std::move(response));
        });
    }

    /// None where a token is needed and there is none, or a wrong one. Without tokens the pages of
    /// another origin, though listed, may look but not steer.
    std::optional<Rights> rights() const {
        if (!options().authorise) {
            Rights all;
            const auto& request = parser_->get();
            if (request.find(http::field::origin) != request.end() &&
                authority_of(view(request[http::field::origin])) !=
                    view(request[http::field::host])) {
                all.actions = {"subscribe", "history", "erase", "metrics"};
            }
            return all;
        }
        std::string_view token = view(parser_->get()[http::field::authorization]);
        if (!token.starts_with(kBearer)) {
            return std::nullopt;
        }
        return options().authorise(token.substr(kBearer.size()));
    }

    /// A form of another page could send a body too, but none of this type.
    void obey_body(const Rights& rights) {
        const auto& request = parser_->get();
        if (!is_json(view(request[http::field::content_type]))) {
            return refuse(415, "unsupported_media_type", "use Content-Type: application/json");
        }
        const auto decoded = decode_command(request.body());
        if (const auto* error = std::get_if<CommandError>(&decoded)) {
            return refuse(400, error->code, error->message);
        }
        const auto& command = std::get<Command>(decoded);
        const auto* wanted = std::get_if<ControlCommand>(&command.body);
        if (wanted == nullptr) {
            return refuse(400, "bad_command", "expected pause, resume_analysis or object here");
        }
        const auto answered = protocol::obey(options().control, *wanted, command.request_id, rights,
                                             connection_.peer_address());
        if (const auto* refused = std::get_if<ErrorEvent>(&answered)) {
            return answer(http_error(status_of(refused->code), refused->code, refused->message));
        }
        answer({.body = to_json_text(std::get<Controlled>(answered)) + "\n", .headers = {}});
    }

    static bool is_json(std::string_view content_type) {
        const std::string_view type = content_type.substr(0, content_type.find(';'));
        return boost::beast::iequals({type.data(), type.size()}, "application/json");
    }

    static unsigned status_of(std::string_view code) {
        if (code == "forbidden") {
            return 403;
        }
        if (code == "unknown_stream" || code == "no_control") {
            return 404;
        }
        return code == "audit_failed" ? 503 : 409;
    }

    void stream_events(const HttpRequest& asked, Rights rights) {
        if (!rights.may("subscribe")) {
            return refuse(403, "forbidden", "this token does not give the right to subscribe");
        }
        // The parameters are the fields of the command, so that one decoder judges both.
        const auto wanted = subscribe_from_query(asked.query);
        if (const auto* error = std::get_if<CommandError>(&wanted)) {
            return refuse(400, error->code, error->message);
        }
        const auto& request = parser_->get();
        http::response<http::empty_body> head(http::status::ok, 11);
        add_common_headers(head);
        head.set(http::field::content_type, "text/event-stream");
        head.keep_alive(false);
        std::ostringstream text;
        text << head.base();
        become(make_event_source_session(
            listener_, std::move(connection_), std::get<Subscribe>(wanted),
            std::string(request["Last-Event-ID"]), std::move(rights), text.str()));
    }

    void become(const std::shared_ptr<Session>& session) {
        ended_ = true;  // the other goes on
        timer_.cancel();
        listener_->replace(shared_from_this(), session);
        session->start();
    }

    template <class Body>
    void add_common_headers(http::response<Body>& response) const {
        for (const auto& [name, value] : kSecurityHeaders) {
            response.set(beast::string_view(name.data(), name.size()),
                         beast::string_view(value.data(), value.size()));
        }
        // What a page of a listed origin needs to see the answer. Source: WHATWG Fetch, 3.2.
        const auto origin = parser_->get()[http::field::origin];
        if (!origin.empty() && is_listed(view(origin))) {
            response.set(http::field::access_control_allow_origin, origin);
            response.set(http::field::access_control_expose_headers, "X-Next-Cursor");
            response.set(http::field::vary, "Origin");
        }
    }

    bool is_listed(std::string_view origin) const {
        return std::ranges::find(options().origins, origin) != options().origins.end();
    }

    /// A browser asks before it sends a token to another origin.
    void answer_preflight() {
        answer({.status = 204,
                .content_type = "text/plain",
                .body = {},
                .headers = {
                    {"Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE"},
                    {"Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID"},
                    {"Access-Control-Max-Age", "600"}}});
    }

    /// For what is wrong with the request itself: the connection does not outlive it.
    void refuse(unsigned status, const std::string& code, const std::string& message) {
        keep_alive_ = false;
        answer(http_error(status, code, message));
    }

    void answer(HttpResponse answer) {
        if (ended_) {
            return;
        }
        response_ = {};
        response_.version(11);
        response_.result(answer.status);
        add_common_headers(response_);
        response_.set(http::field::content_type, answer.content_type);
        if (answer.status == 401) {
            response_.set(http::field::www_authenticate, "Bearer");
        } else if (answer.status == 405) {
            response_.set(http::field::allow, "GET, HEAD, POST, DELETE");
        } else if (answer.status == 426) {
            response_.set(http::field::upgrade, "websocket");
        }
        for (const auto& [name, value] : answer.headers) {
            response_.set(name, value);
        }
        response_.keep_alive(keep_alive_ && !closing_);
        response_.body() = std::move(answer.body);
        response_.prepare_payload();
        if (parser_->get().method() == http::verb::head) {
            const auto length = response_.body().size();
            response_.body().clear();
            response_.content_length(length);
        }
        watch_sending();
        http::async_write(connection_, response_,
                          [this, self = shared_from_this()](beast::error_code error, std::size_t) {
                              if (ended_) {
                                  return;
                              }
                              if (error) {
                                  return cut();
                              }
                              connection_.when_sent([this, self] { on_sent(); });
                          });
    }

    /// A client may take its time for an answer, as long as it takes some of it.
    void watch_sending() {
        if (closing_) {
            return;  // the deadline is set
        }
        timer_.expires_after(options().idle_timeout);
        const std::size_t before = connection_.unsent_bytes();
        timer_.async_wait(
            [this, before, self = shared_from_this()](boost::system::error_code cancelled) {
                if (cancelled || ended_) {
                    return;
                }
                if (connection_.unsent_bytes() == before) {
                    return cut();
                }
                watch_sending();
            });
    }

    void on_sent() {
        if (ended_) {
            return;
        }
        if (keep_alive_ && !closing_) {
            return read_request();
        }
        connection_.end_sending();
        if (!closing_) {
            expire_after(options().handshake_timeout);
        }
        discard();
    }

    /// Reads until the client has the answer and hangs up: closing a socket that holds unread
    /// input would reset the connection, and with it the answer.
    void discard() {
        connection_.async_read_some(
            asio::buffer(ignored_),
            [this, self = shared_from_this()](boost::system::error_code error, std::size_t) {
                if (ended_) {
                    return;
                }
                if (error) {
                    return cut();
                }
                discard();
            });
    }

    std::shared_ptr<Listener> listener_;
    Connection connection_;
    asio::steady_timer timer_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
    std::array<char, 4096> ignored_{};
    bool keep_alive_ = false;
    bool answering_ = false;
    bool closing_ = false;
    bool ended_ = false;
};

}  // namespace

std::shared_ptr<Session> make_http_session(std::shared_ptr<Listener> listener,
                                           Connection connection) {
    return std::make_shared<HttpSession>(std::move(listener), std::move(connection));
}

}  // namespace emotiond::protocol
