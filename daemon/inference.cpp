#include "daemon/inference.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "daemon/thread_name.hpp"
#include "daemon/whole_ms.hpp"
#include "model/judgement.hpp"

namespace emotiond::daemon {
namespace {

using protocol::EmotionEvent;
using protocol::Event;
using protocol::UtteranceEvent;

/// Longer ones count as this: a floor that wakes up is soon known as such.
constexpr Feed::Clock::duration kLongInterval = std::chrono::seconds(1);

/// Where the window lies on the stream's clock.
std::pair<protocol::StreamTime, protocol::StreamTime> span_of(const Event& event) {
    if (const auto* utterance = std::get_if<UtteranceEvent>(&event.body)) {
        return {utterance->start, utterance->end};
    }
    const auto& emotion = std::get<EmotionEvent>(event.body);
    return {emotion.start, emotion.end};
}

/// What EmotionEvent and UtteranceEvent tell alike.
template <typename Body>
void tell(Body& body, std::span<const float> scores, model::Judgement judgement,
          const model::Bundle& bundle) {
    for (std::size_t i = 0; i < scores.size(); ++i) {
        body.scores.emplace_back(bundle.labels[i], scores[i]);
    }
    body.label = std::move(judgement.label);
    body.confidence = judgement.confidence;
    body.uncertain = judgement.uncertain;
    if (judgement.affect) {
        body.affect = {judgement.affect->valence, judgement.affect->arousal};
    }
    body.model = bundle.id;
}

/// The gap that stands for a window that was not classified.
Event missing_window(const PendingWindow& window, const char* reason) {
    const auto [start, end] = span_of(window.event);
    return {window.event.stream, window.event.time, protocol::GapEvent{reason, start, end - start}};
}

/// Does what was said before have nothing to do with what comes behind this? A window that was not
/// classified leaves the sound whole.
bool cuts(const Event& event) {
    if (const auto* gap = std::get_if<protocol::GapEvent>(&event.body)) {
        return gap->reason != "overload";
    }
    const auto* change = std::get_if<protocol::StreamEvent>(&event.body);
    return change != nullptr && change->state != protocol::StreamState::Live &&
           change->state != protocol::StreamState::Silent;
}

/// The answer to a window, or why there are none.
using Answer = std::variant<model::Classification, std::string>;

std::vector<Answer> answer(model::Classifier& classifier,
                           std::span<const model::ClassifierInput> inputs) {
    try {
        std::vector<model::Classification> found = classifier.classify(inputs);
        return {std::make_move_iterator(found.begin()), std::make_move_iterator(found.end())};
    } catch (const std::exception& error) {
        if (inputs.size() == 1) {
            return {std::string(error.what())};
        }
    }
    // One window that the network cannot answer must not cost the others theirs.
    std::vector<Answer> answers;
    for (const model::ClassifierInput& input : inputs) {
        answers.push_back(answer(classifier, {&input, 1}).front());
    }
    return answers;
}

}  // namespace

Inference::Inference(const Options& options, std::shared_ptr<model::Classifier> classifier,
                     Publish publish)
    : options_(options),
      publish_(std::move(publish)),
      classifier_(std::move(classifier)),
      thread_([this] { run(); }) {}

void Inference::submit(Item item) {
    {
        const std::scoped_lock lock(mutex_);
        if (const auto* window = std::get_if<PendingWindow>(&item)) {
            ++waiting_windows_;
            const auto interval =
                window->ready_at - std::exchange(last_ready_at_, window->ready_at);
            mean_interval_ += (std::min(interval, kLongInterval) - mean_interval_) / 16;
        }
        waiting_.push_back(std::move(item));
        if (waiting_windows_ > kMaxWaitingBatches * options_.max_batch) {
            drop_oldest();
        }
    }
    changed_.notify_one();
}

void Inference::drop_oldest() {
    for (Item& item : waiting_) {
        const auto* window = std::get_if<PendingWindow>(&item);
        if (window != nullptr && window->may_be_dropped) {
            item = missing_window(*window, "overload");
            --waiting_windows_;
            return;
        }
    }
}

bool Inference::is_congested() const {
    const std::scoped_lock lock(mutex_);
    return waiting_windows_ >= options_.max_batch;
}

void Inference::finish() {
    {
        const std::scoped_lock lock(mutex_);
        finishing_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
    }
}

const PendingWindow* Inference::oldest_window() const {
    for (const Item& item : waiting_) {
        if (const auto* window = std::get_if<PendingWindow>(&item)) {
            return window;
        }
    }
    return nullptr;
}

bool Inference::should_wait(const PendingWindow& oldest) const {
    return oldest.may_be_dropped && kWorthwhileCompany * mean_interval_ <= options_.max_delay;
}

Feed::Clock::duration Inference::oldest_wait() const {
    const std::scoped_lock lock(mutex_);
    const PendingWindow* oldest = oldest_window();
    return oldest != nullptr && oldest->may_be_dropped ? Feed::Clock::now() - oldest->ready_at
                                                       : Feed::Clock::duration{};
}

void Inference::take_back(const std::string& stream) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(waiting_, [&](const Item& item) {
        const auto* window = std::get_if<PendingWindow>(&item);
        const bool is_its = window != nullptr && window->event.stream == stream;
        waiting_windows_ -= is_its ? 1 : 0;
        return is_its;
    });
    waiting_.emplace_back(Forget{stream});
    changed_.notify_one();
}

void Inference::flush() {
    Reached end;
    const std::future<void> reached = end.promise.get_future();
    submit(std::move(end));
    reached.wait();
}

