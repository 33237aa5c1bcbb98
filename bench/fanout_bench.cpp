// How many messages a second one core delivers to many subscribers, beside nats-server in the same
// run.
//
//     fanout_bench [--subscribers 100] [--messages 20000] [--nats /usr/sbin/nats-server]
//
// The server has one core to itself, subscribers (and the publisher of NATS) have the other. Both
// deliver the same payload; ours also makes its JSON of every event, and is published to in its own
// process, as the daemon does it.

#include <arpa/inet.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "protocol/endpoint.hpp"
#include "protocol/event_json.hpp"
#include "protocol/http_server.hpp"
#include "protocol/hub.hpp"
#include "protocol/tcp_server.hpp"

namespace {

using namespace emotiond::protocol;
using Clock = std::chrono::steady_clock;

/// Messages that are published together, here and there.
constexpr int kBurst = 64;

struct Options {
    int subscribers = 100;
    int messages = 20000;
    std::string nats = "/usr/sbin/nats-server";
};

void pin_to(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    sched_setaffinity(0, sizeof cores, &cores);
}

Event emotion() {
    using std::chrono::milliseconds;
    return {.stream = "desk07",
            .time = std::chrono::system_clock::now(),
            .body = EmotionEvent{.start = milliseconds(183000),
                                 .end = milliseconds(186000),
                                 .label = "angry",
                                 .confidence = 0.71,
                                 .scores = {{"neutral", 0.04},
                                            {"calm", 0.01},
                                            {"happy", 0.05},
                                            {"sad", 0.02},
                                            {"angry", 0.71},
                                            {"fearful", 0.06},
                                            {"disgust", 0.08},
                                            {"surprised", 0.03}},
                                 .uncertain = false,
                                 .affect = Affect{.valence = -0.4, .arousal = 0.52},
                                 .speech = 0.98,
                                 .voiced = 0.64,
                                 .level_dbfs = -23.1,
                                 .model = "default-8c634b05",
                                 .latency = {}}};
}

/// The server under test: publishes when a byte comes through the pipe.
[[noreturn]] void serve(const Options& options, int port, bool websocket, int pipe_end) {
    pin_to(0);
    boost::asio::io_context io;
    Hub hub("bench", {});
    hub.add_stream({.stream = "desk07"});
    ServerOptions server;
    server.max_queue_bytes = std::size_t{64} * 1024 * 1024;
    const auto endpoint = parse_endpoint("127.0.0.1:" + std::to_string(port));
    std::unique_ptr<TcpServer> tcp;
    std::unique_ptr<HttpServer> http;
    if (websocket) {
        http = std::make_unique<HttpServer>(io, endpoint, hub, server);
    } else {
        tcp = std::make_unique<TcpServer>(io, endpoint, hub, server);
    }
    const Event event = emotion();
    int left = options.messages;
    std::function<void()> publish = [&] {
        for (int i = 0; i < kBurst && left > 0; ++i, --left) {
            hub.publish(event);
        }
        if (left > 0) {
            boost::asio::post(io, publish);
        }
    };
    boost::asio::posix::stream_descriptor pipe(io, pipe_end);
    char byte = 0;
    boost::asio::async_read(pipe, boost::asio::buffer(&byte, 1), [&](auto, auto) { publish(); });
    io.run();
    _exit(0);
}

int connect_to(int port) {
    for (int attempt = 0; attempt < 200; ++attempt) {
        const int fd = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
            return fd;
        }
        close(fd);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    throw std::runtime_error("nobody listens on port " + std::to_string(port));
}

void send_all(int fd, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t count = write(fd, text.data() + sent, text.size() - sent);
        if (count <= 0) {
            throw std::runtime_error("the server has gone");
        }
        sent += static_cast<std::size_t>(count);
    }
}

/// Reads until every subscriber has counted so many of the byte. Returns false after a minute.
bool drain(const std::vector<int>& subscribers, char counted, std::size_t each) {
    const int poll = epoll_create1(0);
    std::vector<std::size_t> seen(subscribers.size());
    for (std::size_t i = 0; i < subscribers.size(); ++i) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        epoll_ctl(poll, EPOLL_CTL_ADD, subscribers[i], &event);
    }
    static char buffer[1 << 18];
    std::size_t done = 0;
    const auto deadline = Clock::now() + std::chrono::minutes(1);
    epoll_event ready[256];
    while (done < subscribers.size() && Clock::now() < deadline) {
        const int count = epoll_wait(poll, ready, 256, 1000);
        for (int i = 0; i < count; ++i) {
            const std::size_t who = ready[i].data.u64;
            const ssize_t got = recv(subscribers[who], buffer, sizeof buffer, MSG_DONTWAIT);
            if (got <= 0) {
                continue;
            }
            const bool before = seen[who] >= each;
            seen[who] += static_cast<std::size_t>(std::count(buffer, buffer + got, counted));
            done += !before && seen[who] >= each ? 1 : 0;
        }
    }
    close(poll);
    return done == subscribers.size();
}

void report(const char* name, const Options& options, Clock::duration time, bool all) {
    const double seconds = std::chrono::duration<double>(time).count();
    const double messages = static_cast<double>(options.subscribers) * options.messages;
    std::printf("%-22s %9.0f messages/s  %6.2f s%s\n", name, messages / seconds, seconds,
                all ? "" : "  NOT ALL ARRIVED");
    std::fflush(stdout);
}

