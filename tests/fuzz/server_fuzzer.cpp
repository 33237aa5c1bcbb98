// Whatever a client sends to the two ports: the real servers on a loopback port, with a token
// needed or not, live through it and have forgotten the client when it has gone. The first byte
// chooses.

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/endpoint.hpp"
#include "protocol/http_server.hpp"
#include "protocol/hub.hpp"
#include "protocol/tcp_server.hpp"

namespace {

using namespace emotiond::protocol;
using boost::asio::ip::tcp;

struct World {
    World() {
        hub.add_stream({.stream = "desk07"});
        ServerOptions open;
        open.limiter = limiter;
        open.http = [](const HttpRequest& request, const auto& respond) {
            respond({.content_type = "text/plain", .body = request.path, .headers = {}});
        };
        ServerOptions closed = open;
        closed.authorise = [](std::string_view token) -> std::optional<Rights> {
            return token == "t" ? std::optional(Rights{}) : std::nullopt;
        };
        const auto any = parse_endpoint("127.0.0.1:0");
        tcp_servers.emplace_back(std::make_unique<TcpServer>(io, any, hub, open));
        tcp_servers.emplace_back(std::make_unique<TcpServer>(io, any, hub, closed));
        http_servers.emplace_back(std::make_unique<HttpServer>(io, any, hub, open));
        http_servers.emplace_back(std::make_unique<HttpServer>(io, any, hub, closed));
    }

    boost::asio::io_context io;
    Hub hub{"fuzz", {}};
    std::shared_ptr<ConnectionLimiter> limiter = std::make_shared<ConnectionLimiter>(10, 10);
    std::vector<std::unique_ptr<TcpServer>> tcp_servers;
    std::vector<std::unique_ptr<HttpServer>> http_servers;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static World world;
    if (size == 0) {
        return 0;
    }
    const std::size_t which = data[0] % 4;
    const auto endpoint = which < 2 ? world.tcp_servers[which]->local_endpoint()
                                    : world.http_servers[which - 2]->local_endpoint();
    {
        tcp::socket client(world.io, endpoint.protocol());
        boost::system::error_code failed;
        client.connect(endpoint, failed);  // libFuzzer's clock interrupts it now and then
        if (failed) {
            return 0;
        }
        client.non_blocking(true);
        boost::system::error_code ignored;
        boost::asio::write(client, boost::asio::buffer(data + 1, size - 1), ignored);
        world.io.restart();
        for (int i = 0; i < 20; ++i) {
            world.io.poll();
            if (i == 10) {
                world.hub.publish({.stream = "desk07", .time = {}, .body = GapEvent{}});
            }
            char answer[4096];
            client.read_some(boost::asio::buffer(answer), ignored);
        }
        client.set_option(boost::asio::socket_base::linger(true, 0), ignored);
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (world.limiter->total() > 0) {
        world.io.run_for(std::chrono::milliseconds(1));
        if (std::chrono::steady_clock::now() > deadline) {
            std::abort();  // the client has gone and is not forgotten
        }
    }
    return 0;
}
