#include "model/training/charts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>

namespace emotiond::model {
namespace {

constexpr std::size_t kNumColours = 6;
constexpr double kLetter = 6.6;  ///< mean width of a letter of 12 px
constexpr double kLine = 18.0;   ///< from one line of text to the next

/// At most so many decimals, and none that says nothing. What is not finite is drawn at 0.
std::string number(double value, int decimals = 2) {
    std::array<char, 400> text{};
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), std::isfinite(value) ? value : 0.0,
                      std::chars_format::fixed, decimals);
    std::string result(text.data(), end.ptr);
    if (result.find('.') != std::string::npos) {
        result.erase(result.find_last_not_of('0') + 1);
        if (result.ends_with('.')) {
            result.pop_back();
        }
    }
    return result == "-0" ? "0" : result;
}

std::string percent(double share, int decimals = 0) {
    return number(100.0 * share, decimals);
}

/// With its decimal also where that is 0, for columns of numbers.
std::string percent_to_tenth(double share) {
    const std::string text = percent(share, 1);
    return text.find('.') == std::string::npos ? text + ".0" : text;
}

/// Letters, counted as bytes that begin one in UTF-8.
double text_width(std::string_view text) {
    return kLetter * static_cast<double>(std::ranges::count_if(
                         text, [](char byte) { return (byte & '\xC0') != '\x80'; }));
}

std::string attribute(std::string_view name, std::string_view value) {
    return " " + std::string(name) + "=\"" + std::string(value) + "\"";
}

std::string attribute(std::string_view name, double value) {
    return attribute(name, std::string_view(number(value)));
}

std::string line(std::string_view classes, double x1, double y1, double x2, double y2) {
    return "<line" + attribute("class", classes) + attribute("x1", x1) + attribute("y1", y1) +
           attribute("x2", x2) + attribute("y2", y2) + "/>\n";
}

std::string rectangle(std::string_view classes, double x, double y, double width, double height,
                      const std::string& more = "") {
    return "<rect" + attribute("class", classes) + attribute("x", x) + attribute("y", y) +
           attribute("width", width) + attribute("height", height) + more + "/>\n";
}

/// classes: of chart_style(); `end` and `middle` say which part of the text stands at x.
std::string label(std::string_view classes, double x, double y, std::string_view text) {
    return "<text" + attribute("class", classes) + attribute("x", x) + attribute("y", y) + ">" +
           escaped(text) + "</text>\n";
}

std::string drawing(std::string_view kind, const std::string& title, double width, double height,
                    const std::string& body) {
    const std::string name = escaped(title);
    return R"(<svg xmlns="http://www.w3.org/2000/svg")" +
           attribute("class", "chart " + std::string(kind)) +
           attribute("viewBox", "0 0 " + number(width) + " " + number(height)) +
           attribute("role", "img") + attribute("aria-label", name) + ">\n<title>" + name +
           "</title>\n" + label("title", 0.0, 14.0, title) + body + "</svg>\n";
}

/// One axis: from values to pixels, and its ticks.
class Scale {
 public:
    Scale(const std::vector<double>& ticks, double low, double high, double first_pixel,
          double last_pixel)
        : low_(low), high_(high), first_(first_pixel), last_(last_pixel) {
        const double slack = 1e-9 * (high - low);
        std::ranges::copy_if(ticks, std::back_inserter(ticks_), [&](double tick) {
            return tick >= low - slack && tick <= high + slack;
        });
    }

    [[nodiscard]] double pixel(double value) const {
        return first_ + (value - low_) / (high_ - low_) * (last_ - first_);
    }
    [[nodiscard]] const std::vector<double>& ticks() const { return ticks_; }
    /// Enough decimals to tell the ticks apart.
    [[nodiscard]] std::string text(double tick, bool as_percent) const {
        const double unit = as_percent ? 100.0 : 1.0;
        const double step = ticks_.size() < 2 ? 1.0 : unit * (ticks_[1] - ticks_[0]);
        const int decimals =
            std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
        return number(unit * tick, decimals);
    }

 private:
    double low_, high_, first_, last_;
    std::vector<double> ticks_;
};

/// The range given, or that of the values widened to ticks.
Scale scale_of(const ChartAxis& axis, const std::vector<double>& values, double first_pixel,
               double last_pixel, std::size_t most_ticks) {
    if (axis.range.has_value() && axis.range->low < axis.range->high) {
        return {nice_ticks(axis.range->low, axis.range->high, most_ticks), axis.range->low,
                axis.range->high, first_pixel, last_pixel};
    }
    const auto [low, high] =
        values.empty() ? std::ranges::minmax_result<double>{0.0, 1.0} : std::ranges::minmax(values);
    const std::vector<double> ticks = nice_ticks(low, high, most_ticks);
    return {ticks, ticks.front(), ticks.back(), first_pixel, last_pixel};
}

