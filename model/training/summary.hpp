#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/training/metrics.hpp"
#include "model/training/predictions.hpp"

namespace emotiond::model {

/// What a protocol is, for readers. It applies to `id` and to what begins with it and a space:
/// "P5" to "P5 10 dB" too.
struct ProtocolNote {
    std::string id;
    std::string description;  ///< a sentence
    bool is_leaky = false;    ///< speakers who are tested were heard in training
};

/// Those of docs/evaluation.md.
std::vector<ProtocolNote> known_protocols();

struct TrainingEpoch {
    int epoch = 0;  ///< from 1
    double loss = 0.0;
    double validation_ua = 0.0;
};

/// The log of one training run.
struct TrainingCurve {
    std::string round;  ///< curves of one round and several seeds share a picture
    std::uint64_t seed = 0;
    std::vector<TrainingEpoch> epochs;
};

/// What another system reaches under the same protocol.
struct PublishedFigure {
    std::string protocol;
    std::string corpus;
    std::string system;  ///< with its source: "HuBERT-base, 95 M (EmoBox)"
    double ua = 0.0;     ///< 0 to 1
};

/// All that a report is made of.
struct ReportInput {
    std::string title;
    PredictionSet predictions;
    std::vector<ProtocolNote> protocols =
        known_protocols();  ///< the first that occurs is the headline
    std::vector<PublishedFigure> published;
    std::vector<TrainingCurve> curves;
    /// Below this calibrated score the service calls its answer uncertain. It has to come from
    /// other clips than these; nothing: the one that would keep kDefaultCoverage of these.
    std::optional<double> uncertain_below;
    nlohmann::ordered_json configuration;
    std::string version;
    std::string command_line;
    std::string machine;
    std::string started;   ///< date and time, as it is to be shown
    double seconds = 0.0;  ///< how long it took
};

inline constexpr double kDefaultCoverage = 0.8;

/// How far scores can be taken as probabilities.
struct Calibration {
    double ece = 0.0;
    double nll = 0.0;
    double brier = 0.0;
    std::vector<ReliabilityBin> bins;
};

/// The figures of one protocol on one corpus. Folds are pooled before a figure is taken; those of
/// several seeds are averaged, their confusion matrices and answers are put together.
struct Figures {
    std::string protocol;
    std::string corpus;
    std::string description;  ///< of the protocol; empty where it is not known
    bool is_leaky = false;
    std::size_t clips = 0;  ///< of one seed
    std::size_t speakers = 0;
    std::size_t folds = 0;
    std::size_t corpus_labels = 0;  ///< how many labels the corpus has
    MeanDeviation ua;               ///< over seeds, free choice among all labels
    MeanDeviation wa;
    MeanDeviation macro_f1;
    MeanDeviation corpus_ua;              ///< choice among the corpus's labels
    std::optional<Interval> ua_interval;  ///< 95 %, over speakers, of the mean over seeds
    std::optional<Interval> corpus_ua_interval;
    MeanDeviation fold_ua;  ///< over folds and seeds, instead of pooled
    ConfusionMatrix confusion{0};
    Calibration calibrated;
    Calibration uncalibrated;
    std::vector<RiskCoveragePoint> risk_coverage;
    double aurc = 0.0;
    std::optional<double> confidence_auroc;  ///< of right over wrong answers, by their score
    RiskCoveragePoint certain;               ///< the answers that are not called uncertain
};

/// Every number of a report, computed once.
struct Summary {
    std::vector<std::string> labels;
    std::vector<Figures> figures;       ///< in the order of the protocols, leaky ones last
    bool is_threshold_given = false;    ///< false: `certain` is at kDefaultCoverage
    std::vector<std::string> warnings;  ///< what a reader has to know before believing a figure
};

/// The same input gives the same summary on every machine. The predictions have to be such as
/// write_predictions takes.
Summary summarize(const ReportInput& input);

}  // namespace emotiond::model
