#include "model/training/summary.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace emotiond::model {
namespace {

constexpr double kTooGood = 0.9;
constexpr std::size_t kFewestSeeds = 3;

/// Index into the notes; their number where none applies.
std::size_t note_of(const std::string& protocol, const std::vector<ProtocolNote>& notes) {
    const auto found = std::ranges::find_if(notes, [&](const ProtocolNote& note) {
        return protocol == note.id || protocol.starts_with(note.id + " ");
    });
    return static_cast<std::size_t>(found - notes.begin());
}

/// A prediction and the labels that it chose.
struct Answered {
    const Prediction* prediction = nullptr;
    std::size_t free = 0;         ///< among all
    std::size_t from_corpus = 0;  ///< among those of the corpus
};

std::size_t largest_of(const std::vector<float>& scores, const std::vector<std::size_t>& among) {
    return *std::ranges::max_element(among, {}, [&](std::size_t label) { return scores[label]; });
}

Answered answered(const Prediction& prediction, const std::vector<std::size_t>& corpus_labels) {
    const auto best = std::ranges::max_element(prediction.scores);
    return {&prediction, static_cast<std::size_t>(best - prediction.scores.begin()),
            largest_of(prediction.scores, corpus_labels)};
}

using Choice = std::size_t Answered::*;

ConfusionMatrix confusion_of(const std::vector<Answered>& clips, Choice choice,
                             std::size_t num_labels) {
    ConfusionMatrix matrix(num_labels);
    for (const Answered& clip : clips) {
        matrix.add(clip.prediction->truth, clip.*choice);
    }
    return matrix;
}

/// One confusion matrix for each value of a key of the clips.
template <typename Key>
auto confusions_by(const std::vector<Answered>& clips, Choice choice, std::size_t num_labels,
                   Key key) {
    std::map<decltype(key(*clips.front().prediction)), std::vector<Answered>> parts;
    for (const Answered& clip : clips) {
        parts[key(*clip.prediction)].push_back(clip);
    }
    std::vector<ConfusionMatrix> matrices;
    matrices.reserve(parts.size());
    for (const auto& [name, part] : parts) {
        matrices.push_back(confusion_of(part, choice, num_labels));
    }
    return matrices;
}

MeanDeviation over(const std::vector<ConfusionMatrix>& matrices,
                   double (ConfusionMatrix::*figure)() const) {
    std::vector<double> values;
    values.reserve(matrices.size());
    for (const ConfusionMatrix& matrix : matrices) {
        values.push_back((matrix.*figure)());
    }
    return mean_deviation(values);
}

/// Of the UA, averaged over seeds, when other speakers had been recorded.
std::optional<Interval> ua_interval(const std::vector<Answered>& clips, Choice choice,
                                    std::size_t num_labels) {
    std::map<std::uint64_t, std::size_t> seeds;
    std::vector<std::string> speakers;
    for (const Answered& clip : clips) {
        seeds.try_emplace(clip.prediction->seed, seeds.size());
        speakers.push_back(clip.prediction->speaker);
    }
    return bootstrap_interval(speakers, [&](std::span<const std::size_t> drawn) {
        std::vector<ConfusionMatrix> matrices(seeds.size(), ConfusionMatrix(num_labels));
        for (const std::size_t index : drawn) {
            const Answered& clip = clips[index];
            matrices[seeds.at(clip.prediction->seed)].add(clip.prediction->truth, clip.*choice);
        }
        return over(matrices, &ConfusionMatrix::unweighted_accuracy).mean;
    });
}

Calibration calibration_of(const std::vector<Answered>& clips,
                           std::vector<float> Prediction::*scores) {
    std::vector<ScoredClip> scored;
    std::vector<Answer> answers;
    for (const Answered& clip : clips) {
        scored.push_back({clip.prediction->*scores, clip.prediction->truth});
        answers.push_back(answer_to(scored.back()));
    }
    Calibration result;
    result.bins = reliability_bins(answers);
    result.ece = expected_calibration_error(result.bins);
    result.nll = negative_log_likelihood(scored);
    result.brier = brier_score(scored);
    return result;
}

void measure_confidence(Figures& figures, const std::vector<Answered>& clips,
                        std::optional<double> uncertain_below) {
    std::vector<Answer> answers;
    std::vector<double> right;
    std::vector<double> wrong;
    for (const Answered& clip : clips) {
        answers.push_back(answer_to({clip.prediction->scores, clip.prediction->truth}));
        (answers.back().right ? right : wrong).push_back(answers.back().confidence);
    }
    figures.risk_coverage = risk_coverage_curve(answers);
    figures.aurc = area_under_risk_coverage(figures.risk_coverage);
    figures.confidence_auroc = auroc(right, wrong);
    figures.certain = uncertain_below.has_value()
                          ? point_at_threshold(answers, *uncertain_below)
                          : *point_at_coverage(figures.risk_coverage, kDefaultCoverage);
}

Figures figures_of(const std::vector<Answered>& clips, std::size_t num_labels,
                   std::optional<double> uncertain_below) {
    const Prediction& first = *clips.front().prediction;
    Figures figures;
    figures.protocol = first.protocol;
    figures.corpus = first.corpus;
    std::set<std::string> speakers;
    std::set<std::string> folds;
    for (const Answered& clip : clips) {
        speakers.insert(clip.prediction->speaker);
        folds.insert(clip.prediction->fold);
    }
    figures.speakers = speakers.size();
    figures.folds = folds.size();

    const auto by_seed = confusions_by(clips, &Answered::free, num_labels,
                                       [](const Prediction& one) { return one.seed; });
    for (const ConfusionMatrix& matrix : by_seed) {
        figures.clips = std::max(figures.clips, matrix.total());
    }
    figures.ua = over(by_seed, &ConfusionMatrix::unweighted_accuracy);
    figures.wa = over(by_seed, &ConfusionMatrix::weighted_accuracy);
    figures.macro_f1 = over(by_seed, &ConfusionMatrix::macro_f1);
    figures.corpus_ua = over(confusions_by(clips, &Answered::from_corpus, num_labels,
                                           [](const Prediction& one) { return one.seed; }),
                             &ConfusionMatrix::unweighted_accuracy);
    figures.fold_ua =
        over(confusions_by(clips, &Answered::free, num_labels,
                           [](const Prediction& one) { return std::pair(one.seed, one.fold); }),
             &ConfusionMatrix::unweighted_accuracy);
    figures.ua_interval = ua_interval(clips, &Answered::free, num_labels);
    figures.corpus_ua_interval = ua_interval(clips, &Answered::from_corpus, num_labels);
    figures.confusion = confusion_of(clips, &Answered::free, num_labels);
    figures.calibrated = calibration_of(clips, &Prediction::scores);
    figures.uncalibrated = calibration_of(clips, &Prediction::uncalibrated);
    measure_confidence(figures, clips, uncertain_below);
    return figures;
}

void warn(std::vector<std::string>& warnings, const Figures& figures,
          const std::vector<Answered>& clips) {
    const std::string name = figures.protocol + " " + figures.corpus + ": ";
    std::map<std::uint64_t, std::set<std::string>> by_seed;
    bool has_twice = false;
    for (const Answered& clip : clips) {
        has_twice |= !by_seed[clip.prediction->seed].insert(clip.prediction->clip).second;
    }
    if (has_twice) {
        warnings.push_back(name + "some clips were answered more than once under one seed.");
    }
    for (const auto& [seed, names] : by_seed) {
        if (names != by_seed.begin()->second) {
            warnings.push_back(name + "the seeds were not tested on the same clips.");
            break;
        }
    }
    if (by_seed.size() < kFewestSeeds) {
        warnings.push_back(name + std::to_string(by_seed.size()) +
                           (by_seed.size() == 1 ? " seed" : " seeds") +
                           ", where at least three tell how much is luck.");
    }
    if (!figures.is_leaky && figures.ua.mean > kTooGood) {
        warnings.push_back(name +
                           "above 90 % on unheard speakers is a leak until proven otherwise.");
    }
}

}  // namespace

