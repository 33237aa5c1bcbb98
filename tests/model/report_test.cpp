#include "model/training/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/model/markup.hpp"

namespace emotiond::model {
namespace {

using test::count_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Two corpora under two protocols, three seeds; every fourth answer is wrong.
ReportInput a_run() {
    ReportInput input;
    input.title = "Run <1> & only";
    input.predictions.labels = {"angry", "happy", "sad"};
    input.predictions.corpus_labels = {{"acted", {0, 1, 2}}, {"spoken", {0, 2}}};
    const auto add = [&](const std::string& protocol, const std::string& corpus) {
        const auto& labels = input.predictions.corpus_labels.at(corpus);
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            for (std::size_t i = 0; i < 24; ++i) {
                const std::size_t truth = labels[i % labels.size()];
                Prediction one{protocol,          "1",  corpus, corpus + std::to_string(i / 6),
                               std::to_string(i), seed, truth,  {0.2F, 0.2F, 0.2F},
                               {0.1F, 0.1F, 0.1F}};
                const std::size_t answer = i % 4 == 3 ? (truth + 1) % 3 : truth;
                one.scores[answer] = 0.6F;
                one.uncalibrated[answer] = 0.8F;
                input.predictions.predictions.push_back(one);
            }
        }
    };
    add("P1", "acted");
    add("P2", "spoken");
    add("PS", "acted");
    input.published = {{"P1", "acted", "A <b> net", 0.9}, {"P2", "acted", "not shown", 0.1}};
    input.curves = {{"round 1", 1, {{1, 2.0, 0.3}, {2, 1.0, 0.5}}},
                    {"round 1", 2, {{1, 2.1, 0.2}}},
                    {"round 2", 1, {}}};
    input.configuration = {{"recipe", {{"epochs", 30}, {"note", "</pre><script>"}}}};
    input.version = "1.2.3";
    input.command_line = "emotiond evaluate --data \"a b\" <x>";
    input.machine = "a machine";
    input.started = "2024-02-29 12:00 UTC";
    input.seconds = 5400.0;
    return input;
}

TEST(Report, IsOnePageThatNeedsNothingElse) {
    const ReportInput input = a_run();
    const std::string html = html_report(input, summarize(input));
    EXPECT_EQ(test::markup_error(html), "");
    for (const char* foreign : {"<script", "<link", "<img", "src=", "url(", "@import", "nan"}) {
        EXPECT_THAT(html, Not(HasSubstr(foreign))) << foreign;
    }
    // The namespace of SVG is the only address of the web.
    EXPECT_EQ(count_of(html, "http"), count_of(html, "http://www.w3.org/2000/svg"));
    EXPECT_THAT(html, AllOf(HasSubstr("Run &lt;1&gt; &amp; only"), HasSubstr("1 h 30 min"),
                            HasSubstr("prefers-color-scheme: dark"),
                            HasSubstr("&lt;/pre&gt;&lt;script&gt;")));
}

TEST(Report, HasASectionForEachProtocolAndCorpus) {
    const ReportInput input = a_run();
    const std::string html = html_report(input, summarize(input));
    for (const char* anchor : {"acted-P1", "spoken-P2", "acted-PS"}) {
        EXPECT_THAT(html, AllOf(HasSubstr(std::string("<section id=\"") + anchor),
                                HasSubstr(std::string("href=\"#") + anchor)));
    }
    EXPECT_EQ(count_of(html, "class=\"chart confusion\""), 3U);
    EXPECT_EQ(count_of(html, "class=\"chart reliability\""), 6U);
    EXPECT_EQ(count_of(html, "class=\"chart bars\""), 1U);
    EXPECT_EQ(count_of(html, "class=\"chart lines\""), 3U + 4U);  // two rounds of two each
    EXPECT_THAT(html, AllOf(HasSubstr("A &lt;b&gt; net"), Not(HasSubstr("not shown"))));
}

TEST(Report, MarksWhatLeaks) {
    const ReportInput input = a_run();
    const Summary summary = summarize(input);
    // In the table and above its section.
    EXPECT_EQ(count_of(html_report(input, summary), "<span class=\"badge\""), 2U);
    EXPECT_EQ(count_of(text_tables(summary), "acted PS (leaky)"), 1U);
    EXPECT_EQ(count_of(markdown_tables(summary), "acted PS (leaky)"), 2U);
    EXPECT_EQ(json_report(input, summary)["results"][2]["leaky"], true);
    EXPECT_EQ(json_report(input, summary)["results"][0]["leaky"], false);
}

TEST(Report, TellsTheSameNumbersEverywhere) {
    const ReportInput input = a_run();
    const Summary summary = summarize(input);
    // Of 24 clips every fourth is wrong: 75 %, two of eight of each label.
    const auto json = json_report(input, summary);
    EXPECT_EQ(json["results"][0]["ua"]["mean"], 0.75);
    EXPECT_EQ(json["results"][0]["seeds"], 3);
    EXPECT_EQ(json["results"][0]["clips"], 24);
    EXPECT_EQ(json["results"][0]["calibration"]["before"]["ece"], 0.05);
    EXPECT_EQ(json["results"][0]["calibration"]["after"]["ece"], 0.15);
    EXPECT_EQ(json["results"][0]["all_seeds"]["labels"]["angry"]["recall"], 0.75);
    for (const std::string& text :
         {html_report(input, summary), text_tables(summary), markdown_tables(summary)}) {
        EXPECT_THAT(text, AllOf(HasSubstr("75.0 ± 0.0"), HasSubstr("15.0"), HasSubstr("5.0")));
    }
    EXPECT_THAT(verdict(summary), HasSubstr("in 75.0 % of cases"));
    EXPECT_THAT(html_report(input, summary), HasSubstr(verdict(summary)));
}

TEST(Report, PrintsTablesAsTheResultsHaveThem) {
    const std::string markdown = markdown_tables(summarize(a_run()));
    EXPECT_THAT(markdown, HasSubstr("| said \\ heard | angry | happy | sad | recall % |\n"
                                    "|---|---:|---:|---:|---:|\n"
                                    "| angry | 18 | 6 | 0 | 75.0 |\n"));
}

TEST(Verdict, SaysWhatALeakyRunIsWorth) {
    ReportInput input = a_run();
    std::erase_if(input.predictions.predictions,
                  [](const Prediction& one) { return one.protocol != "PS"; });
    EXPECT_THAT(verdict(summarize(input)),
                AllOf(HasSubstr("that it knows from training"), HasSubstr("No new voice")));
}

TEST(Report, OfNothingIsStillAPage) {
    const ReportInput input;
    const Summary summary = summarize(input);
    EXPECT_EQ(test::markup_error(html_report(input, summary)), "");
    EXPECT_THAT(html_report(input, summary), HasSubstr("no predictions"));
    EXPECT_TRUE(json_report(input, summary)["results"].empty());
    EXPECT_FALSE(text_tables(summary).empty());
}

}  // namespace
}  // namespace emotiond::model
