#include "daemon/watch.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "daemon/event_printer.hpp"
#include "daemon/exit_codes.hpp"
#include "daemon/printable.hpp"
#include "protocol/connection.hpp"
#include "protocol/flusher.hpp"

namespace emotiond::daemon {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kFirstPause = 500ms;
constexpr auto kLongestPause = 10s;
constexpr auto kConnectTimeout = 10s;
constexpr auto kSilence = 30s;
constexpr auto kRedraw = 100ms;
constexpr std::size_t kNotes = 5;

struct Address {
    bool tls = false;
    std::string host;
    std::string port;
    std::string target;
};

Address parse_address(const std::string& text) {
    const auto url = boost::urls::parse_uri(text);
    const std::string scheme = url ? std::string(url->scheme()) : "";
    const bool tls = scheme == "wss" || scheme == "https";
    if (!url || (!tls && scheme != "ws" && scheme != "http") || url->host().empty()) {
        throw std::runtime_error("'" + text +
                                 "' is no address of a server, expected for example "
                                 "ws://127.0.0.1:8790 or wss://desk.example");
    }
    Address address{tls, url->host_address(), std::string(url->port()), std::string(url->path())};
    if (address.port.empty()) {
        address.port = tls ? "443" : "80";
    }
    if (address.target.empty() || address.target == "/") {
        address.target = "/v1/stream";
    }
    return address;
}

/// What the server does not want of us; trying again would not help.
class Refused : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Shows messages on stdout.
class Screen {
 public:
    explicit Screen(const WatchOptions& options)
        : as_json_(options.as_json),
          draws_(!options.as_json && !options.lines && isatty(STDOUT_FILENO) == 1),
          colours_(colours_on_stdout()) {}
    ~Screen() {
        if (draws_ && drawn_) {
            std::fputs("\033[?25h\n", stdout);  // the cursor again
        }
    }
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    bool draws() const { return draws_; }

    void show(const json& message, const std::string& text) {
        if (as_json_) {
            std::printf("%s\n", text.c_str());
            std::fflush(stdout);
            return;
        }
        const std::string line = to_line(harmless(message), colours_);
        if (line.empty()) {
            return;
        }
        if (!draws_) {
            std::printf("%s\n", line.c_str());
            std::fflush(stdout);
            return;
        }
        changed_ = true;
        const std::string type = message.value("type", "");
        if (type == "emotion" || type == "stream") {
            rows_[message.value("stream", "")] = line;
        }
        if (type != "emotion" && type != "utterance") {
            note(line);
        }
    }

    /// Whoever named a stream must not steer the terminal.
    static json harmless(json message) {
        for (const char* field :
             {"stream", "label", "state", "reason", "message", "rule", "action"}) {
            if (message.contains(field) && message[field].is_string()) {
                message[field] = printable(message[field].get<std::string>());
            }
        }
        return message;
    }

    /// About the connection: not an event.
    void say(const std::string& text) {
        if (draws_) {
            note(text);
        } else {
            std::fprintf(stderr, "emotiond watch: %s\n", text.c_str());
        }
    }

    void draw() {
        if (!draws_ || !std::exchange(changed_, false)) {
            return;
        }
        winsize size{};
        const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
        const std::size_t height = known ? size.ws_row : 24;
        std::string picture = drawn_ ? "\033[H" : "\033[2J\033[H\033[?25l";
        drawn_ = true;
        std::size_t left = height > kNotes + 2 ? height - kNotes - 2 : 1;
        for (const auto& [stream, line] : rows_) {
            if (left-- == 0) {
                picture += "... " + std::to_string(rows_.size()) + " streams\033[K\n";
                break;
            }
            picture += line + "\033[K\n";
        }
        picture += "\033[K\n";
        for (const std::string& line : notes_) {
            picture += line + "\033[K\n";
        }
        picture += "\033[J";
        std::fputs(picture.c_str(), stdout);
        std::fflush(stdout);
    }

 private:
    void note(const std::string& line) {
        notes_.push_back(line);
        if (notes_.size() > kNotes) {
            notes_.pop_front();
        }
        changed_ = true;
    }

    bool as_json_;
    bool draws_;
    bool colours_;
    bool changed_ = false;
    bool drawn_ = false;
    std::map<std::string, std::string> rows_;
    std::deque<std::string> notes_;
};

class Watch {
 public:
    explicit Watch(const WatchOptions& options)
        : options_(options),
          address_(parse_address(options.url)),
          tls_(std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client)),
          flusher_(std::make_shared<protocol::Flusher>(io_.get_executor())),
          signals_(io_, SIGINT, SIGTERM),
          end_(io_),
          redraw_(io_),
          screen_(options) {
        tls_->set_verify_mode(asio::ssl::verify_peer);
        if (options_.ca.empty()) {
            tls_->set_default_verify_paths();
        } else {
            tls_->load_verify_file(options_.ca);
        }
        if (options_.token.empty()) {
            if (const char* token = std::getenv("EMOTIOND_TOKEN")) {
                options_.token = token;
            }
        }
    }

