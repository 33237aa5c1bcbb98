#include "daemon/pipeline.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <utility>

#include "daemon/thread_name.hpp"
#include "daemon/whole_ms.hpp"

namespace emotiond::daemon {
namespace {

using protocol::StreamState;

/// The capture callback may not wake anybody, so the pipeline looks for itself this often.
constexpr auto kPollInterval = std::chrono::milliseconds(4);
/// After a pass that took long it rests as long, at most this: what comes meanwhile is then taken
/// in larger pieces, which cost less.
constexpr auto kLongestRest = std::chrono::milliseconds(10);
constexpr std::size_t kPieceSamples = 4096;
/// Invalid samples are told at once, and then this often.
constexpr auto kBetweenInvalid = std::chrono::seconds(10);

std::chrono::microseconds row_duration(const dsp::FeatureSpec& spec) {
    return std::chrono::microseconds(std::int64_t{1'000'000} * spec.hop_samples /
                                     spec.sample_rate_hz);
}

/// So that an utterance can be judged once its end is known.
dsp::WindowOptions with_lookback(dsp::WindowOptions options) {
    options.lookback = dsp::SegmenterOptions{}.hangover;
    return options;
}

}  // namespace

dsp::RowAnalysis rows_of(const AnalysisOptions& options) {
    return dsp::RowAnalysis(options.features, options.voice ? &*options.voice : nullptr);
}

ChannelPipeline::ChannelPipeline(std::shared_ptr<Feed> feed, const AnalysisOptions& options,
                                 const dsp::RowAnalysis& rows, Inference& inference,
                                 Overload& overload, bool low_priority)
    : feed_(std::move(feed)),
      windows_(rows, feed_->rate_hz(), with_lookback(options.window)),
      utterances_({}, row_duration(options.features)),
      health_({}, feed_->rate_hz()),
      min_voiced_(options.min_voiced),
      inference_(inference),
      overload_(overload),
      low_priority_(low_priority),
      samples_(kPieceSamples) {}

bool ChannelPipeline::drain() {
    if (ended_) {
        return false;
    }
    follow_overload();
    lag_ = {};
    // Read before the ring is: what an ended feed wrote last is then in it.
    const Feed::State feed_state = feed_->state();
    // At most a ringful, or a file that is replayed fast would keep the other channels waiting.
    for (std::size_t taken = 0; taken < feed_->ring().capacity(); taken += kPieceSamples) {
        if (feed_->waits() && inference_.is_congested()) {
            return true;
        }
        const dsp::SampleRing::Chunk chunk = feed_->ring().read(samples_);
        if (chunk.lost_before > 0) {
            tell_gap(chunk.first_sample - chunk.lost_before, chunk.lost_before);
        }
        if (chunk.size == 0) {
            settle(feed_state);
            break;
        }
        take(chunk.size, chunk.first_sample);
    }
    return !ended_;
}

/// All has been taken from the ring that was there when the feed was in this state.
void ChannelPipeline::settle(Feed::State feed_state) {
    if (feed_state == Feed::State::Ended) {
        finish(StreamState::Ended, "end of source");
        ended_ = true;
    } else if (feed_state == Feed::State::Broken) {
        finish(StreamState::Lost, feed_->reason());
        ended_ = true;
    } else if (feed_state == Feed::State::Lost && !feed_->loss_told()) {
        // One that came back and went again without a sample is still the same loss.
        if (!std::exchange(lost_, true)) {
            finish(StreamState::Lost, feed_->reason());
            restart(next_sample_);
            health_.restart(next_sample_);
        }
        feed_->set_loss_told();
    }
}

void ChannelPipeline::close(const std::string& reason) {
    while (drain()) {
        if (feed_->ring().size() == 0) {
            finish(StreamState::Ended, reason);
            ended_ = true;
        } else {
            std::this_thread::sleep_for(kPollInterval);  // the classifier is behind
        }
    }
}

protocol::WallTime ChannelPipeline::pause(const std::string& reason) {
    pause_reason_ = reason;
    if (std::exchange(paused_, true)) {
        paused_by_overload_ = false;
        return wall_time(next_sample_);
    }
    inference_.take_back(name());
    feed_->ring().discard();
    std::ranges::fill(samples_, 0.0F);
    next_sample_ = feed_->ring().captured();
    health_.reset();
    restart(next_sample_);
    state_ = StreamState::Paused;
    return wall_time(next_sample_);
}

protocol::StreamState ChannelPipeline::resume() {
    if (std::exchange(paused_, false)) {
        paused_by_overload_ = false;
        pause_reason_.clear();
        restart(next_sample_);
        state_ = lost_ ? StreamState::Lost : StreamState::Silent;
    }
    return state_.value_or(StreamState::Silent);
}

void ChannelPipeline::follow_overload() {
    const bool should_pause = low_priority_ && overload_.level() == OverloadLevel::PauseLowPriority;
    if (should_pause && !paused_) {
        pause("overload, and its priority is low");
        paused_by_overload_ = true;
        submit(next_sample_, protocol::StreamEvent{StreamState::Paused, pause_reason_});
    } else if (!should_pause && paused_by_overload_) {
        submit(next_sample_, protocol::StreamEvent{resume(), "overload is over"});
    }
}

void ChannelPipeline::take(std::size_t size, std::uint64_t first_sample) {
    taken_at_ = Feed::Clock::now();
    next_sample_ = first_sample + size;
    if (!started_) {
        const auto age = taken_at_ - feed_->captured_at(0);
        started_ = std::chrono::system_clock::now() -
                   std::chrono::duration_cast<std::chrono::system_clock::duration>(age);
        set_state(paused_ ? StreamState::Paused : StreamState::Live, first_sample, pause_reason_);
    }
    if (std::exchange(lost_, false)) {
        set_state(paused_ ? StreamState::Paused : StreamState::Live, first_sample,
                  paused_ ? pause_reason_ : "its device is back");
    }
    if (paused_) {
        std::fill_n(samples_.begin(), size, 0.0F);
        return;
    }
    if (!feed_->waits()) {
        lag_ = std::max(lag_, taken_at_ - feed_->captured_at(first_sample));
    }
    mend({samples_.data(), size});
    examine({samples_.data(), size});
    windows_.push(
        {samples_.data(), size},
        [this](const dsp::FeatureWindow& window) { submit_window(window); },
        [this](const dsp::VoiceRow& row) { hear(row); });
}

/// Of a sample that is no number, all that remembers samples would never get rid.
void ChannelPipeline::mend(std::span<float> samples) {
    const auto is_invalid = [](float sample) { return !std::isfinite(sample); };
    if (const auto count = std::ranges::count_if(samples, is_invalid); count > 0) {
        invalid_samples_ += static_cast<std::uint64_t>(count);
        std::ranges::replace_if(samples, is_invalid, 0.0F);
    }
    if (invalid_samples_ > 0 && next_sample_ >= tell_invalid_from_) {
        tell_invalid_from_ = next_sample_ + feed_->samples_of(kBetweenInvalid);
        submit(next_sample_,
               protocol::ErrorEvent{"invalid_samples",
                                    std::to_string(std::exchange(invalid_samples_, 0)) +
                                        " samples are infinite or no numbers, and are taken as 0",
                                    false});
    }
}

/// Tells what is wrong with the samples themselves.
void ChannelPipeline::examine(std::span<const float> samples) {
    using State = dsp::ChannelHealth::State;
    const State before = health_.state();
    const auto state = health_.push(samples);
    const auto digest = health_.digest();
    feed_->set_digest(digest.second, health_.state() == State::Dead ? 0 : digest.hash);
    if (!state) {
        return;
    }
    if (*state == State::Dead) {
        state_ = StreamState::Silent;
        submit(next_sample_, protocol::StreamEvent{
                                 StreamState::Silent,
                                 "nothing but one value for 10 s: muted, or nothing is connected"});
    } else if (*state == State::Clipped) {
        submit(next_sample_,
               protocol::ErrorEvent{"clipped",
                                    "more than 1 % of its samples are at full scale: the gain is "
                                    "too high",
                                    false});
    } else if (before == State::Dead) {
        submit(next_sample_, protocol::StreamEvent{StreamState::Silent, "it brings samples again"});
    }
}

void ChannelPipeline::tell_gap(std::uint64_t first_lost, std::uint64_t count) {
    const std::uint64_t device_losses = feed_->lost_by_device();
    const bool by_device = device_losses > device_losses_told_;
    device_losses_told_ = device_losses;
    next_sample_ = first_lost + count;
    if (lost_) {
        health_.restart(next_sample_);  // the device's channels come back with the same sample
    }
    if (paused_) {
        return;  // nobody would have heard it
    }
    finish_windows();
    restart(next_sample_);
    const auto lost = stream_time(next_sample_) - stream_time(first_lost);
    submit(next_sample_, protocol::GapEvent{lost_       ? "device_lost"
                                            : by_device ? "device_overflow"
                                                        : "ring_overflow",
                                            stream_time(first_lost),
                                            std::max(lost, std::chrono::milliseconds(1))});
}

void ChannelPipeline::finish_windows() {
    windows_.finish([this](const dsp::FeatureWindow& window) { submit_window(window); },
                    [this](const dsp::VoiceRow& row) { hear(row); });
    utterances_.finish([this](const dsp::Utterance& utterance) { submit_utterance(utterance); });
}

void ChannelPipeline::restart(std::uint64_t first_sample) {
    if (utterances_.open_since()) {
        ++next_utterance_;  // it is forgotten, and what was told of it keeps its number
    }
    windows_.restart(first_sample);
    utterances_.reset();
    health_.skip_to(first_sample);
}

void ChannelPipeline::hear(const dsp::VoiceRow& row) {
    utterances_.push(row.speech,
                     [this](const dsp::Utterance& utterance) { submit_utterance(utterance); });
}

/// What an utterance expresses is told by the windows that lie in it, and by its end, which is
/// judged by itself.
void ChannelPipeline::submit_utterance(const dsp::Utterance& utterance) {
    const dsp::FeatureWindow last = windows_.span(utterance.begin_row, utterance.end_row);
    const std::uint64_t number = next_utterance_++;
    if (last.num_rows == 0) {
        return;
    }
    PendingWindow window = pending(last);
    protocol::UtteranceEvent event;
    event.utterance = number;
    const std::uint64_t end_sample = windows_.sample_of_row(utterance.end_row);
    event.start = stream_time(windows_.sample_of_row(utterance.begin_row));
    event.end = stream_time(end_sample);
    event.voiced = last.voiced;
    event.level_dbfs = last.level_dbfs;
    window.event = {feed_->name(), wall_time(end_sample), std::move(event)};
    inference_.submit(std::move(window));
}

PendingWindow ChannelPipeline::pending(const dsp::FeatureWindow& window) const {
    PendingWindow pending;
    pending.rows.assign(window.rows.begin(), window.rows.end());
    pending.num_rows = window.num_rows;
    pending.may_be_dropped = !feed_->waits();
    pending.captured_at = feed_->captured_at(window.end_sample);
    pending.ready_at = Feed::Clock::now();
    return pending;
}

/// Whether overload leaves this window out. The count runs on, so that hops stay even.
bool ChannelPipeline::is_skipped() const {
    if (feed_->waits()) {
        return false;  // it waits instead
    }
    switch (overload_.level()) {
        case OverloadLevel::None: return false;
        case OverloadLevel::LongerHop: return windows_seen_ % 2 != 0;
        case OverloadLevel::FewerInterim:
        case OverloadLevel::PauseLowPriority: return windows_seen_ % 4 != 0;
    }
    return false;
}

void ChannelPipeline::submit_window(const dsp::FeatureWindow& window) {
    if (window.voiced < min_voiced_) {
        set_state(StreamState::Silent, window.end_sample);
        return;
    }
    set_state(StreamState::Live, window.end_sample);
    ++windows_seen_;
    if (is_skipped()) {
        overload_.count_left_out();
        return;
    }
    protocol::EmotionEvent emotion;
    emotion.start = stream_time(window.start_sample);
    emotion.end = stream_time(window.end_sample);
    emotion.voiced = window.voiced;
    emotion.level_dbfs = window.level_dbfs;
    PendingWindow submitted = pending(window);
    if (const auto begin = utterances_.open_since()) {
        emotion.utterance = next_utterance_;
        submitted.lies_in_utterance = window.first_row >= *begin;
    }
    emotion.latency.capture = whole_ms(taken_at_ - submitted.captured_at);
    emotion.latency.features = whole_ms(submitted.ready_at - taken_at_);
    submitted.event = {feed_->name(), wall_time(window.end_sample), std::move(emotion)};
    inference_.submit(std::move(submitted));
}

void ChannelPipeline::finish(StreamState state, const std::string& reason) {
    // What was lost at the very end has no sample behind it that would bring it along.
    const std::uint64_t captured = feed_->ring().captured();
    if (captured > next_sample_) {
        tell_gap(next_sample_, captured - next_sample_);
    } else if (!paused_) {
        finish_windows();
    }
    set_state(state, next_sample_, reason);
}

void ChannelPipeline::set_state(StreamState state, std::uint64_t at_sample, std::string reason) {
    if (state_ != state) {
        state_ = state;
        submit(at_sample, protocol::StreamEvent{state, std::move(reason)});
    }
}

void ChannelPipeline::submit(std::uint64_t at_sample, decltype(protocol::Event::body) body) {
    inference_.submit(protocol::Event{feed_->name(), wall_time(at_sample), std::move(body)});
}

protocol::WallTime ChannelPipeline::wall_time(std::uint64_t sample) const {
    return started_.value_or(std::chrono::system_clock::now()) +
           std::chrono::duration_cast<protocol::WallTime::duration>(feed_->time_of(sample));
}

std::chrono::milliseconds ChannelPipeline::stream_time(std::uint64_t sample) const {
    return std::chrono::floor<std::chrono::milliseconds>(feed_->time_of(sample));
}

Pipeline::Pipeline(const Options& options, std::shared_ptr<model::Classifier> classifier,
                   Listener listener)
    : options_(options), listener_(std::move(listener)), overload_(options.overload) {
    for (int i = 0; i < options.threads; ++i) {
        shards_.push_back(std::make_unique<Shard>(options, classifier, listener_.publish));
    }
}

void Pipeline::start() {
    for (const auto& shard : shards_) {
        shard->thread = std::jthread(
            [this, &shard = *shard](const std::stop_token& stop) { run(shard, stop); });
    }
}

void Pipeline::finish() {
    if (std::exchange(finished_, true)) {
        return;
    }
    for (const auto& shard : shards_) {
        shard->thread.request_stop();
    }
    for (const auto& shard : shards_) {
        if (shard->thread.joinable()) {
            shard->thread.join();
        }
        for (const auto& channel : shard->channels) {
            channel->close("service is stopping");
        }
        shard->inference.finish();
    }
}

void Pipeline::run(Shard& shard, const std::stop_token& stop) {
    name_this_thread("pipeline");
    while (!stop.stop_requested()) {
        const auto begun = Feed::Clock::now();
        pass(shard);
        const auto ended = Feed::Clock::now();
        const auto rest = std::min<Feed::Clock::duration>(ended - begun, kLongestRest);
        std::this_thread::sleep_until(std::max(begun + kPollInterval, ended + rest));
    }
}

void Pipeline::pass(Shard& shard) {
    const std::scoped_lock lock(shard.mutex);
    auto lag = shard.inference.oldest_wait();
    std::erase_if(shard.channels, [&](const std::unique_ptr<ChannelPipeline>& channel) {
        const bool has_ended = !channel->drain();
        lag = std::max(lag, channel->lag());
        if (has_ended) {
            listener_.ended(channel->name());
        }
        return has_ended;
    });
    const std::scoped_lock overload_lock(overload_mutex_);
    shard.lag = lag;
    for (const auto& other : shards_) {
        lag = std::max(lag, other->lag);  // a shard that keeps up says nothing of one that does not
    }
    if (const auto change = overload_.observe(Feed::Clock::now(), lag)) {
        listener_.overload(*change);
    }
}

void Pipeline::add(std::shared_ptr<Feed> feed, bool low_priority, const std::string& paused) {
    Shard& shard = *shards_[added_ % shards_.size()];
    AnalysisOptions analysis = options_.analysis;
    analysis.window.phase = next_phase();
    auto channel = std::make_unique<ChannelPipeline>(std::move(feed), analysis, shard.rows,
                                                     shard.inference, overload_, low_priority);
    const std::scoped_lock lock(shard.mutex);
    if (!paused.empty()) {
        channel->pause(paused);
    }
    shard.channels.push_back(std::move(channel));
}

/// Spread evenly over the hop however many there are: 0, 1/2, 1/4, 3/4, 1/8, ... of it, in whole
/// rows.
/// Source: van der Corput 1935.
std::chrono::milliseconds Pipeline::next_phase() {
    double fraction = 0.0;
    double digit = 0.5;
    for (std::uint64_t n = added_++; n > 0; n /= 2, digit /= 2) {
        fraction += (n % 2 == 1) ? digit : 0.0;
    }
    const auto row = row_duration(options_.analysis.features);
    const auto hop_rows = static_cast<double>(options_.analysis.window.hop / row);
    return std::chrono::floor<std::chrono::milliseconds>(
        static_cast<std::int64_t>(fraction * hop_rows) * row);
}

template <typename Visit>
void Pipeline::with_channel(const std::string& name, Visit&& visit) {
    for (const auto& shard : shards_) {
        const std::scoped_lock lock(shard->mutex);
        const auto channel = std::ranges::find_if(
            shard->channels, [&](const auto& candidate) { return candidate->name() == name; });
        if (channel != shard->channels.end()) {
            return visit(*shard, channel);
        }
    }
}

void Pipeline::remove(const std::string& name, const std::string& reason) {
    with_channel(name, [&](Shard& shard, auto channel) {
        (*channel)->close(reason);
        shard.channels.erase(channel);
    });
}

std::optional<protocol::WallTime> Pipeline::pause(const std::string& name,
                                                  const std::string& reason) {
    std::optional<protocol::WallTime> at;
    with_channel(name, [&](Shard&, auto channel) { at = (*channel)->pause(reason); });
    return at;
}

std::optional<protocol::StreamState> Pipeline::resume(const std::string& name) {
    std::optional<protocol::StreamState> state;
    with_channel(name, [&](Shard&, auto channel) { state = (*channel)->resume(); });
    return state;
}

void Pipeline::flush() {
    if (finished_) {
        return;
    }
    for (const auto& shard : shards_) {
        shard->inference.flush();
    }
}

void Pipeline::use(const std::shared_ptr<model::Classifier>& classifier) {
    for (const auto& shard : shards_) {
        shard->inference.use(classifier);
    }
}

}  // namespace emotiond::daemon
