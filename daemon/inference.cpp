#include "daemon/inference.hpp"

#include <exception>
#include <iterator>
#include <utility>

#include "daemon/whole_ms.hpp"
#include "model/judgement.hpp"

namespace emotiond::daemon {
namespace {

using protocol::EmotionEvent;
using protocol::Event;

void fill_in(Event& event, const model::Classification& answer,
             const model::Classifier& classifier) {
    auto& emotion = std::get<EmotionEvent>(event.body);
    const model::Bundle& bundle = classifier.bundle();
    for (std::size_t i = 0; i < answer.scores.size(); ++i) {
        emotion.scores.emplace_back(bundle.labels[i], answer.scores[i]);
    }
    model::Judgement judgement = model::judge(answer.scores, answer.speech, bundle);
    emotion.label = std::move(judgement.label);
    emotion.confidence = judgement.confidence;
    emotion.uncertain = judgement.uncertain;
    if (judgement.affect) {
        emotion.affect = {judgement.affect->valence, judgement.affect->arousal};
    }
    if (classifier.tells_speech()) {
        emotion.speech = answer.speech;
    }
    emotion.model = bundle.id;
}

/// The gap that stands for a window that was not classified.
Event missing_window(const PendingWindow& window, const char* reason) {
    const auto& emotion = std::get<EmotionEvent>(window.event.body);
    return {window.event.stream, window.event.time,
            protocol::GapEvent{reason, emotion.start, emotion.end - emotion.start}};
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

Inference::Inference(model::Classifier& classifier, std::size_t max_batch, Publish publish)
    : classifier_(classifier),
      max_batch_(max_batch),
      publish_(std::move(publish)),
      thread_([this] { run(); }) {}

void Inference::submit(Item item) {
    {
        const std::scoped_lock lock(mutex_);
        if (std::holds_alternative<PendingWindow>(item)) {
            ++waiting_windows_;
        }
        waiting_.push_back(std::move(item));
        if (waiting_windows_ > kMaxWaitingBatches * max_batch_) {
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
    return waiting_windows_ >= max_batch_;
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

void Inference::run() {
    for (;;) {
        std::vector<Item> items;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return finishing_ || !waiting_.empty(); });
            if (waiting_.empty()) {
                return;
            }
            std::size_t windows = 0;
            while (!waiting_.empty() && windows < max_batch_) {
                if (std::holds_alternative<PendingWindow>(waiting_.front())) {
                    ++windows;
                    --waiting_windows_;
                }
                items.push_back(std::move(waiting_.front()));
                waiting_.pop_front();
            }
        }
        classify(items);
    }
}

void Inference::classify(std::vector<Item>& items) {
    std::vector<model::ClassifierInput> inputs;
    for (const Item& item : items) {
        if (const auto* window = std::get_if<PendingWindow>(&item)) {
            inputs.push_back({window->rows, window->num_rows});
        }
    }
    const auto begun_at = Feed::Clock::now();
    const std::vector<Answer> answers = answer(classifier_, inputs);
    const auto ended_at = Feed::Clock::now();

    std::vector<Event> events;
    std::size_t answered = 0;
    for (Item& item : items) {
        auto* window = std::get_if<PendingWindow>(&item);
        if (window == nullptr) {
            events.push_back(std::move(std::get<Event>(item)));
            continue;
        }
        const Answer& found = answers[answered++];
        if (const auto* failure = std::get_if<std::string>(&found)) {
            events.push_back(missing_window(*window, "inference_failed"));
            events.push_back({window->event.stream, window->event.time,
                              protocol::ErrorEvent{"inference_failed", *failure, false}});
            continue;
        }
        fill_in(window->event, std::get<model::Classification>(found), classifier_);
        auto& latency = std::get<EmotionEvent>(window->event.body).latency;
        latency.queue = whole_ms(begun_at - window->ready_at);
        latency.inference = whole_ms(ended_at - begun_at);
        latency.total = whole_ms(ended_at - window->captured_at);
        events.push_back(std::move(window->event));
    }
    publish_(std::move(events));
}

}  // namespace emotiond::daemon
