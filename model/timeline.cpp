#include "model/timeline.hpp"

#include <algorithm>

namespace emotiond::model {

Scores overall_scores(std::span<const TimelineEntry> entries) {
    const auto counts = [](const TimelineEntry& entry) {
        return !entry.scores.empty() && entry.speech >= kLeastSpeech;
    };
    std::size_t longest = 0;
    for (const TimelineEntry& entry : entries) {
        longest = std::max(longest, counts(entry) ? entry.num_rows : 0);
    }
    Scores sum;
    float weight_sum = 0.0F;
    for (const TimelineEntry& entry : entries) {
        if (!counts(entry) || entry.num_rows < longest) {
            continue;
        }
        const float weight = entry.voiced * static_cast<float>(entry.num_rows);
        sum.resize(entry.scores.size());
        for (std::size_t i = 0; i < sum.size(); ++i) {
            sum[i] += weight * entry.scores[i];
        }
        weight_sum += weight;
    }
    if (weight_sum <= 0.0F) {
        return {};  // windows without a voiced row count for nothing
    }
    for (float& score : sum) {
        score /= weight_sum;
    }
    return sum;
}

std::size_t best_label(const Scores& scores) {
    return static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
}

Timeline classify_recording(Classifier& classifier, const Recording& recording,
                            const dsp::WindowOptions& options, float min_voiced) {
    Timeline timeline;
    const Bundle& bundle = classifier.bundle();
    dsp::WindowStream stream(bundle.features, recording.rate_hz, options, bundle.voice_weights());
    const auto classify = [&](const dsp::FeatureWindow& window) {
        const auto to_ms = [&](std::uint64_t sample) {
            return std::chrono::milliseconds(sample * 1000 /
                                             static_cast<std::uint64_t>(recording.rate_hz));
        };
        TimelineEntry entry{to_ms(window.start_sample),
                            to_ms(window.end_sample),
                            window.level_dbfs,
                            window.voiced,
                            window.num_rows,
                            {},
                            1.0F};
        if (window.voiced >= min_voiced) {
            const ClassifierInput input{window.rows, window.num_rows};
            Classification answer = std::move(classifier.classify({&input, 1}).front());
            entry.scores = std::move(answer.scores);
            entry.speech = answer.speech;
        }
        timeline.entries.push_back(std::move(entry));
    };
    stream.push(recording.samples, classify);
    stream.finish(classify);
    timeline.verdict = overall_scores(timeline.entries);
    return timeline;
}

}  // namespace emotiond::model
