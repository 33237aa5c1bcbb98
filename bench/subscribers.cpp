// Many subscribers of a running emotiond on one thread: what each of them gets, and how late.
//
//     subscribers --port 8790 --subscribers 1000 --seconds 30 [--never-reading 1] [--tcp]
//
// Over WebSocket (or NDJSON with --tcp). Latency is from the end of the model's work, which the
// event tells
// (`time` + `latency_ms.total`), until the event was read here; both clocks are this machine's.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using Clock = std::chrono::system_clock;

/// Reading the time of every event would cost more than receiving it.
constexpr std::uint64_t kMeasureEvery = 8;

struct Options {
    int port = 8790;
    int subscribers = 1000;
    int never_reading = 0;
    double seconds = 30.0;
    bool tcp = false;
};

/// The digits behind `"key":`.
std::int64_t number(std::string_view json, std::string_view key) {
    const std::size_t at = json.find(key);
    return at == std::string_view::npos ? -1 : std::atoll(json.data() + at + key.size());
}

/// Milliseconds since 1970 of `"time":"2026-11-20T20:42:42.123Z"`.
std::int64_t time_ms(std::string_view json) {
    const std::size_t at = json.find("\"time\":\"");
    int y = 0;
    unsigned mo = 0, d = 0, h = 0, mi = 0, s = 0, ms = 0;
    if (at == std::string_view::npos ||
        std::sscanf(json.data() + at + 8, "%4d-%2u-%2uT%2u:%2u:%2u.%3u", &y, &mo, &d, &h, &mi, &s,
                    &ms) != 7) {
        return -1;
    }
    using namespace std::chrono;
    const auto day = sys_days(year_month_day(year(y), month(mo), std::chrono::day(d)));
    return duration_cast<milliseconds>(day.time_since_epoch()).count() +
           ((h * 60 + mi) * 60 + s) * 1000 + ms;
}

struct Totals {
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
    std::uint64_t missing = 0;  ///< holes in seq
    std::uint64_t told_missing = 0;
    std::vector<float> latencies_ms;
};

class Subscriber {
 public:
    Subscriber(const Options& options, bool reads) : reads_(reads), is_websocket_(!options.tcp) {
        fd_ = socket(AF_INET, SOCK_STREAM, 0);
        if (!reads) {
            const int small = 4096;
            setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        }
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(options.port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("cannot connect to 127.0.0.1:" + std::to_string(options.port) +
                                     ": " + std::strerror(errno));
        }
        if (is_websocket_) {
            const std::string request =
                "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n";
            if (write(fd_, request.data(), request.size()) < 0) {
                throw std::runtime_error("cannot write");
            }
        }
    }
    ~Subscriber() { close(fd_); }
    Subscriber(const Subscriber&) = delete;
    Subscriber& operator=(const Subscriber&) = delete;

    int fd() const { return fd_; }
    bool reads() const { return reads_; }
    bool is_open() const { return open_; }

    void read_some(Totals& totals, bool measure) {
        static char buffer[1 << 18];
        const ssize_t got = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) {
            open_ = false;
            return;
        }
        if (got < 0) {
            return;
        }
        const std::int64_t now =
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch())
                .count();
        totals.bytes += static_cast<std::uint64_t>(got);
        input_.append(buffer, static_cast<std::size_t>(got));
        std::size_t used = 0;
        while (take(std::string_view(input_).substr(used), used, totals, measure, now)) {
        }
        input_.erase(0, used);
    }

 private:
    /// One message, where it is complete.
    bool take(std::string_view in, std::size_t& used, Totals& totals, bool measure,
              std::int64_t now) {
        if (!is_websocket_) {
            const std::size_t end = in.find('\n');
            if (end == std::string_view::npos) {
                return false;
            }
            message(in.substr(0, end), totals, measure, now);
            used += end + 1;
            return true;
        }
        if (!upgraded_) {
            const std::size_t end = in.find("\r\n\r\n");
            if (end == std::string_view::npos) {
                return false;
            }
            if (!in.starts_with("HTTP/1.1 101")) {
                throw std::runtime_error("no WebSocket: " + std::string(in.substr(0, 200)));
            }
            upgraded_ = true;
            used += end + 4;
            return true;
        }
        if (in.size() < 2) {
            return false;
        }
        const int opcode = in[0] & 0x0f;
        std::uint64_t size = in[1] & 0x7f;
        std::size_t head = 2;
        if (size == 126) {
            if (in.size() < 4) {
                return false;
            }
            size = static_cast<std::uint64_t>(static_cast<unsigned char>(in[2])) << 8U |
                   static_cast<unsigned char>(in[3]);
            head = 4;
        } else if (size == 127) {
            throw std::runtime_error("a frame that large is not expected");
        }
        if (in.size() < head + size) {
            return false;
        }
        if (opcode == 1) {
            message(in.substr(head, size), totals, measure, now);
        } else if (opcode == 9) {
            pong(in.substr(head, size));
        }
        used += head + size;
        return true;
    }

    /// Source: RFC 6455, 5.5.3; the mask is zero, which leaves the payload as it is.
    void pong(std::string_view payload) {
        std::string frame{static_cast<char>(0x8a), static_cast<char>(0x80 | payload.size())};
        frame += std::string(4, '\0') + std::string(payload);
        if (send(fd_, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            open_ = false;
        }
    }

    void message(std::string_view text, Totals& totals, bool measure, std::int64_t now) {
        if (text.find("\"scope\":\"queue\"") != std::string_view::npos) {
            totals.told_missing += static_cast<std::uint64_t>(number(text, "\"dropped\":"));
            return;
        }
        const std::size_t at = text.find("\"stream\":\"");
        if (at == std::string_view::npos || text.find("\"seq\":") == std::string_view::npos) {
            return;
        }
        const std::string stream(text.substr(at + 10, text.find('"', at + 10) - at - 10));
        const auto seq = static_cast<std::uint64_t>(number(text, "\"seq\":"));
        std::uint64_t& last = last_[stream];
        if (last != 0 && seq != last + 1) {
            totals.missing += seq - last - 1;
        }
        last = seq;
        ++totals.events;
        if (!measure || seq % kMeasureEvery != 0) {
            return;
        }
        const std::int64_t total = number(text, "\"total\":");
        if (total >= 0) {
            totals.latencies_ms.push_back(static_cast<float>(now - time_ms(text) - total));
        }
    }

    int fd_;
    bool reads_;
    bool is_websocket_;
    bool upgraded_ = false;
    bool open_ = true;
    std::string input_;
    std::unordered_map<std::string, std::uint64_t> last_;
};

