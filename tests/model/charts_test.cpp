#include "model/training/charts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/model/markup.hpp"

namespace emotiond::model {
namespace {

using test::count_of;
using test::markup_error;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A drawing that can be shown: well-formed, named, and with no number that is none.
void expect_sound(const std::string& svg) {
    EXPECT_EQ(markup_error(svg), "");
    EXPECT_THAT(svg, testing::StartsWith("<svg "));
    EXPECT_THAT(svg, HasSubstr("viewBox=\"0 0 "));
    EXPECT_THAT(svg, HasSubstr("role=\"img\" aria-label=\""));
    EXPECT_THAT(svg, HasSubstr("<title>"));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(MarkupError, SeesWhatIsBroken) {
    EXPECT_EQ(markup_error("<a x=\"1\"><b/>t &amp; u</a>\n"), "");
    EXPECT_NE(markup_error("<a><b></a></b>"), "");
    EXPECT_NE(markup_error("<a>"), "");
    EXPECT_NE(markup_error("<a x=1/>"), "");
    EXPECT_NE(markup_error("<a x=\"1\" x=\"2\"></a>"), "");
    EXPECT_NE(markup_error("<a>1 < 2</a>"), "");
    EXPECT_NE(markup_error("<a>b & c</a>"), "");
    EXPECT_NE(markup_error("<a></a><b></b>"), "");
}

TEST(Escaped, TextCanStandInAnAttribute) {
    EXPECT_EQ(escaped("a<b> & \"c\" 'd' ä"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39; ä");
    EXPECT_EQ(escaped(std::string_view("\0\x1b", 2)), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(NiceTicks, AreRoundAndCoverTheRange) {
    const auto near = [](double value) { return DoubleNear(value, 1e-12); };
    EXPECT_THAT(nice_ticks(0.0, 1.0),
                ElementsAre(near(0.0), near(0.2), near(0.4), near(0.6), near(0.8), near(1.0)));
    EXPECT_THAT(nice_ticks(0.13, 0.58),
                ElementsAre(near(0.1), near(0.2), near(0.3), near(0.4), near(0.5), near(0.6)));
    EXPECT_THAT(nice_ticks(1.0, 30.0, 5),
                ElementsAre(near(0.0), near(10.0), near(20.0), near(30.0)));
    EXPECT_THAT(nice_ticks(-3.0, 7.0, 4),
                ElementsAre(near(-5.0), near(0.0), near(5.0), near(10.0)));
    EXPECT_THAT(nice_ticks(0.0, 4e-7, 3), ElementsAre(0.0, near(2e-7), near(4e-7)));
}

TEST(NiceTicks, OfNoRangeAreThoseAround) {
    for (const auto& [low, high] : {std::pair{0.5, 0.5},
                                    {0.0, 0.0},
                                    {-2.0, -2.0},
                                    {kNan, 1.0},
                                    {0.0, std::numeric_limits<double>::infinity()}}) {
        const auto ticks = nice_ticks(low, high);
        ASSERT_GE(ticks.size(), 2U);
        EXPECT_LT(ticks.front(), ticks.back());
    }
}

LineChart simple_chart() {
    LineChart chart;
    chart.title = "loss & <UA>";
    chart.x = {"epoch", Interval{0.0, 10.0}, false};
    chart.y = {"loss", Interval{0.0, 2.0}, false};
    chart.series = {{"one", {{0.0, 0.0}, {5.0, 1.0}, {10.0, 2.0}}}};
    chart.width = 158.0;   // 100 beside the margins
    chart.height = 188.0;  // 100 beside them
    return chart;
}

TEST(LineChart, PutsPointsWhereTheyBelong) {
    const std::string svg = line_chart(simple_chart());
    expect_sound(svg);
    EXPECT_THAT(svg, HasSubstr("points=\"44,150 94,100 144,50\""));
    EXPECT_THAT(svg, HasSubstr("aria-label=\"loss &amp; &lt;UA&gt;\""));
    EXPECT_THAT(svg, Not(HasSubstr(">one<")));  // a single line needs no legend
}

TEST(LineChart, NamesItsTicks) {
    LineChart chart = simple_chart();
    chart.y = {"wrong %", Interval{0.0, 0.5}, true};
    const std::string svg = line_chart(chart);
    for (const char* tick : {">0<", ">10<", ">20<", ">30<", ">40<", ">50<"}) {
        EXPECT_THAT(svg, HasSubstr(tick));
    }
    chart.y = {"loss", Interval{0.0, 0.1}, false};
    EXPECT_THAT(line_chart(chart), HasSubstr(">0.02<"));
}

TEST(LineChart, WidensTheRangeOfYToTicks) {
    LineChart chart = simple_chart();
    chart.x.range.reset();
    chart.y.range.reset();
    chart.series[0].points = {{1.0, 0.13}, {3.0, 0.58}};
    const std::string svg = line_chart(chart);
    // 0.1 to 0.6 are 100 pixels.
    EXPECT_THAT(svg, HasSubstr("points=\"44,144 144,54\""));
}

TEST(LineChart, HasALegendAndAMark) {
    LineChart chart = simple_chart();
    chart.series.push_back({"two <b>", {{0.0, 2.0}, {10.0, 0.0}}});
    chart.mark = ChartPoint{5.0, 1.0};
    chart.mark_text = "here";
    const std::string svg = line_chart(chart);
    expect_sound(svg);
    EXPECT_THAT(svg, HasSubstr(">one<"));
    EXPECT_THAT(svg, HasSubstr(">two &lt;b&gt;<"));
    EXPECT_THAT(svg, HasSubstr("class=\"line c1\" points="));
    EXPECT_THAT(svg, HasSubstr("cx=\"94\""));
    EXPECT_THAT(svg, HasSubstr(">here<"));
}

TEST(LineChart, BreaksTheLineWhereAValueIsMissing) {
    LineChart chart = simple_chart();
    chart.series[0].points = {{0.0, 0.0}, {2.0, 1.0}, {3.0, kNan}, {4.0, 1.0}, {10.0, 2.0}};
    const std::string svg = line_chart(chart);
    expect_sound(svg);
    EXPECT_EQ(count_of(svg, "<polyline"), 2U);
}

TEST(LineChart, OfNothingSaysSo) {
    LineChart chart = simple_chart();
    chart.x.range.reset();
    chart.y.range.reset();
    chart.series.clear();
    expect_sound(line_chart(chart));
    EXPECT_THAT(line_chart(chart), HasSubstr("no data"));
    chart.series = {{"one", {{kNan, 1.0}}}};
    expect_sound(line_chart(chart));
    chart.series = {{"one", {{1.0, 1.0}}}};  // a single epoch
    expect_sound(line_chart(chart));
}

TEST(LineChart, LeavesOutPointsThatFallOnOnePixel) {
    LineChart chart = simple_chart();
    chart.series[0].points.clear();
    for (int i = 0; i <= 100000; ++i) {
        chart.series[0].points.push_back({i / 10000.0, i / 50000.0});
    }
    const std::string svg = line_chart(chart);
    EXPECT_LT(svg.size(), 10000U);
    EXPECT_THAT(svg, HasSubstr("144,50\""));  // the last one stays
}

TEST(ConfusionChart, ShowsCountsAndSharesOfTheRow) {
    ConfusionMatrix matrix(3);
    for (int i = 0; i < 3; ++i) {
        matrix.add(0, 0);
    }
    matrix.add(0, 1);
    matrix.add(1, 1);
    const std::vector<std::string> labels{"angry", "h&ppy", "never"};
    const std::string svg = confusion_chart("Confusion", labels, matrix);
    expect_sound(svg);
    EXPECT_THAT(svg, HasSubstr("angry heard as angry: 3 of 4"));
    EXPECT_THAT(svg, HasSubstr("fill-opacity=\"0.75\""));
    EXPECT_THAT(svg, HasSubstr(">75 %<"));
    EXPECT_THAT(svg, HasSubstr("h&amp;ppy heard as h&amp;ppy: 1 of 1"));
    EXPECT_THAT(svg, Not(HasSubstr("never")));  // neither said nor heard
    EXPECT_EQ(count_of(svg, "class=\"cell\""), 4U);
    EXPECT_EQ(count_of(svg, "class=\"hit\""), 2U);
    EXPECT_EQ(count_of(svg, " on-heat\""), 4U);  // both texts of 75 % and of 100 %
}

TEST(ConfusionChart, HasAColumnForWhatWasOnlyHeard) {
    ConfusionMatrix matrix(2);
    matrix.add(0, 1);
    const std::vector<std::string> labels{"angry", "calm"};
    const std::string svg = confusion_chart("Confusion", labels, matrix);
    EXPECT_EQ(count_of(svg, "class=\"cell\""), 2U);
    EXPECT_THAT(svg, HasSubstr("angry heard as calm: 1 of 1"));
    expect_sound(confusion_chart("Empty", labels, ConfusionMatrix(2)));
}

TEST(ReliabilityChart, DrawsEachBinThatHasAnswers) {
    std::vector<Answer> answers{{0.9, true}, {0.9, true}, {0.9, true}, {0.9, false}, {0.3, false}};
    const std::string svg = reliability_chart("Before", reliability_bins(answers, 10));
    expect_sound(svg);
    EXPECT_EQ(count_of(svg, " answers, "), 2U);
    EXPECT_THAT(svg, HasSubstr("confidence 80 to 90 %: 4 answers, 75 % right"));
    // The plot is 302 by 236 from (44, 306): 75 % are 177 high.
    EXPECT_THAT(svg,
                HasSubstr("class=\"ours\" x=\"286.6\" y=\"129\" width=\"28.2\" height=\"177\""));
    // The fuller bin fills the histogram, the other a quarter of it.
    EXPECT_THAT(svg, HasSubstr("height=\"44\""));
    EXPECT_THAT(svg, HasSubstr("height=\"11\""));
    expect_sound(reliability_chart("Empty", reliability_bins({})));
}

TEST(BarChart, DrawsBarsAndWhiskersToScale) {
    const std::vector<Bar> bars{{"theirs", 0.8, std::nullopt, false},
                                {"ours", 0.4, Interval{0.3, 0.5}, true}};
    const std::string svg = bar_chart("UA", "UA %", bars);
    expect_sound(svg);
    // 0 to 80 % are the 520 pixels from 72 on.
    EXPECT_THAT(svg, HasSubstr("class=\"theirs\" x=\"72\" y=\"32\" width=\"520\""));
    EXPECT_THAT(svg, HasSubstr("class=\"ours\" x=\"72\" y=\"58\" width=\"260\""));
    EXPECT_THAT(svg, HasSubstr("class=\"whisker\" x1=\"267\" y1=\"67\" x2=\"397\" y2=\"67\""));
    EXPECT_THAT(svg, HasSubstr(">40.0<"));
    expect_sound(bar_chart("None", "UA %", {}));
    expect_sound(bar_chart("Broken", "UA %", std::vector<Bar>{{"x", kNan, std::nullopt, true}}));
}

}  // namespace
}  // namespace emotiond::model
