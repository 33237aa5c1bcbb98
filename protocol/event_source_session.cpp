#include "protocol/event_source_session.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace emotiond::protocol {

namespace {

namespace asio = boost::asio;

/// A comment, so that proxies see that the connection lives.
constexpr std::string_view kHeartbeat = ":";

class EventSourceSession final : public EventSession {
 public:
    EventSourceSession(std::shared_ptr<Listener> listener, Connection connection, Subscribe wanted,
                       std::string last_event_id, Rights rights, std::string head)
        : EventSession(std::move(listener), connection.get_executor()),
          connection_(std::move(connection)),
          heartbeat_(connection_.get_executor()),
          wanted_(std::move(wanted)),
          last_event_id_(std::move(last_event_id)),
          rights_(std::move(rights)),
          head_(std::move(head)) {}

    void start() override {
        asio::async_write(
            connection_, asio::buffer(head_),
            [this, self = shared_from_this()](boost::system::error_code error, std::size_t) {
                if (error) {
                    return cut();
                }
                open(std::nullopt, rights_);
                resume_after_last_event();
                subscribe(wanted_, {}, true);
                beat();
            });
    }

 private:
    /// The id of an event is `<epoch>:<position>`; where each stream stood then tells the buffer.
    void resume_after_last_event() {
        if (last_event_id_.empty()) {
            return;
        }
        const std::size_t colon = last_event_id_.rfind(':');
        const std::string epoch = last_event_id_.substr(0, colon);
        std::uint64_t position = 0;
        if (colon != std::string::npos && epoch == hub().epoch()) {
            std::from_chars(last_event_id_.data() + colon + 1,
                            last_event_id_.data() + last_event_id_.size(), position);
        } else {
            tell_not_held({}, {}, std::nullopt, std::nullopt);  // an earlier run
        }
        const Subscription covered(*rights_, wanted_);
        for (const StreamInfo& stream : hub().streams()) {
            if (covered.covers(stream.stream)) {
                resume(stream.stream, position);
            }
        }
    }

    void resume(const std::string& stream, std::uint64_t position) {
        const ReplayBuffer& replay = *hub().replay(stream);
        const auto later =
            std::ranges::upper_bound(replay.messages(), position, {},
                                     [](const MessagePtr& one) { return one->about().position; });
        const auto seen =
            static_cast<std::uint64_t>(std::distance(replay.messages().begin(), later));
        if (seen == 0 && replay.oldest_seq() > 1) {
            // What the buffer has forgotten may or may not lie behind the position.
            tell_not_held(stream, hub().epoch(), std::nullopt, replay.oldest_seq() - 1);
        }
        wanted_.resume.push_back({hub().epoch(), stream, replay.oldest_seq() - 1 + seen});
    }

    void write(const std::vector<MessagePtr>& batch) override {
        heads_.clear();
        buffers_.clear();
        for (const MessagePtr& message : batch) {
            if (message->text() == kHeartbeat) {
                buffers_.push_back(asio::buffer(message->line()));
                buffers_.push_back(asio::buffer("\n", 1));
                continue;
            }
            std::string& head = heads_.emplace_back();
            const Message::About& about = message->about();
            // Those about the server are in no replay buffer, and so no place to come back to.
            if (!about.stream.empty() && about.position > 0) {
                head = "id: " + about.epoch + ":" + std::to_string(about.position) + "\n";
            }
            head += "data: ";
            buffers_.push_back(asio::buffer(head));
            buffers_.push_back(asio::buffer(message->line()));
            buffers_.push_back(asio::buffer("\n", 1));
        }
        connection_.async_write_some(
            buffers_,
            [this, self = shared_from_this()](boost::system::error_code error, std::size_t bytes) {
                on_written(error, bytes);
            });
    }

    std::size_t max_batch() const override { return 64; }

    void beat() {
        heartbeat_.expires_after(options().idle_timeout / 2);
        heartbeat_.async_wait([this, self = shared_from_this()](boost::system::error_code error) {
            if (error || closed_) {
                return;
            }
            send(std::make_shared<const Message>(std::string(kHeartbeat)));
            beat();
        });
    }

    /// Nothing is expected: reading tells when the client has gone.
    void read() override {
        connection_.async_read_some(
            asio::buffer(ignored_),
            [this, self = shared_from_this()](boost::system::error_code error, std::size_t) {
                if (error) {
                    return cut();
                }
                on_command({});
            });
    }

    void hang_up(Goodbye) override { connection_.end_sending(); }
    std::size_t unsent_bytes() const override { return connection_.unsent_bytes(); }
    std::string peer_address() const override { return connection_.peer_address(); }

    void close_socket() override {
        closed_ = true;
        heartbeat_.cancel();
        connection_.close();
    }

    Connection connection_;
    asio::steady_timer heartbeat_;
    Subscribe wanted_;
    std::string last_event_id_;
    std::optional<Rights> rights_;
    std::string head_;
    std::deque<std::string> heads_;  // whose elements stay where they are
    std::vector<asio::const_buffer> buffers_;
    std::array<char, 512> ignored_{};
    bool closed_ = false;
};

}  // namespace

std::shared_ptr<EventSession> make_event_source_session(std::shared_ptr<Listener> listener,
                                                        Connection connection, Subscribe wanted,
                                                        const std::string& last_event_id,
                                                        Rights rights, std::string head) {
    return std::make_shared<EventSourceSession>(std::move(listener), std::move(connection),
                                                std::move(wanted), last_event_id, std::move(rights),
                                                std::move(head));
}

}  // namespace emotiond::protocol
