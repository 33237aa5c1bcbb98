#include "model/training/report.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "model/training/charts.hpp"
#include "model/training/table.hpp"

namespace emotiond::model {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kNothing = "–";

std::string fixed(double value, int decimals) {
    std::array<char, 400> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                   std::chars_format::fixed, decimals);
    return {text.data(), end.ptr};
}

std::string percent(double share) {
    return fixed(100.0 * share, 1);
}

std::string with_deviation(const MeanDeviation& figure) {
    return percent(figure.mean) +
           (figure.count > 1 ? " ± " + percent(figure.deviation) : std::string());
}

std::string range(const std::optional<Interval>& interval) {
    return interval.has_value() ? percent(interval->low) + " to " + percent(interval->high)
                                : std::string(kNothing);
}

std::string counted(std::size_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string name_of(const Figures& figures) {
    return figures.corpus + " " + figures.protocol;
}

std::string seeds_of(const Figures& figures) {
    return figures.ua.count == 1 ? "one seed" : counted(figures.ua.count, "seed") + " put together";
}

/// Fragments of addresses have no spaces.
std::string anchor_of(const Figures& figures) {
    std::string anchor = name_of(figures);
    std::ranges::replace(anchor, ' ', '-');
    return escaped(anchor);
}

std::string leaky_badge(const Figures& figures) {
    return figures.is_leaky ? " <span class=\"badge\" title=\"Speakers who are tested were heard "
                              "in training.\">leaky</span>"
                            : "";
}

// Tables, for all three forms.

Table results_table(const Summary& summary) {
    Table table{{"", "UA %", "95 % CI", "UA % among the corpus's labels", "WA %", "F1 %", "clips",
                 "speakers", "folds", "seeds"},
                {}};
    for (const Figures& figures : summary.figures) {
        table.rows.push_back({name_of(figures) + (figures.is_leaky ? " (leaky)" : ""),
                              with_deviation(figures.ua), range(figures.ua_interval),
                              with_deviation(figures.corpus_ua), with_deviation(figures.wa),
                              with_deviation(figures.macro_f1), std::to_string(figures.clips),
                              std::to_string(figures.speakers), std::to_string(figures.folds),
                              std::to_string(figures.ua.count)});
    }
    return table;
}

Table confidence_table(const Summary& summary) {
    Table table{{"", "ECE % before", "after", "NLL before", "after", "Brier before", "after",
                 "AURC %", "AUROC right/wrong", "certain from", "answered %", "of these wrong %"},
                {}};
    for (const Figures& figures : summary.figures) {
        const Calibration& before = figures.uncalibrated;
        const Calibration& after = figures.calibrated;
        table.rows.push_back({name_of(figures), percent(before.ece), percent(after.ece),
                              fixed(before.nll, 3), fixed(after.nll, 3), fixed(before.brier, 3),
                              fixed(after.brier, 3), percent(figures.aurc),
                              figures.confidence_auroc.has_value()
                                  ? fixed(*figures.confidence_auroc, 3)
                                  : std::string(kNothing),
                              fixed(figures.certain.threshold, 3),
                              percent(figures.certain.coverage), percent(figures.certain.risk)});
    }
    return table;
}

Table calibration_table(const Figures& figures) {
    const auto row = [](const std::string& name, const Calibration& calibration) {
        return std::vector<std::string>{name, percent(calibration.ece), fixed(calibration.nll, 3),
                                        fixed(calibration.brier, 3)};
    };
    return {{"", "ECE %", "NLL", "Brier"},
            {row("before temperature scaling", figures.uncalibrated),
             row("after", figures.calibrated)}};
}

Table class_table(const Figures& figures, const std::vector<std::string>& labels) {
    Table table{{"", "recall %", "precision %", "F1 %", "answers"}, {}};
    const ConfusionMatrix& matrix = figures.confusion;
    for (std::size_t label = 0; label < labels.size(); ++label) {
        if (matrix.truths(label) > 0) {
            table.rows.push_back({labels[label], percent(matrix.recall(label)),
                                  percent(matrix.precision(label)), percent(matrix.f1(label)),
                                  std::to_string(matrix.truths(label))});
        }
    }
    return table;
}

Table confusion_table(const Figures& figures, const std::vector<std::string>& labels) {
    Table table{{"said \\ heard"}, {}};
    table.header.insert(table.header.end(), labels.begin(), labels.end());
    table.header.emplace_back("recall %");
    for (std::size_t truth = 0; truth < labels.size(); ++truth) {
        if (figures.confusion.truths(truth) == 0) {
            continue;
        }
        std::vector<std::string> row{labels[truth]};
        for (std::size_t answer = 0; answer < labels.size(); ++answer) {
            row.push_back(std::to_string(figures.confusion.count(truth, answer)));
        }
        row.push_back(percent(figures.confusion.recall(truth)));
        table.rows.push_back(std::move(row));
    }
    return table;
}

Table withholding_table(const Figures& figures) {
    Table table{{"answered %", "score from", "of these wrong %"}, {}};
    for (const double coverage : {1.0, 0.9, 0.8, 0.7, 0.5, 0.3}) {
        if (const auto point = point_at_coverage(figures.risk_coverage, coverage)) {
            table.rows.push_back(
                {percent(point->coverage), fixed(point->threshold, 3), percent(point->risk)});
        }
    }
    return table;
}

// The page.

constexpr std::string_view kPageStyle = R"(
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 .5rem; padding-top: 1.25rem;
  border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 2rem 0 .5rem; }