float percentile(std::vector<float>& values, double share) {
    if (values.empty()) {
        return 0.0F;
    }
    const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at),
                     values.end());
    return values[at];
}

int run(const Options& options) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const int poll = epoll_create1(0);
    std::vector<std::unique_ptr<Subscriber>> all;
    Totals ignored;
    for (int i = 0; i < options.subscribers + options.never_reading; ++i) {
        all.push_back(std::make_unique<Subscriber>(options, i < options.subscribers));
        if (all.back()->reads()) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.ptr = all.back().get();
            epoll_ctl(poll, EPOLL_CTL_ADD, all.back()->fd(), &event);
        }
        all.back()->read_some(ignored, false);
    }
    Totals totals;
    totals.latencies_ms.reserve(10'000'000);
    const auto begin = std::chrono::steady_clock::now();
    const auto warm = begin + std::chrono::seconds(3);
    const auto end = warm + std::chrono::duration<double>(options.seconds);
    std::uint64_t before = 0;
    std::vector<epoll_event> ready(1024);
    for (auto now = begin; now < end; now = std::chrono::steady_clock::now()) {
        const int count = epoll_wait(poll, ready.data(), static_cast<int>(ready.size()), 100);
        const bool measure = now >= warm;
        if (!measure) {
            before = totals.events;
        }
        for (int i = 0; i < count; ++i) {
            auto* one = static_cast<Subscriber*>(ready[static_cast<std::size_t>(i)].data.ptr);
            one->read_some(totals, measure);
            if (!one->is_open()) {
                epoll_ctl(poll, EPOLL_CTL_DEL, one->fd(), nullptr);
            }
        }
    }
    const auto closed = std::ranges::count_if(all, [](const auto& one) { return !one->is_open(); });
    const double events = static_cast<double>(totals.events - before);
    std::printf("%d subscribers over %s, %d that never read, %.0f s\n", options.subscribers,
                options.tcp ? "TCP" : "WebSocket", options.never_reading, options.seconds);
    std::printf("events delivered          %.0f, %.0f a second\n", events,
                events / options.seconds);
    std::printf("missing, told, closed     %llu, %llu, %td\n",
                static_cast<unsigned long long>(totals.missing),
                static_cast<unsigned long long>(totals.told_missing), closed);
    auto& late = totals.latencies_ms;
    const float median = percentile(late, 0.5);
    const float p99 = percentile(late, 0.99);
    std::printf("latency median, p99, max  %.0f, %.0f, %.0f ms\n", static_cast<double>(median),
                static_cast<double>(p99), static_cast<double>(percentile(late, 1.0)));
    return totals.missing == 0 && closed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Many subscribers of a running emotiond: what each gets, and how late"};
    app.add_option("--port", options.port, "of HTTP, or with --tcp that of NDJSON")
        ->capture_default_str();
    app.add_option("--subscribers", options.subscribers)->capture_default_str();
    app.add_option("--never-reading", options.never_reading, "so many more that never read")
        ->capture_default_str();
    app.add_option("--seconds", options.seconds)->capture_default_str();
    app.add_flag("--tcp", options.tcp, "NDJSON instead of WebSocket");
    CLI11_PARSE(app, argc, argv);
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "subscribers: %s\n", error.what());
        return 1;
    }
}