double rate(const Options& options, Clock::duration time) {
    return static_cast<double>(options.subscribers) * options.messages /
           std::chrono::duration<double>(time).count();
}

double run_emotiond(const Options& options, int port, bool websocket) {
    int ends[2];
    if (pipe(ends) != 0) {
        throw std::runtime_error("no pipe");
    }
    const pid_t server = fork();
    if (server == 0) {
        serve(options, port, websocket, ends[0]);
    }
    std::vector<int> subscribers;
    for (int i = 0; i < options.subscribers; ++i) {
        subscribers.push_back(connect_to(port));
        if (websocket) {
            send_all(subscribers.back(),
                     "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     "Sec-WebSocket-Version: 13\r\n\r\n");
        }
    }
    // Every message has one '[' only in its hello, and one `"seq":` with its 'q' ... so braces are
    // counted: an event has as many as its JSON says.
    const std::string sample = to_json_text(emotion(), {.epoch = "E", .role = "r", .seq = 1});
    const auto braces = static_cast<std::size_t>(std::ranges::count(sample, '}'));
    drain(subscribers, '}', 1);  // the hellos
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    for (const int fd : subscribers) {
        char rest[4096];
        while (recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0) {
        }
    }
    const auto begin = Clock::now();
    if (write(ends[1], "x", 1) != 1) {
        throw std::runtime_error("cannot start the publisher");
    }
    const bool all = drain(subscribers, '}', braces * static_cast<std::size_t>(options.messages));
    const auto time = Clock::now() - begin;
    report(websocket ? "emotiond, WebSocket" : "emotiond, TCP", options, time, all);
    for (const int fd : subscribers) {
        close(fd);
    }
    kill(server, SIGKILL);
    waitpid(server, nullptr, 0);
    return rate(options, time);
}

double run_nats(const Options& options, int port) {
    const pid_t server = fork();
    if (server == 0) {
        pin_to(0);
        setenv("GOMAXPROCS", "1", 1);
        const std::string text = std::to_string(port);
        if (std::freopen("/dev/null", "w", stderr) == nullptr) {
            _exit(127);
        }
        execl(options.nats.c_str(), "nats-server", "-a", "127.0.0.1", "-p", text.c_str(),
              static_cast<char*>(nullptr));
        _exit(127);
    }
    std::vector<int> subscribers;
    for (int i = 0; i < options.subscribers; ++i) {
        subscribers.push_back(connect_to(port));
        send_all(subscribers.back(), "CONNECT {\"verbose\":false}\r\nSUB emotion 1\r\nPING\r\n");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    for (const int fd : subscribers) {
        char rest[4096];
        while (recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0) {
        }
    }
    const std::string payload = to_json_text(
        emotion(),
        {.epoch = "6f1c0d3a-52b7-4c8e-9a04-d1e5b7c2f386", .role = "unspecified", .seq = 10000});
    const std::string one =
        "PUB emotion " + std::to_string(payload.size()) + "\r\n" + payload + "\r\n";
    const int publisher = connect_to(port);
    send_all(publisher, "CONNECT {\"verbose\":false}\r\n");
    const auto begin = Clock::now();
    std::thread publish([&] {
        std::string batch;
        for (int i = 0; i < kBurst; ++i) {
            batch += one;
        }
        for (int i = 0; i < options.messages / kBurst; ++i) {
            send_all(publisher, batch);
        }
        for (int i = 0; i < options.messages % kBurst; ++i) {
            send_all(publisher, one);
        }
    });
    const auto braces = static_cast<std::size_t>(std::ranges::count(payload, '}'));
    const bool all = drain(subscribers, '}', braces * static_cast<std::size_t>(options.messages));
    const auto time = Clock::now() - begin;
    publish.join();
    report("nats-server", options, time, all);
    for (const int fd : subscribers) {
        close(fd);
    }
    close(publisher);
    kill(server, SIGKILL);
    waitpid(server, nullptr, 0);
    return rate(options, time);
}

int run(const Options& options) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    std::signal(SIGPIPE, SIG_IGN);
    pin_to(1);
    const std::string sample = to_json_text(
        emotion(),
        {.epoch = "6f1c0d3a-52b7-4c8e-9a04-d1e5b7c2f386", .role = "unspecified", .seq = 10000});
    std::printf("%d subscribers, %d messages of %zu bytes to each; server on one core\n",
                options.subscribers, options.messages, sample.size());
    const double tcp = run_emotiond(options, 19791, false);
    const double websocket = run_emotiond(options, 19790, true);
    if (access(options.nats.c_str(), X_OK) != 0) {
        std::printf("no %s: not compared (apt-get install nats-server)\n", options.nats.c_str());
        return 0;
    }
    const double nats = run_nats(options, 19792);
    std::printf("emotiond / nats-server    TCP %.2f, WebSocket %.2f\n", tcp / nats,
                websocket / nats);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Messages a second that one core delivers, beside nats-server"};
    app.add_option("--subscribers", options.subscribers)->capture_default_str();
    app.add_option("--messages", options.messages, "to each")->capture_default_str();
    app.add_option("--nats", options.nats, "nats-server")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fanout_bench: %s\n", error.what());
        return 1;
    }
}