void Inference::use(std::shared_ptr<model::Classifier> classifier) {
    const std::scoped_lock lock(mutex_);
    classifier_.swap(classifier);
}

/// Waits for them. Empty: there will be none any more.
std::vector<Inference::Item> Inference::next_items(std::shared_ptr<model::Classifier>& classifier) {
    std::vector<Item> items;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return finishing_ || !waiting_.empty(); });
    if (const PendingWindow* oldest = oldest_window(); oldest != nullptr && should_wait(*oldest)) {
        changed_.wait_until(lock, oldest->ready_at + options_.max_delay, [this] {
            return finishing_ || waiting_windows_ >= options_.max_batch;
        });
    }
    classifier = classifier_;
    std::size_t windows = 0;
    while (!waiting_.empty() && windows < options_.max_batch) {
        if (std::holds_alternative<PendingWindow>(waiting_.front())) {
            ++windows;
            --waiting_windows_;
        }
        items.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
    return items;
}

void Inference::run() {
    name_this_thread("inference");
    std::shared_ptr<model::Classifier> classifier;
    for (;;) {
        const auto before = classifier;
        std::vector<Item> items = next_items(classifier);
        if (classifier != before) {
            heard_.clear();  // the other one's scores mean something else
        }
        if (!items.empty()) {
            classify(items, *classifier);
            continue;
        }
        const std::scoped_lock lock(mutex_);
        if (finishing_ && waiting_.empty()) {
            return;
        }
    }
}

void Inference::classify(std::vector<Item>& items, model::Classifier& classifier) {
    std::vector<model::ClassifierInput> inputs;
    for (const Item& item : items) {
        if (const auto* window = std::get_if<PendingWindow>(&item)) {
            inputs.push_back({window->rows, window->num_rows});
        }
    }
    const auto begun_at = Feed::Clock::now();
    const std::vector<Answer> answers = answer(classifier, inputs);
    const auto ended_at = Feed::Clock::now();

    std::vector<Event> events;
    std::vector<std::promise<void>*> reached;
    std::size_t answered = 0;
    for (Item& item : items) {
        if (const auto* forget = std::get_if<Forget>(&item)) {
            heard_.erase(forget->stream);
            continue;
        }
        if (auto* end = std::get_if<Reached>(&item)) {
            reached.push_back(&end->promise);
            continue;
        }
        auto* window = std::get_if<PendingWindow>(&item);
        if (window == nullptr) {
            auto& event = std::get<Event>(item);
            if (cuts(event)) {
                heard_.erase(event.stream);
            }
            events.push_back(std::move(event));
            continue;
        }
        const Answer& found = answers[answered++];
        if (const auto* failure = std::get_if<std::string>(&found)) {
            events.push_back(missing_window(*window, "inference_failed"));
            events.push_back({window->event.stream, window->event.time,
                              protocol::ErrorEvent{"inference_failed", *failure, false}});
            continue;
        }
        fill_in(*window, std::get<model::Classification>(found), classifier.bundle(),
                classifier.tells_speech());
        if (auto* emotion = std::get_if<EmotionEvent>(&window->event.body)) {
            emotion->latency.queue = whole_ms(begun_at - window->ready_at);
            emotion->latency.inference = whole_ms(ended_at - begun_at);
            emotion->latency.total = whole_ms(ended_at - window->captured_at);
        }
        events.push_back(std::move(window->event));
    }
    publish_(std::move(events));
    for (std::promise<void>* promise : reached) {
        promise->set_value();
    }
}

Inference::Heard& Inference::heard(const std::string& stream, const model::Bundle& bundle) {
    const auto found = heard_.find(stream);
    if (found != heard_.end()) {
        return found->second;
    }
    model::Smoother smoother(options_.smoothing, bundle.labels.size(), bundle.uncertain_below);
    return heard_.emplace(stream, Heard{std::move(smoother), {}, 0.0F, 0}).first->second;
}

void Inference::Heard::add(const model::Scores& scores, std::size_t num_rows,
                           std::uint64_t of_utterance) {
    if (std::exchange(utterance, of_utterance) != of_utterance) {
        in_utterance.clear();
        weight = 0.0F;
    }
    const auto rows = static_cast<float>(num_rows);
    in_utterance.resize(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        in_utterance[i] += rows * scores[i];
    }
    weight += rows;
}

void Inference::fill_in(PendingWindow& window, const model::Classification& answer,
                        const model::Bundle& bundle, bool tells_speech) {
    Heard& stream = heard(window.event.stream, bundle);
    if (auto* utterance = std::get_if<UtteranceEvent>(&window.event.body)) {
        stream.add(answer.scores, window.num_rows, utterance->utterance);
        model::Scores mean = std::exchange(stream.in_utterance, {});
        const float weight = std::exchange(stream.weight, 0.0F);
        for (float& score : mean) {
            score /= weight;
        }
        return tell(*utterance, mean, model::judge(mean, answer.speech, bundle), bundle);
    }
    auto& emotion = std::get<EmotionEvent>(window.event.body);
    if (window.lies_in_utterance) {
        stream.add(answer.scores, window.num_rows, emotion.utterance.value_or(0));
    }
    if (answer.speech < model::kLeastSpeech) {
        tell(emotion, answer.scores, model::judge(answer.scores, answer.speech, bundle), bundle);
    } else {
        const model::Smoother::Steady steady = stream.smoother.step(answer.scores, emotion.end);
        tell(emotion, steady.scores, model::judge(steady, bundle), bundle);
    }
    if (tells_speech) {
        emotion.speech = answer.speech;
    }
}

}  // namespace emotiond::daemon