std::vector<ProtocolNote> known_protocols() {
    return {
        {"P1",
         "Speaker-independent: the six folds of EmoBox on RAVDESS, four actors held out in each.",
         false},
        {"P2",
         "Speaker-independent: five folds of RAVDESS; of the other corpora one speaker is held out "
         "at a time.",
         false},
        {"P3",
         "Cross-corpus: trained on other corpora, often of another language, and tested on this "
         "one "
         "as a whole.",
         false},
        {"P5", "Speaker-independent, with sound that was degraded after the split.", false},
        {"PS",
         "A random 75/25 split of clips. The voices that are tested were heard in training, so no "
         "new voice will repeat these figures; they stand here to be compared with others of their "
         "kind.",
         true},
    };
}

Summary summarize(const ReportInput& input) {
    const PredictionSet& set = input.predictions;
    // (leaky, place of the protocol, protocol, corpus) -> its clips
    std::map<std::tuple<bool, std::size_t, std::string, std::string>, std::vector<Answered>> groups;
    for (const Prediction& prediction : set.predictions) {
        const std::size_t note = note_of(prediction.protocol, input.protocols);
        const bool is_leaky = note < input.protocols.size() && input.protocols[note].is_leaky;
        groups[{is_leaky, note, prediction.protocol, prediction.corpus}].push_back(
            answered(prediction, set.corpus_labels.at(prediction.corpus)));
    }
    Summary summary;
    summary.labels = set.labels;
    summary.is_threshold_given = input.uncertain_below.has_value();
    for (const auto& [key, clips] : groups) {
        Figures figures = figures_of(clips, set.labels.size(), input.uncertain_below);
        figures.is_leaky = std::get<0>(key);
        if (const std::size_t note = std::get<1>(key); note < input.protocols.size()) {
            figures.description = input.protocols[note].description;
        }
        figures.corpus_labels = set.corpus_labels.at(figures.corpus).size();
        warn(summary.warnings, figures, clips);
        summary.figures.push_back(std::move(figures));
    }
    return summary;
}

}  // namespace emotiond::model
