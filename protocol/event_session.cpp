#include "protocol/event_session.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <string>
#include <utility>

#include "protocol/event_json.hpp"

namespace emotiond::protocol {

namespace {

/// How long a refused peer may take to read why.
constexpr std::chrono::seconds kRefusalDeadline{5};

/// How long a client may take to show its token.
constexpr std::chrono::seconds kAuthDeadline{10};

/// An event has well under this; history is read in pages that fit the outbox.
constexpr std::size_t kUsualEventBytes = 1024;
constexpr std::size_t kMaxPage = 256;

/// So many events of the past at a time.
constexpr int kCatchUpSteps = 256;

template <class... Calls>
struct Overloaded : Calls... {
    using Calls::operator()...;
};
template <class... Calls>
Overloaded(Calls...) -> Overloaded<Calls...>;  // clang 14 does not find this by itself

}  // namespace

EventSession::EventSession(std::shared_ptr<Listener> listener,
                           const boost::asio::any_io_executor& executor)
    : listener_(std::move(listener)), outbox_(options().max_queue_bytes), deadline_(executor) {}

void EventSession::open(std::optional<std::chrono::milliseconds> idle_timeout,
                        std::optional<Rights> rights) {
    if (state_ == State::Closed) {
        return;  // cut while the transport was getting ready
    }
    state_ = State::Open;
    idle_timeout_ = idle_timeout;
    if (rights) {
        join(std::move(*rights));
    } else {
        send(std::make_shared<const Message>(to_json_text(Hello{
            .epoch = hub().epoch(),
            .server = hub().server(),
            .auth = true,
            .limits = {.max_queue_bytes = options().max_queue_bytes, .idle_timeout = idle_timeout},
            .models = {},
            .streams = {},
        })));
        deadline_.expires_after(kAuthDeadline);
        deadline_.async_wait([this,
                              self = shared_from_this()](boost::system::error_code cancelled) {
            if (!cancelled && !authorised_) {
                refuse(
                    {.code = "not_authorised", .message = "no token came in time", .fatal = true},
                    Goodbye::NotAuthorised);
            }
        });
    }
    read_next();
}

void EventSession::join(Rights rights) {
    authorised_ = true;
    if (!rights.may("subscribe")) {
        return refuse({.code = "not_authorised",
                       .message = "this token does not give the right to subscribe",
                       .fatal = true},
                      Goodbye::NotAuthorised);
    }
    send(hub().hello({.max_queue_bytes = options().max_queue_bytes, .idle_timeout = idle_timeout_},
                     rights));
    subscription_ = Subscription(std::move(rights));
    hub().join(*this);
}

void EventSession::deliver(const MessagePtr& message) {
    const std::string& stream = message->stream();
    const bool comes_later =
        in_order_ ? !behind_.empty() && !stream.empty() : behind_.contains(stream);
    if (!comes_later && subscription_.wants(*message)) {
        send(message);
    }
}

void EventSession::send(const MessagePtr& message) {
    if (subscription_.on_overflow() == Overflow::Disconnect && !outbox_.has_room(*message)) {
        return give_up_on_slow_client();
    }
    hub().count_dropped(outbox_.push(message));
    pump();
}

/// Later, as the hub is in the middle of a delivery.
void EventSession::give_up_on_slow_client() {
    if (std::exchange(too_slow_, true)) {
        return hub().count_dropped(1);
    }
    hub().count_dropped(1);
    boost::asio::post(deadline_.get_executor(), [this, self = shared_from_this()] {
        subscription_.end();
        outbox_.set_overflow(Overflow::DropOldest);
        refuse({.code = "slow_consumer",
                .message = "more waits for this client than it may, and it asked to be closed then",
                .fatal = true},
               Goodbye::SlowConsumer);
    });
}

void EventSession::pump() {
    if (writing_ || state_ == State::HangingUp || state_ == State::Closed) {
        return;
    }
    catch_up();
    const std::vector<MessagePtr>& batch = outbox_.begin_write(max_batch());
    if (!batch.empty()) {
        writing_ = true;
        write(batch);
    } else if (state_ == State::Closing) {
        state_ = State::HangingUp;
        hang_up(goodbye_);
    }
}

void EventSession::on_written(boost::system::error_code error, std::size_t bytes) {
    if (state_ == State::Closed) {
        return;
    }
    if (error) {
        // Reading tells when the peer has gone, and may still exchange a goodbye with it.
        state_ = State::HangingUp;
        leave();
        return read_next();
    }
    writing_ = false;
    hub().count_delivered(outbox_.end_write(), bytes);
    pump();
    read_next();
}

void EventSession::catch_up() {
    const auto can_go_on = [this] {
        return state_ == State::Open && !behind_.empty() && !reading_history_ &&
               outbox_.bytes() < outbox_.max_bytes() / 2;
    };
    for (int step = 0; can_go_on(); ++step) {
        if (step == kCatchUpSteps) {  // others want their turn
            if (!std::exchange(will_pump_, true)) {
                boost::asio::post(deadline_.get_executor(), [this, self = shared_from_this()] {
                    will_pump_ = false;
                    pump();
                });
            }
            return;
        }
        if (in_order_) {
            advance_in_order();
        } else {
            advance(behind_.begin());
        }
    }
}

/// The event that was published first among the next ones of all streams that are behind.
void EventSession::advance_in_order() {
    MessagePtr first;
    Cursor* cursor_of_first = nullptr;
    for (auto& [name, cursor] : behind_) {
        const ReplayBuffer& replay = *hub().replay(name);
        if (cursor.seq < replay.newest_seq() && !replay.holds(cursor.seq + 1)) {
            tell_not_held(name, cursor.epoch, cursor.seq + 1, replay.oldest_seq() - 1);
            cursor.seq = replay.oldest_seq() - 1;
        }
        if (cursor.seq >= replay.newest_seq()) {
            continue;
        }
        const MessagePtr& next = replay.at(cursor.seq + 1);
        if (!first || next->about().position < first->about().position) {
            first = next;
            cursor_of_first = &cursor;
        }
    }
    if (!first) {
        return behind_.clear();
    }
    ++cursor_of_first->seq;
    take(first);
}

/// One step towards the present: an event of the replay buffer, else a page of the history, else
/// the word that there is a hole.
void EventSession::advance(Behind::iterator stream) {
    const std::string& name = stream->first;
    Cursor& cursor = stream->second;
    const ReplayBuffer& replay = *hub().replay(name);
    const bool is_now = cursor.epoch == hub().epoch();
    if (is_now && cursor.seq >= replay.newest_seq()) {
        behind_.erase(stream);
    } else if (is_now && replay.holds(cursor.seq + 1)) {
        take(replay.at(++cursor.seq));
    } else if (options().history != nullptr && !cursor.history_ended) {
        read_history({cursor.epoch, name, cursor.seq});
    } else if (is_now) {
        tell_not_held(name, cursor.epoch, cursor.seq + 1, replay.oldest_seq() - 1);
        cursor = {.epoch = hub().epoch(), .seq = replay.oldest_seq() - 1};
    } else {
        if (!cursor.end_is_held) {
            tell_not_held(name, cursor.epoch, cursor.seq + 1, std::nullopt);
        }
        cursor = {.epoch = hub().epoch(), .seq = 0};
    }
}

void EventSession::read_history(const Position& position) {
    reading_history_ = true;
    const std::size_t page =
        std::clamp<std::size_t>(outbox_.max_bytes() / 2 / kUsualEventBytes, 1, kMaxPage);
    options().history->read_after(
        position, page,
        [this, self = shared_from_this(), position, nth = subscriptions_](const auto& result) {
            reading_history_ = false;
            if (state_ != State::Open) {
                return;
            }
            if (nth == subscriptions_) {
                on_page(position, result);
            }
            pump();
        });
}

void EventSession::on_page(const Position& position, const HistoryReader::Page& page) {
    Cursor& cursor = behind_.at(position.stream);
    cursor.history_ended = page.messages.empty();
    cursor.end_is_held = page.holds_end;
    for (const MessagePtr& message : page.messages) {
        const Message::About& event = message->about();
        if (event.epoch != cursor.epoch) {
            if (!cursor.end_is_held) {
                tell_not_held(position.stream, cursor.epoch, cursor.seq + 1, std::nullopt);
            }
            cursor = {.epoch = event.epoch};
        }
        if (event.seq > cursor.seq + 1) {
            tell_not_held(position.stream, cursor.epoch, cursor.seq + 1, event.seq - 1);
        }
        cursor.seq = event.seq;
        take(message);
    }
}

void EventSession::take(const MessagePtr& message) {
    if (subscription_.wants(*message)) {
        hub().count_dropped(outbox_.push(message));
    }
}

void EventSession::tell_not_held(const std::string& stream, const std::string& epoch,
                                 std::optional<std::uint64_t> from_seq,
                                 std::optional<std::uint64_t> to_seq) {
    QueueGap gap{.reason = QueueGap::Reason::NotHeld,
                 .epoch = epoch,
                 .stream = stream,
                 .from_seq = from_seq,
                 .to_seq = to_seq,
                 .dropped = std::nullopt};
    if (from_seq && to_seq) {
        gap.dropped = *to_seq + 1 - *from_seq;
    }
    hub().count_dropped(outbox_.push(std::make_shared<const Message>(to_json_text(gap))));
}

void EventSession::read_next() {
    // A peer that asks faster than it takes the answers has to wait.
    const bool wait = state_ == State::Open && outbox_.bytes() > outbox_.max_bytes() / 2;
    if (!reading_ && !wait && state_ != State::Closed) {
        reading_ = true;
        read();
    }
}

void EventSession::on_command(std::string_view text) {
    if (state_ == State::Closed) {
        return;
    }
    reading_ = false;
    if (state_ == State::Open && !text.empty()) {
        const auto decoded = decode_command(text);
        if (const auto* command = std::get_if<Command>(&decoded)) {
            obey(*command);
        } else {
            const auto& error = std::get<CommandError>(decoded);
            send(hub().error({.code = error.code,
                              .message = error.message,
                              .fatal = false,
                              .request_id = error.request_id}));
        }
    }
    read_next();
}

void EventSession::obey(const Command& command) {
    const std::string& request_id = command.request_id;
    if (const auto* auth = std::get_if<Auth>(&command.body)) {
        return authorise(auth->token, request_id);
    }
    if (!authorised_) {
        return refuse({.code = "not_authorised",
                       .message = "a token must come first: {\"type\":\"auth\",\"token\":\"...\"}",
                       .fatal = true,
                       .request_id = request_id},
                      Goodbye::NotAuthorised);
    }
    std::visit(Overloaded{
                   [&](const Auth&) {},
                   [&](const Subscribe& wanted) { subscribe(wanted, request_id); },
                   [&](const Unsubscribe&) {
                       subscription_.end();
                       behind_.clear();
                       ++subscriptions_;
                       send(std::make_shared<const Message>(
                           to_json_text(Unsubscribed{.request_id = request_id})));
                   },
                   [&](const Ping&) {
                       send(std::make_shared<const Message>(
                           to_json_text(Pong{.request_id = request_id,
                                             .time = std::chrono::system_clock::now(),
                                             .round_trip_ms = round_trip_ms()})));
                   },
                   [&](const ControlCommand& wanted) { control(wanted, request_id); },
                   [&](const Close&) {
                       goodbye_ = Goodbye::Done;
                       close(kRefusalDeadline);
                   },
               },
               command.body);
}

void EventSession::authorise(const std::string& token, const std::string& request_id) {
    if (authorised_) {
        return send(hub().error({.code = "bad_command",
                                 .message = "this connection needs no token any more",
                                 .fatal = false,
                                 .request_id = request_id}));
    }
    if (std::optional<Rights> rights = options().authorise(token)) {
        deadline_.cancel();
        return join(std::move(*rights));
    }
    refuse({.code = "not_authorised",
            .message = "this token is not known",
            .fatal = true,
            .request_id = request_id},
           Goodbye::NotAuthorised);
}

void EventSession::subscribe(const Subscribe& command, const std::string& request_id,
                             bool in_order) {
    ++subscriptions_;
    in_order_ = in_order;
    behind_.clear();
    subscription_ = Subscription(subscription_.rights(), command);
    outbox_.set_overflow(command.on_overflow);
    Subscribed answer{.request_id = request_id, .epoch = hub().epoch(), .streams = {}};
    for (const StreamInfo& stream : hub().streams()) {
        if (subscription_.covers(stream.stream)) {
            answer.streams.push_back(stream);
        }
    }
    for (const Position& position : command.resume) {
        const bool exists = hub().replay(position.stream) != nullptr;
        if (exists && !subscription_.covers(position.stream)) {
            continue;
        }
        if (!exists) {
            send(hub().error({.code = "unknown_stream",
                              .message = "there is no stream \"" + position.stream + "\" to resume",
                              .fatal = false,
                              .request_id = request_id}));
            continue;
        }
        outbox_.forget(position.stream);
        behind_[position.stream] = {.epoch = position.epoch, .seq = position.after_seq};
    }
    send(std::make_shared<const Message>(to_json_text(answer)));
}

void EventSession::control(const ControlCommand& command, const std::string& request_id) {
    const auto answer = protocol::obey(options().control, command, request_id,
                                       subscription_.rights(), peer_address());
    if (const auto* refused = std::get_if<ErrorEvent>(&answer)) {
        return send(hub().error(*refused));
    }
    send(std::make_shared<const Message>(to_json_text(std::get<Controlled>(answer))));
}

void EventSession::on_bad_input(ErrorEvent error, Goodbye why) {
    reading_ = false;
    refuse(std::move(error), why);
    read_next();
}

void EventSession::refuse(ErrorEvent error, Goodbye why) {
    if (state_ == State::Open) {
        hub().count_dropped(outbox_.push(hub().error(std::move(error))));
        goodbye_ = why;
        close(kRefusalDeadline);
    }
}

void EventSession::close(std::chrono::milliseconds deadline) {
    if (state_ == State::Closed) {
        return;
    }
    if (state_ == State::Starting) {
        return cut();
    }
    if (state_ == State::Open) {
        state_ = State::Closing;
    }
    leave();
    deadline_.expires_after(deadline);
    deadline_.async_wait([this, self = shared_from_this()](boost::system::error_code cancelled) {
        if (cancelled || state_ == State::Closed) {
            return;
        }
        if (const std::size_t left = outbox_.messages(); left > 0) {
            hub().count_dropped(left);
            listener_->report("cut a subscriber that did not take its last " +
                              std::to_string(left) + " messages in time");
        } else if (const std::size_t bytes = unsent_bytes(); bytes > 0) {
            listener_->report("cut a subscriber that did not take its last " +
                              std::to_string(bytes) + " bytes in time");
        }
        cut();
    });
    pump();
    read_next();
}

void EventSession::cut() {
    if (std::exchange(state_, State::Closed) == State::Closed) {
        return;
    }
    leave();
    deadline_.cancel();
    close_socket();
    listener_->forget(shared_from_this());
}

void EventSession::leave() {
    hub().leave(*this);
}

}  // namespace emotiond::protocol