/// Where the data are drawn.
struct Area {
    double left, top, right, bottom;
};

std::string axes(const Area& area, const Scale& x, const Scale& y, const ChartAxis& x_axis,
                 const ChartAxis& y_axis) {
    std::string body;
    for (const double tick : y.ticks()) {
        body += line("grid", area.left, y.pixel(tick), area.right, y.pixel(tick));
        body +=
            label("tick end", area.left - 6.0, y.pixel(tick) + 4.0, y.text(tick, y_axis.percent));
    }
    for (const double tick : x.ticks()) {
        body += line("axis", x.pixel(tick), area.bottom, x.pixel(tick), area.bottom + 4.0);
        body +=
            label("tick middle", x.pixel(tick), area.bottom + 17.0, x.text(tick, x_axis.percent));
    }
    body += line("axis", area.left, area.bottom, area.right, area.bottom);
    body += label("tick end", area.right, area.bottom + 33.0, x_axis.label);
    body += label("tick", 0.0, area.top - 13.0, y_axis.label);
    return body;
}

/// One polyline a run of finite points; points that would fall on one pixel are one.
std::string polylines(const ChartSeries& series, std::size_t colour, const Scale& x,
                      const Scale& y) {
    const std::string style = "line c" + std::to_string(colour % kNumColours);
    std::string body;
    std::string points;
    ChartPoint drawn{};
    for (std::size_t i = 0; i <= series.points.size(); ++i) {
        const bool ends = i == series.points.size() || !std::isfinite(series.points[i].x) ||
                          !std::isfinite(series.points[i].y);
        if (ends) {
            if (!points.empty()) {
                body.append("<polyline").append(attribute("class", style));
                body.append(attribute("points", points)).append("/>\n");
            }
            points.clear();
            continue;
        }
        const ChartPoint pixel{x.pixel(series.points[i].x), y.pixel(series.points[i].y)};
        const bool is_last = i + 1 == series.points.size();
        if (points.empty() || is_last || std::abs(pixel.x - drawn.x) >= 0.5 ||
            std::abs(pixel.y - drawn.y) >= 0.5) {
            points.append(points.empty() ? "" : " ").append(number(pixel.x));
            points.append(",").append(number(pixel.y));
            drawn = pixel;
        }
    }
    return body;
}

struct Legend {
    std::string body;
    double height = 0.0;
};

Legend legend_of(const std::vector<ChartSeries>& series, double width) {
    Legend legend;
    if (series.size() < 2) {
        return legend;
    }
    double x = 0.0;
    double y = 32.0;
    for (std::size_t i = 0; i < series.size(); ++i) {
        const double needed = 26.0 + text_width(series[i].name) + 14.0;
        if (x > 0.0 && x + needed > width) {
            x = 0.0;
            y += kLine;
        }
        legend.body += line("line c" + std::to_string(i % kNumColours), x, y, x + 20.0, y);
        legend.body += label("tick", x + 26.0, y + 4.0, series[i].name);
        x += needed;
    }
    legend.height = y - 32.0 + kLine;
    return legend;
}

}  // namespace

std::string chart_style() {
    return R"(:root {
  color-scheme: light dark;
  --page: #ffffff; --panel: #f6f7f9; --ink: #1b2127; --soft: #5a6570; --rule: #d9dee3;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b0558a; --c4: #a87400; --c5: #3f97d0;
  --quiet: #aeb7c0; --heat: #08519c; --heat-ink: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181d; --panel: #1c2228; --ink: #e6eaee; --soft: #9aa6b2; --rule: #323b44;
    --c0: #56b4e9; --c1: #f0803c; --c2: #2cc79b; --c3: #dd8fbb; --c4: #e6b23c; --c5: #9fcdf0;
    --quiet: #5d6975; --heat: #2b78bb; --heat-ink: #ffffff;
  }
}
.chart { display: block; width: 100%; height: auto; }
.chart text { font: 12px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif;
  fill: var(--ink); font-variant-numeric: tabular-nums; }
