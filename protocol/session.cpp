#include "protocol/session.hpp"

#include <string>
#include <utility>

namespace emotiond::protocol {

namespace {

/// How long a refused peer may take to read why.
constexpr std::chrono::seconds kRefusalDeadline{5};

}  // namespace

Session::Session(std::shared_ptr<Listener> listener, const boost::asio::any_io_executor& executor)
    : listener_(std::move(listener)), outbox_(options().max_queue_bytes), deadline_(executor) {}

void Session::open(std::optional<std::chrono::milliseconds> idle_timeout) {
    if (state_ == State::Closed) {
        return;  // cut while the transport was getting ready
    }
    state_ = State::Open;
    listener_->hub().join(
        *this, {.max_queue_bytes = options().max_queue_bytes, .idle_timeout = idle_timeout});
    read_next();
}

void Session::deliver(const MessagePtr& message) {
    listener_->hub().count_dropped(outbox_.push(message));
    pump();
}

void Session::pump() {
    if (writing_ || state_ == State::HangingUp || state_ == State::Closed) {
        return;
    }
    const std::vector<MessagePtr>& batch = outbox_.begin_write(max_batch());
    if (!batch.empty()) {
        writing_ = true;
        write(batch);
    } else if (state_ == State::Closing) {
        state_ = State::HangingUp;
        hang_up();
    }
}

void Session::on_written(boost::system::error_code error, std::size_t bytes) {
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
    listener_->hub().count_delivered(outbox_.end_write(), bytes);
    pump();
    read_next();
}

void Session::read_next() {
    // A peer that asks faster than it takes the answers has to wait.
    const bool wait = state_ == State::Open && outbox_.bytes() > outbox_.max_bytes() / 2;
    if (!reading_ && !wait && state_ != State::Closed) {
        reading_ = true;
        read();
    }
}

void Session::on_command(std::string_view command) {
    if (state_ == State::Closed) {
        return;
    }
    reading_ = false;
    if (state_ == State::Open && !command.empty()) {
        deliver(listener_->hub().error({.code = "unknown_command",
                                        .message = "this version understands no commands",
                                        .fatal = false}));
    }
    read_next();
}

void Session::refuse(ErrorEvent error) {
    if (state_ == State::Closed) {
        return;
    }
    reading_ = false;
    if (state_ == State::Open) {
        deliver(listener_->hub().error(std::move(error)));
        close(kRefusalDeadline);
    }
    read_next();
}

void Session::close(std::chrono::milliseconds deadline) {
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
            listener_->hub().count_dropped(left);
            listener_->report("cut a subscriber that did not take its last " +
                              std::to_string(left) + " messages in time");
        }
        cut();
    });
    pump();
    read_next();
}

void Session::cut() {
    if (std::exchange(state_, State::Closed) == State::Closed) {
        return;
    }
    leave();
    deadline_.cancel();
    close_socket();
    listener_->forget(shared_from_this());
}

void Session::leave() {
    listener_->hub().leave(*this);
}

}  // namespace emotiond::protocol
