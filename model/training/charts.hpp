#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/training/metrics.hpp"

namespace emotiond::model {

/// SVG pictures of figures, as text to be put into an HTML page: no script, no file, no font of
/// their own. They have a view box and no size, so the page says how wide they are. Their colours
/// are variables of chart_style(), which the page has once; it follows the light or dark scheme of
/// the reader. Series differ in dashes too, and their colours are those of Okabe & Ito 2008, "Color
/// universal design", which colour-blind readers can tell apart.

/// CSS: the colours of both schemes and what the charts' classes mean.
std::string chart_style();

/// Text that can stand in XML and HTML, in an attribute too.
std::string escaped(std::string_view text);

/// Multiples of 1, 2 or 5 times a power of ten that cover [low, high]: as many as are at most
/// `most`, but 2 or 3 where that is less. Where low is not below high, or one is not finite, those
/// of a range around.
std::vector<double> nice_ticks(double low, double high, std::size_t most = 6);

struct ChartPoint {
    double x = 0.0;
    double y = 0.0;
};

struct ChartSeries {
    std::string name;
    std::vector<ChartPoint> points;  ///< x ascending; a point that is not finite breaks the line
};

struct ChartAxis {
    std::string label;
    std::optional<Interval> range;  ///< nothing: that of the points, widened to ticks
    bool percent = false;           ///< 0.5 is written 50 %
};

struct LineChart {
    std::string title;
    ChartAxis x;
    ChartAxis y;
    std::vector<ChartSeries> series;
    std::optional<ChartPoint> mark;  ///< a dot with a text beside it
    std::string mark_text;
    double width = 480.0;  ///< of the view box, in the pixels of its text
    double height = 300.0;
};

/// Lines over common axes; with a legend where there is more than one.
std::string line_chart(const LineChart& chart);

/// Heat map of the labels that occur as truth over all that were answered: each cell has its count
/// and its share of the row, which is its shade too; the diagonal is framed.
std::string confusion_chart(const std::string& title, std::span<const std::string> labels,
                            const ConfusionMatrix& matrix);

/// Accuracy over confidence, the gap between them, and below it how many answers each bin has.
std::string reliability_chart(const std::string& title, std::span<const ReliabilityBin> bins);

struct Bar {
    std::string name;
    double value = 0.0;               ///< 0 to 1, written as percent
    std::optional<Interval> whisker;  ///< of the same kind
    bool is_ours = false;             ///< stands out
};

/// Horizontal bars in the order given, from 0 on.
std::string bar_chart(const std::string& title, const std::string& axis_label,
                      std::span<const Bar> bars);

}  // namespace emotiond::model