.chart .title { font-size: 13px; font-weight: 600; }
.chart .tick { fill: var(--soft); }
.chart .end { text-anchor: end; }
.chart .middle { text-anchor: middle; }
.chart .small { font-size: 10px; }
.chart .strong { font-weight: 600; }
.chart .on-heat { fill: var(--heat-ink); }
.chart .grid { stroke: var(--rule); stroke-width: 1; }
.chart .axis { stroke: var(--soft); stroke-width: 1; }
.chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.chart .c0 { stroke: var(--c0); }
.chart .c1 { stroke: var(--c1); stroke-dasharray: 7 4; }
.chart .c2 { stroke: var(--c2); stroke-dasharray: 2 4; }
.chart .c3 { stroke: var(--c3); stroke-dasharray: 9 4 2 4; }
.chart .c4 { stroke: var(--c4); stroke-dasharray: 12 5; }
.chart .c5 { stroke: var(--c5); stroke-dasharray: 4 3; }
.chart .mark { fill: var(--page); stroke: var(--c1); stroke-width: 2.5; }
.chart .ideal { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 4 4; }
.chart .cell { fill: var(--heat); }
.chart .frame { fill: none; stroke: var(--rule); }
.chart .hit { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.chart .ours { fill: var(--c0); }
.chart .theirs { fill: var(--quiet); }
.chart .gap { fill: var(--c1); fill-opacity: 0.35; }
.chart .confidence { stroke: var(--c1); stroke-width: 2.5; }
.chart .whisker { stroke: var(--ink); stroke-width: 1.5; }
)";
}

std::string escaped(std::string_view text) {
    std::string result;
    for (const char letter : text) {
        switch (letter) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            case '\'': result += "&#39;"; break;
            case '\t':
            case '\n': result += letter; break;
            default:
                // XML has no other control characters, not even escaped.
                result += letter >= '\0' && letter < ' ' ? std::string("\xEF\xBF\xBD")
                                                         : std::string(1, letter);
        }
    }
    return result;
}

std::vector<double> nice_ticks(double low, double high, std::size_t most) {
    if (!std::isfinite(low) || !std::isfinite(high)) {
        low = 0.0;
        high = 1.0;
    }
    if (low >= high) {
        const double around = low == 0.0 ? 1.0 : 0.1 * std::abs(low);
        high = low + around;
        low -= around;
    }
    const double power = std::pow(10.0, std::floor(std::log10(high - low)) - 1.0);
    double step = power;
    double first = 0.0;
    std::size_t count = 0;
    // The last of them is at least as wide as the range.
    for (const double factor : {1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0}) {
        step = factor * power;
        first = std::floor(low / step + 1e-9);
        count = static_cast<std::size_t>(std::ceil(high / step - 1e-9) - first) + 1;
        if (count <= std::max<std::size_t>(most, 2)) {
            break;
        }
    }
    std::vector<double> ticks;
    ticks.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        ticks.push_back((first + static_cast<double>(i)) * step);
    }
    return ticks;
}

std::string line_chart(const LineChart& chart) {
    std::vector<double> xs;
    std::vector<double> ys;
    const auto take = [&](const ChartPoint& point) {
        if (std::isfinite(point.x) && std::isfinite(point.y)) {
            xs.push_back(point.x);
            ys.push_back(point.y);
        }
    };
    for (const ChartSeries& series : chart.series) {
        std::ranges::for_each(series.points, take);
    }
    const bool is_empty = xs.empty();
    if (chart.mark.has_value()) {
        take(*chart.mark);
    }
    const Legend legend = legend_of(chart.series, chart.width);
    const Area area{44.0, (chart.y.label.empty() ? 32.0 : 50.0) + legend.height, chart.width - 14.0,
                    chart.height - 38.0};
    // Epochs and shares are drawn to the edges; only y is widened to ticks.
    ChartAxis x_axis = chart.x;
    if (!x_axis.range.has_value() && !is_empty) {
        const auto [low, high] = std::ranges::minmax(xs);
        x_axis.range = Interval{low, high};
    }
    const Scale x = scale_of(x_axis, xs, area.left, area.right, 8);
    const Scale y = scale_of(chart.y, ys, area.bottom, area.top, 6);
    std::string body = legend.body + axes(area, x, y, chart.x, chart.y);
    for (std::size_t i = 0; i < chart.series.size(); ++i) {
        body += polylines(chart.series[i], i, x, y);
    }
    if (is_empty) {
        body += label("tick middle", (area.left + area.right) / 2.0, (area.top + area.bottom) / 2.0,
                      "no data");
    }
    if (chart.mark.has_value() && std::isfinite(chart.mark->x) && std::isfinite(chart.mark->y)) {
        const double dot_x = x.pixel(chart.mark->x);
        const double dot_y = y.pixel(chart.mark->y);
        body += "<circle class=\"mark\"" + attribute("cx", dot_x) + attribute("cy", dot_y) +
                " r=\"5\"/>\n";
        const bool fits_left = dot_x - 10.0 - text_width(chart.mark_text) > area.left;
        body += label(fits_left ? "strong end" : "strong", dot_x + (fits_left ? -10.0 : 10.0),
                      std::max(dot_y - 10.0, area.top + 10.0), chart.mark_text);
    }
    return drawing("lines", chart.title, chart.width, chart.height, body);
}