p { max-width: 44rem; margin: .5rem 0; }
a { color: var(--c0); }
.verdict { font-size: 1.15rem; }
.soft, .note { color: var(--soft); font-size: .875rem; }
.warning { border-left: 3px solid var(--c1); padding-left: .75rem; margin: .25rem 0; }
.badge { font-size: .75rem; font-weight: 600; color: var(--c1); border: 1px solid var(--c1);
  border-radius: 1rem; padding: .05rem .5rem; vertical-align: .1em; white-space: nowrap; }
.scroll { overflow-x: auto; margin: .75rem 0; }
.scroll > .confusion, .scroll > .bars { min-width: 34rem; max-width: 44rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .75rem; text-align: right; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
thead th { color: var(--soft); font-weight: 500; vertical-align: bottom; white-space: normal;
  max-width: 8rem; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tbody th { font-weight: 500; }
.grid { display: grid; gap: 1.5rem 2rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }
.grid.pair { max-width: 52rem; }
.beside { display: grid; gap: 0 2rem; grid-template-columns: minmax(0, 42rem) auto;
  justify-content: start; align-items: start; }
@media (max-width: 64rem) { .beside { grid-template-columns: minmax(0, 1fr); } }
.grid.small { grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); }
figure { margin: 0; }
figure > .reliability { max-width: 26rem; }
figure > .lines { max-width: 30rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: .875rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
pre, code { font: .8125rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { background: var(--panel); padding: 1rem; border-radius: .4rem; overflow-x: auto; }
summary { cursor: pointer; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } }
@media print { h2, figure, .scroll, .grid > * { break-inside: avoid; } }
)";

std::string scrolling(const std::string& drawing) {
    return "<figure class=\"scroll\">" + drawing + "</figure>\n";
}

std::string figure(const std::string& drawing) {
    return "<figure>" + drawing + "</figure>\n";
}

std::string paragraph(const std::string& classes, const std::string& text) {
    return "<p" + (classes.empty() ? std::string() : " class=\"" + classes + "\"") + ">" +
           escaped(text) + "</p>\n";
}

/// The table of results with a link to each section.
std::string linked_results(const Summary& summary) {
    std::string html = to_html(results_table(summary));
    for (const Figures& figures : summary.figures) {
        const std::string cell = R"(<th scope="row">)" + escaped(name_of(figures)) +
                                 (figures.is_leaky ? " (leaky)" : "") + "</th>";
        html.replace(html.find(cell), cell.size(),
                     R"(<th scope="row"><a href="#)" + anchor_of(figures) + R"(">)" +
                         escaped(name_of(figures)) + "</a>" + leaky_badge(figures) + "</th>");
    }
    return html;
}

/// Published systems and ours, best first; nothing where there is none to compare with.
std::string comparison(const ReportInput& input, const Figures& figures,
                       const std::vector<std::string>& labels) {
    std::vector<Bar> bars;
    for (const PublishedFigure& published : input.published) {
        if (published.protocol == figures.protocol && published.corpus == figures.corpus) {
            bars.push_back({published.system, published.ua, std::nullopt, false});
        }
    }
    if (bars.empty()) {
        return "";
    }
    const bool is_narrower = figures.corpus_labels < labels.size();
    bars.push_back({is_narrower ? "this run, of " + counted(labels.size(), "label") : "this run",
                    figures.ua.mean, figures.ua_interval, true});
    if (is_narrower) {
        bars.push_back({"this run, of the corpus's " + std::to_string(figures.corpus_labels),
                        figures.corpus_ua.mean, figures.corpus_ua_interval, true});
    }
    std::ranges::stable_sort(bars, std::ranges::greater{}, &Bar::value);
    return "<h3>Beside published systems</h3>\n" +
           scrolling(bar_chart("UA on " + name_of(figures), "UA %", bars)) +
           paragraph("note", "The whisker is the 95 % interval over speakers.");
}

std::string risk_coverage_picture(const Figures& figures) {
    LineChart chart;
    chart.title = "What is gained by withholding answers";
    chart.x = {"answered %, the most certain first", Interval{0.0, 1.0}, true};
    chart.width = 400.0;
    chart.height = 300.0;
    chart.series.push_back({"wrong", {}});
    double highest = 0.1;
    for (const RiskCoveragePoint& point : figures.risk_coverage) {
        chart.series[0].points.push_back({point.coverage, point.risk});
        highest = std::max(highest, point.risk);
    }
    chart.y = {"wrong %", Interval{0.0, nice_ticks(0.0, highest).back()}, true};
    if (figures.certain.coverage > 0.0) {
        chart.mark = ChartPoint{figures.certain.coverage, figures.certain.risk};
        chart.mark_text = "certain from " + fixed(figures.certain.threshold, 2);
    }
    return line_chart(chart);
}

std::string section(const ReportInput& input, const Summary& summary, const Figures& figures) {
    std::string html = "<section id=\"" + anchor_of(figures) + "\">\n<h2>" +
                       escaped(name_of(figures)) + leaky_badge(figures) + "</h2>\n";
    if (!figures.description.empty()) {
        html += paragraph("soft", figures.description);
    }
    html += "<p>UA <strong>" + with_deviation(figures.ua) + " %</strong>" +
            escaped((figures.ua_interval.has_value()
                         ? ", 95 % interval " + range(figures.ua_interval) + " over " +
                               counted(figures.speakers, "speaker")
                         : std::string()) +
                    "; WA " + with_deviation(figures.wa) + " %, macro F1 " +
                    with_deviation(figures.macro_f1) +
                    " %. The mean UA over folds, instead of pooled, is " +
                    percent(figures.fold_ua.mean) + " %.") +
            "</p>\n" + comparison(input, figures, summary.labels);
    html += "<h3>Which emotions it tells apart</h3>\n<div class=\"beside\">" +
            scrolling(confusion_chart("Confusion matrix, " + seeds_of(figures), summary.labels,
                                      figures.confusion)) +
            to_html(class_table(figures, summary.labels)) + "</div>\n";
    html +=
        "<h3>What a score is worth</h3>\n"
        "<div class=\"grid pair\">" +
        figure(reliability_chart("Before temperature scaling", figures.uncalibrated.bins)) +
        figure(reliability_chart("After", figures.calibrated.bins)) + "</div>\n" +
        to_html(calibration_table(figures));
    const RiskCoveragePoint& certain = figures.certain;
    html +=
        "<h3>Knowing when not to answer</h3>\n" +
        paragraph("", (summary.is_threshold_given
                           ? "Answers with a score below " + fixed(certain.threshold, 3) +
                                 " are called uncertain. "
                           : "No threshold for uncertain answers was given; that of " +
                                 fixed(certain.threshold, 3) + " is read off these clips. ") +
                          percent(certain.coverage) + " % of the answers reach it, and of these " +
                          percent(certain.risk) + " % are wrong; of all answers " +
                          percent(1.0 - figures.confusion.weighted_accuracy()) + " % are.") +
        "<div class=\"grid pair\">" + figure(risk_coverage_picture(figures)) +
        to_html(withholding_table(figures)) + "</div>\n";
    html += paragraph("note", "AURC " + percent(figures.aurc) + " %" +
                                  (figures.confidence_auroc.has_value()
                                       ? "; a right answer has the higher score than a wrong one "
                                         "with probability " +
                                             fixed(*figures.confidence_auroc, 3) + " (AUROC)"
                                       : std::string()) +
                                  ".");
    return html + "</section>\n";
}

/// Loss and validation UA of each round, on the same scales, a line a seed.
std::string training_curves(const std::vector<TrainingCurve>& curves) {
    if (curves.empty()) {
        return "";
    }
    struct Pair {
        LineChart loss;
        LineChart ua;
    };
    std::vector<std::string> rounds;
    std::map<std::string, Pair> charts;
    Interval epochs{1.0, 2.0};
    double highest_loss = 0.0;
    double highest_ua = 0.0;
    for (const TrainingCurve& curve : curves) {
        const auto [entry, is_new] = charts.try_emplace(curve.round);
        if (is_new) {
            rounds.push_back(curve.round);
        }
        const std::string seed = "seed " + std::to_string(curve.seed);
        ChartSeries& loss = entry->second.loss.series.emplace_back(ChartSeries{seed, {}});
        ChartSeries& ua = entry->second.ua.series.emplace_back(ChartSeries{seed, {}});
        for (const TrainingEpoch& epoch : curve.epochs) {
            loss.points.push_back({static_cast<double>(epoch.epoch), epoch.loss});
            ua.points.push_back({static_cast<double>(epoch.epoch), epoch.validation_ua});
            epochs.high = std::max(epochs.high, static_cast<double>(epoch.epoch));
            if (std::isfinite(epoch.loss)) {
                highest_loss = std::max(highest_loss, epoch.loss);
            }
            if (std::isfinite(epoch.validation_ua)) {
                highest_ua = std::max(highest_ua, epoch.validation_ua);
            }
        }
    }
    std::string html =
        "<section>\n<h2>Training</h2>\n" +
        paragraph("soft", "Each round on the same scales; UA is that of the validation speakers.") +
        "<div class=\"grid small\">\n";
    for (const std::string& round : rounds) {
        Pair& pair = charts.at(round);
        pair.loss.title = round + ", loss";
        pair.ua.title = round + ", validation UA %";
        pair.loss.y.range = Interval{0.0, nice_ticks(0.0, highest_loss).back()};
        pair.ua.y = {"", Interval{0.0, nice_ticks(0.0, highest_ua).back()}, true};
        html += "<div>";
        for (LineChart* chart : {&pair.loss, &pair.ua}) {
            chart->x = {"epoch", epochs, false};
            chart->width = 300.0;
            chart->height = 200.0;
            html += figure(line_chart(*chart));
        }
        html += "</div>\n";
    }
    return html + "</div>\n</section>\n";
}

std::string duration(double seconds) {
    const auto minutes = static_cast<long>(std::lround(seconds / 60.0));
    if (minutes < 1) {
        return fixed(seconds, 0) + " s";
    }
    return minutes < 60
               ? std::to_string(minutes) + " min"
               : std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

std::string provenance(const ReportInput& input) {
    std::string html = "<section>\n<h2>How it was made</h2>\n<dl>\n";
    const auto add = [&](const std::string& name, const std::string& value,
                         const std::string& tag = "") {
        if (!value.empty()) {
            const std::string text = escaped(value);
            html += "<dt>" + name + "</dt><dd>" +
                    (tag.empty() ? text : "<" + tag + ">" + text + "</" + tag + ">") + "</dd>\n";
        }
    };
    add("command", input.command_line, "code");
    add("version", input.version);
    add("machine", input.machine);
    add("started", input.started);
    add("took", input.seconds > 0.0 ? duration(input.seconds) : "");
    html += "</dl>\n";
    if (!input.configuration.is_null()) {
        html += "<details><summary>Configuration</summary>\n<pre>" +
                escaped(input.configuration.dump(2, ' ', false,
                                                 ordered_json::error_handler_t::replace)) +
                "</pre></details>\n";
    }
    return html +
           "<details><summary>What the figures mean</summary>\n"
           "<p><strong>UA</strong>, unweighted or balanced accuracy: the mean recall of the labels "
           "that occur; folds are pooled, ± is the standard deviation over seeds. "
           "<strong>WA</strong>: the share of right answers. <strong>F1</strong>: the mean over "
           "labels of the harmonic mean of precision and recall. The <strong>interval</strong> is "
           "that of 1000 bootstrap draws of whole speakers.</p>\n"
           "<p><strong>ECE</strong>: how far scores and the share of right answers lie apart, in "
           "15 bins (Guo et al. 2017). <strong>NLL</strong>: the mean of −ln of the score that the "
           "truth was given. <strong>Brier</strong>: the squared error of the scores, 0 to 2. "
           "<strong>AURC</strong>: the mean share of wrong answers over all shares answered "
           "(Geifman et al. 2019).</p>\n</details>\n</section>\n";
}

ordered_json rounded(double value) {
    return std::round(value * 1e4) / 1e4;
}

ordered_json to_json(const MeanDeviation& figure) {
    return {{"mean", rounded(figure.mean)}, {"deviation", rounded(figure.deviation)}};
}

ordered_json to_json(const std::optional<Interval>& interval) {
    return interval.has_value() ? ordered_json{rounded(interval->low), rounded(interval->high)}
                                : ordered_json();
}

ordered_json to_json(const RiskCoveragePoint& point) {
    return {{"threshold", rounded(point.threshold)},
            {"coverage", rounded(point.coverage)},
            {"risk", rounded(point.risk)}};
}

ordered_json to_json(const Calibration& calibration) {
    ordered_json bins = ordered_json::array();
    for (const ReliabilityBin& bin : calibration.bins) {
        bins.push_back({{"low", rounded(bin.low)},
                        {"high", rounded(bin.high)},
                        {"count", bin.count},
                        {"confidence", rounded(bin.confidence)},
                        {"accuracy", rounded(bin.accuracy)}});
    }
    return {{"ece", rounded(calibration.ece)},
            {"nll", rounded(calibration.nll)},
            {"brier", rounded(calibration.brier)},
            {"bins", bins}};
}

ordered_json to_json(const Figures& figures, const std::vector<std::string>& labels) {
    ordered_json withheld = ordered_json::array();
    for (int tenth = 10; tenth >= 1; --tenth) {
        if (const auto point = point_at_coverage(figures.risk_coverage, tenth / 10.0)) {
            withheld.push_back(to_json(*point));
        }
    }
    return {{"protocol", figures.protocol},
            {"corpus", figures.corpus},
            {"leaky", figures.is_leaky},
            {"clips", figures.clips},
            {"speakers", figures.speakers},
            {"folds", figures.folds},
            {"seeds", figures.ua.count},
            {"ua", to_json(figures.ua)},
            {"ua_interval", to_json(figures.ua_interval)},
            {"wa", to_json(figures.wa)},
            {"macro_f1", to_json(figures.macro_f1)},
            {"corpus_labels", figures.corpus_labels},
            {"corpus_labels_ua", to_json(figures.corpus_ua)},
            {"corpus_labels_ua_interval", to_json(figures.corpus_ua_interval)},
            {"mean_ua_over_folds", rounded(figures.fold_ua.mean)},
            {"all_seeds", figures.confusion.to_json(labels)},
            {"calibration",
             {{"before", to_json(figures.uncalibrated)}, {"after", to_json(figures.calibrated)}}},
            {"aurc", rounded(figures.aurc)},
            {"confidence_auroc", figures.confidence_auroc.has_value()
                                     ? rounded(*figures.confidence_auroc)
                                     : ordered_json()},
            {"certain", to_json(figures.certain)},
            {"risk_coverage", withheld}};
}

}  // namespace

std::string verdict(const Summary& summary) {
    if (summary.figures.empty()) {
        return "There are no predictions to judge.";
    }
    const Figures& headline = summary.figures.front();
    const std::string labels = std::to_string(summary.labels.size());
    std::string text =
        std::string("It recognises the emotion of voices ") +
        (headline.is_leaky ? "that it knows from training in " : "it had not heard before in ") +
        percent(headline.ua.mean) + " % of cases (mean recall of the emotions, " +
        name_of(headline) +
        (headline.ua_interval.has_value() ? "; 95 % interval " + range(headline.ua_interval) +
                                                " over " + counted(headline.speakers, "speaker")
                                          : "") +
        "; chance among " + labels + " labels is " +
        percent(1.0 / static_cast<double>(summary.labels.size())) + " %).";
    std::string others;
    for (std::size_t i = 1; i < summary.figures.size(); ++i) {
        const Figures& figures = summary.figures[i];
        if (figures.is_leaky == headline.is_leaky) {
            others += (others.empty() ? " Elsewhere: " : ", ") + name_of(figures) + " " +
                      percent(figures.ua.mean) + " %";
        }
    }
    text += others.empty() ? "" : others + ".";
    text += " Its scores differ from the share of right answers by " +
            percent(headline.calibrated.ece) + " points; among the " +
            percent(headline.certain.coverage) + " % of answers it is most certain of, " +
            percent(headline.certain.risk) + " % are wrong, among all " +
            percent(1.0 - headline.confusion.weighted_accuracy()) + " %.";
    if (headline.is_leaky) {
        text += " No new voice will repeat these figures.";
    }
    return text;
}

std::string html_report(const ReportInput& input, const Summary& summary) {
    const std::string title = escaped(input.title);
    std::string html =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
        title + "</title>\n<style>\n" + chart_style() + std::string(kPageStyle) +
        "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>" + title + "</h1>\n" +
        paragraph("verdict", verdict(summary));
    for (const std::string& warning : summary.warnings) {
        html += paragraph("warning soft", warning);
    }
    html += "</header>\n";
    if (!summary.figures.empty()) {
        html += "<section>\n<h2>Results</h2>\n" + linked_results(summary) +
                paragraph("note",
                          "UA is the mean recall of the emotions. ± is the standard deviation over "
                          "seeds, the interval is over speakers; clips are those of one seed.") +
                "</section>\n";
    }
    for (const Figures& figures : summary.figures) {
        html += section(input, summary, figures);
    }
    return html + training_curves(input.curves) + provenance(input) + "</main>\n</body>\n</html>\n";
}

ordered_json json_report(const ReportInput& input, const Summary& summary) {
    ordered_json results = ordered_json::array();
    for (const Figures& figures : summary.figures) {
        results.push_back(to_json(figures, summary.labels));
    }
    return {{"title", input.title},
            {"verdict", verdict(summary)},
            {"warnings", summary.warnings},
            {"version", input.version},
            {"command_line", input.command_line},
            {"machine", input.machine},
            {"started", input.started},
            {"seconds", input.seconds},
            {"labels", summary.labels},
            {"results", results},
            {"configuration", input.configuration}};
}

std::string text_tables(const Summary& summary) {
    return to_text(results_table(summary)) + "\n" + to_text(confidence_table(summary));
}

std::string markdown_tables(const Summary& summary) {
    std::string text =
        to_markdown(results_table(summary)) + "\n" + to_markdown(confidence_table(summary));
    for (const Figures& figures : summary.figures) {
        text += "\n" + name_of(figures) + (figures.is_leaky ? " (leaky)" : "") + ", " +
                seeds_of(figures) + ":\n\n" + to_markdown(confusion_table(figures, summary.labels));
    }
    return text;
}

}  // namespace emotiond::model