    int run() {
        signals_.async_wait([this](auto, int) { io_.stop(); });
        if (options_.seconds > 0.0) {
            end_.expires_after(std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::duration<double>(options_.seconds)));
            end_.async_wait([this](auto) { io_.stop(); });
        }
        if (screen_.draws()) {
            draw_later();
        }
        std::exception_ptr failure;
        asio::co_spawn(io_, stay_connected(), [&](const std::exception_ptr& error) {
            failure = error;
            io_.stop();
        });
        io_.run();
        if (failure) {
            std::rethrow_exception(failure);
        }
        return was_connected_ ? 0 : kExitUnavailable;
    }

 private:
    void draw_later() {
        redraw_.expires_after(kRedraw);
        redraw_.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                screen_.draw();
                draw_later();
            }
        });
    }

    asio::awaitable<void> stay_connected() {
        std::chrono::milliseconds pause = kFirstPause;
        for (;;) {
            std::string problem;
            try {
                websocket::stream<protocol::Connection> stream(co_await connect());
                co_await listen(stream);
            } catch (const boost::system::system_error& error) {
                problem = error.code().message();
            }
            if (std::exchange(is_connected_, false)) {
                pause = kFirstPause;
            }
            screen_.say("no connection to " + options_.url + ": " + problem + "; trying again");
            asio::steady_timer timer(io_, pause);
            co_await timer.async_wait(asio::use_awaitable);
            pause = std::min<std::chrono::milliseconds>(2 * pause, kLongestPause);
        }
    }

    asio::awaitable<protocol::Connection> connect() {
        tcp::resolver resolver(io_);
        const auto found =
            co_await resolver.async_resolve(address_.host, address_.port, asio::use_awaitable);
        protocol::Connection connection(tcp::socket(io_), address_.tls ? tls_ : nullptr, flusher_);
        asio::steady_timer timer(io_);
        const auto give_up_later = [&timer, connection] {
            timer.expires_after(kConnectTimeout);
            timer.async_wait([connection](const boost::system::error_code& cancelled) mutable {
                if (!cancelled) {
                    connection.close();
                }
            });
        };
        give_up_later();
        co_await asio::async_connect(connection.socket(), found, asio::use_awaitable);
        give_up_later();
        if (protocol::Connection::Tls* tls = connection.tls()) {
            SSL_set_tlsext_host_name(tls->native_handle(), address_.host.c_str());
            tls->set_verify_callback(asio::ssl::host_name_verification(address_.host));
            co_await tls->async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
        }
        co_return connection;
    }

    asio::awaitable<void> listen(websocket::stream<protocol::Connection>& stream) {
        auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::client);
        timeout.idle_timeout = kSilence;  // a server that has vanished says nothing
        timeout.keep_alive_pings = true;
        stream.set_option(timeout);
        stream.set_option(websocket::stream_base::decorator([this](auto& request) {
            if (!options_.token.empty()) {
                request.set(beast::http::field::authorization, "Bearer " + options_.token);
            }
        }));
        websocket::response_type answer;
        const bool is_v6 = address_.host.find(':') != std::string::npos;
        const std::string host =
            (is_v6 ? "[" + address_.host + "]" : address_.host) + ":" + address_.port;
        boost::system::error_code error;
        co_await stream.async_handshake(answer, host, address_.target,
                                        asio::redirect_error(asio::use_awaitable, error));
        if (error == websocket::error::upgrade_declined) {
            throw Refused("the server refused: " + std::to_string(answer.result_int()) + " " +
                          printable(answer.body()));
        }
        if (error) {
            throw boost::system::system_error(error);
        }
        subscribed_ = false;
        const std::string command = subscribe();
        co_await stream.async_write(asio::buffer(command), asio::use_awaitable);
        beast::flat_buffer buffer;
        for (;;) {
            co_await stream.async_read(buffer, asio::use_awaitable);
            const std::string text = beast::buffers_to_string(buffer.data());
            buffer.clear();
            take(text);
        }
    }

    std::string subscribe() const {
        json command{{"type", "subscribe"}};
        if (!options_.streams.empty()) {
            command["streams"] = options_.streams;
        }
        for (const auto& [stream, place] : seen_) {
            command["resume"].push_back(
                {{"epoch", place.first}, {"stream", stream}, {"after_seq", place.second}});
        }
        return command.dump();
    }

    void take(const std::string& text) {
        const json message = json::parse(text, nullptr, false);
        if (!message.is_object()) {
            return;
        }
        const std::string type = message.value("type", "");
        if (type == "hello" && message.value("auth", false)) {
            throw Refused("the server wants a token: --token or EMOTIOND_TOKEN");
        }
        if (type == "error" && message.value("fatal", false)) {
            throw Refused("the server refused: " + printable(message.value("message", "")));
        }
        if (type == "subscribed") {
            subscribed_ = is_connected_ = was_connected_ = true;
        }
        // What comes before is of the subscription that every connection begins with.
        if (!subscribed_ && type != "hello") {
            return;
        }
        if (message.contains("seq")) {
            seen_[message.value("stream", "")] = {message.value("epoch", ""),
                                                  message.value("seq", std::uint64_t{0})};
        }
        screen_.show(message, text);
    }

    WatchOptions options_;
    Address address_;
    asio::io_context io_{1};
    std::shared_ptr<asio::ssl::context> tls_;
    std::shared_ptr<protocol::Flusher> flusher_;
    asio::signal_set signals_;
    asio::steady_timer end_;
    asio::steady_timer redraw_;
    Screen screen_;
    std::map<std::string, std::pair<std::string, std::uint64_t>> seen_;  // epoch and seq by stream
    bool subscribed_ = false;
    bool is_connected_ = false;
    bool was_connected_ = false;
};

}  // namespace

int watch_command(const WatchOptions& options) {
    Watch watch(options);
    return watch.run();
}

}  // namespace emotiond::daemon