std::string confusion_chart(const std::string& title, std::span<const std::string> labels,
                            const ConfusionMatrix& matrix) {
    constexpr double kCellWidth = 64.0;
    constexpr double kCellHeight = 42.0;
    constexpr double kInkTurns = 0.7;  // darker cells want light letters
    std::vector<std::size_t> rows;
    std::vector<std::size_t> columns;
    double widest = text_width("said \\ heard");
    for (std::size_t i = 0; i < matrix.num_labels(); ++i) {
        widest = std::max(widest, text_width(labels[i]));
        bool is_answered = false;
        for (std::size_t truth = 0; truth < matrix.num_labels(); ++truth) {
            is_answered = is_answered || matrix.count(truth, i) > 0;
        }
        if (matrix.truths(i) > 0) {
            rows.push_back(i);
        }
        if (matrix.truths(i) > 0 || is_answered) {
            columns.push_back(i);
        }
    }
    const double left = widest + 12.0;
    const double top = 48.0;
    std::string body = label("tick", 0.0, top - 8.0, "said \\ heard");
    for (std::size_t c = 0; c < columns.size(); ++c) {
        body += label("middle", left + (static_cast<double>(c) + 0.5) * kCellWidth, top - 8.0,
                      labels[columns[c]]);
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const double y = top + static_cast<double>(r) * kCellHeight;
        const std::size_t all = matrix.truths(rows[r]);
        body += label("end", left - 8.0, y + kCellHeight / 2.0 + 4.0, labels[rows[r]]);
        for (std::size_t c = 0; c < columns.size(); ++c) {
            const double x = left + static_cast<double>(c) * kCellWidth;
            const std::size_t count = matrix.count(rows[r], columns[c]);
            const double share = static_cast<double>(count) / static_cast<double>(all);
            const std::string ink = share > kInkTurns ? " on-heat" : "";
            body +=
                "<g><title>" + escaped(labels[rows[r]]) + " heard as " +
                escaped(labels[columns[c]]) + ": " + std::to_string(count) + " of " +
                std::to_string(all) + "</title>\n" +
                rectangle("cell", x, y, kCellWidth, kCellHeight, attribute("fill-opacity", share)) +
                rectangle("frame", x, y, kCellWidth, kCellHeight) +
                label("middle" + ink, x + kCellWidth / 2.0, y + 18.0, std::to_string(count)) +
                label("middle small" + ink, x + kCellWidth / 2.0, y + 33.0, percent(share) + " %") +
                "</g>\n";
        }
    }
    // Last, so that no neighbour draws over it.
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const auto c = static_cast<double>(std::ranges::find(columns, rows[r]) - columns.begin());
        body += rectangle("hit", left + c * kCellWidth, top + static_cast<double>(r) * kCellHeight,
                          kCellWidth, kCellHeight);
    }
    return drawing("confusion", title,
                   std::max(left + static_cast<double>(columns.size()) * kCellWidth + 2.0,
                            text_width(title) * 1.15),
                   top + static_cast<double>(rows.size()) * kCellHeight + 2.0, body);
}

std::string reliability_chart(const std::string& title, std::span<const ReliabilityBin> bins) {
    constexpr double kWidth = 360.0;
    constexpr double kHeight = 400.0;
    constexpr double kHistogram = 44.0;
    const Area area{44.0, 70.0, kWidth - 14.0, kHeight - 38.0 - kHistogram - 12.0};
    const ChartAxis x_axis{"confidence %", Interval{0.0, 1.0}, true};
    const ChartAxis y_axis{"right %", Interval{0.0, 1.0}, true};
    const Scale x = scale_of(x_axis, {}, area.left, area.right, 6);
    const Scale y = scale_of(y_axis, {}, area.bottom, area.top, 6);
    std::size_t most = 1;
    for (const ReliabilityBin& bin : bins) {
        most = std::max(most, bin.count);
    }
    const double ground = kHeight - 38.0;
    std::string body = rectangle("ours", 0.0, 24.0, 12.0, 12.0) +
                       label("tick", 18.0, 34.0, "right answers") +
                       rectangle("gap", 122.0, 24.0, 12.0, 12.0) +
                       label("tick", 140.0, 34.0, "gap to the mean confidence");
    for (const double tick : y.ticks()) {
        body += line("grid", area.left, y.pixel(tick), area.right, y.pixel(tick));
        body += label("tick end", area.left - 6.0, y.pixel(tick) + 4.0, y.text(tick, true));
    }
    body += label("tick", 0.0, area.top - 13.0, y_axis.label);
    for (const ReliabilityBin& bin : bins) {
        if (bin.count == 0) {
            continue;
        }
        const double from = x.pixel(bin.low) + 1.0;
        const double width = x.pixel(bin.high) - x.pixel(bin.low) - 2.0;
        const double upper = y.pixel(std::max(bin.accuracy, bin.confidence));
        const double lower = y.pixel(std::min(bin.accuracy, bin.confidence));
        const double share = static_cast<double>(bin.count) / static_cast<double>(most);
        body += "<g><title>confidence " + percent(bin.low, 1) + " to " + percent(bin.high, 1) +
                " %: " + std::to_string(bin.count) + " answers, " + percent(bin.accuracy, 1) +
                " % right</title>\n" +
                rectangle("ours", from, y.pixel(bin.accuracy), width,
                          area.bottom - y.pixel(bin.accuracy)) +
                rectangle("gap", from, upper, width, lower - upper) +
                line("confidence", from, y.pixel(bin.confidence), from + width,
                     y.pixel(bin.confidence)) +
                rectangle("theirs", from, ground - share * kHistogram, width, share * kHistogram) +
                "</g>\n";
    }
    body += line("ideal", x.pixel(0.0), y.pixel(0.0), x.pixel(1.0), y.pixel(1.0));
    body += line("axis", area.left, area.bottom, area.right, area.bottom);
    body += label("tick end", area.left - 6.0, ground - kHistogram / 2.0 + 4.0, "clips");
    for (const double tick : x.ticks()) {
        body += line("axis", x.pixel(tick), ground, x.pixel(tick), ground + 4.0);
        body += label("tick middle", x.pixel(tick), ground + 17.0, x.text(tick, true));
    }
    body += line("axis", area.left, ground, area.right, ground);
    body += label("tick end", area.right, ground + 33.0, x_axis.label);
    return drawing("reliability", title, kWidth, kHeight, body);
}

std::string bar_chart(const std::string& title, const std::string& axis_label,
                      std::span<const Bar> bars) {
    constexpr double kWidth = 640.0;
    constexpr double kRow = 26.0;
    double widest = 60.0;
    double largest = 0.1;
    for (const Bar& bar : bars) {
        widest = std::max(widest, text_width(bar.name));
        largest = std::max({largest, bar.value, bar.whisker.value_or(Interval{}).high});
    }
    const Area area{std::min(widest, 300.0) + 12.0, 28.0, kWidth - 48.0,
                    28.0 + kRow * static_cast<double>(bars.size())};
    const std::vector<double> ticks = nice_ticks(0.0, largest, 8);
    const Scale x(ticks, 0.0, std::min(ticks.back(), std::max(1.0, largest)), area.left,
                  area.right);
    std::string body;
    for (const double tick : x.ticks()) {
        body += line("grid", x.pixel(tick), area.top, x.pixel(tick), area.bottom);
        body += label("tick middle", x.pixel(tick), area.bottom + 16.0, x.text(tick, true));
    }
    double y = area.top;
    for (const Bar& bar : bars) {
        const double end = x.pixel(bar.value);
        body += label(bar.is_ours ? "strong end" : "end", area.left - 8.0, y + 17.0, bar.name);
        body += rectangle(bar.is_ours ? "ours" : "theirs", area.left, y + 4.0, end - area.left,
                          kRow - 8.0);
        if (bar.whisker.has_value()) {
            const double low = x.pixel(bar.whisker->low);
            const double high = x.pixel(bar.whisker->high);
            const double middle = y + kRow / 2.0;
            body += line("whisker", low, middle, high, middle) +
                    line("whisker", low, middle - 5.0, low, middle + 5.0) +
                    line("whisker", high, middle - 5.0, high, middle + 5.0);
        }
        body += label(bar.is_ours ? "strong end" : "end", kWidth, y + 17.0,
                      percent_to_tenth(bar.value));
        y += kRow;
    }
    body += line("axis", area.left, area.top, area.left, area.bottom);
    body += label("tick end", area.right, area.bottom + 33.0, axis_label);
    return drawing("bars", title, kWidth, area.bottom + 38.0, body);
}

}  // namespace emotiond::model
