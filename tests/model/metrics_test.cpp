#include "model/training/metrics.hpp"

#include <gtest/gtest.h>

namespace emotiond::model {
namespace {

TEST(ConfusionMatrix, FiguresAreThoseOfTheTextbook) {
    // truth \ answer   a  b  c
    //              a   3  1  0      recall 3/4
    //              b   2  3  1      recall 3/6
    //              c   does not occur, but is answered once
    ConfusionMatrix matrix(3);
    for (int i = 0; i < 3; ++i) {
        matrix.add(0, 0);
    }
    matrix.add(0, 1);
    for (int i = 0; i < 2; ++i) {
        matrix.add(1, 0);
    }
    for (int i = 0; i < 3; ++i) {
        matrix.add(1, 1);
    }
    matrix.add(1, 2);
    EXPECT_EQ(matrix.total(), 10U);
    EXPECT_DOUBLE_EQ(matrix.unweighted_accuracy(), (3.0 / 4 + 3.0 / 6) / 2);
    EXPECT_DOUBLE_EQ(matrix.weighted_accuracy(), 0.6);
    // F1: a: p 3/5, r 3/4; b: p 3/4, r 1/2.
    EXPECT_DOUBLE_EQ(matrix.macro_f1(), (2.0 / 3 + 0.6) / 2);
}

TEST(ConfusionMatrix, AddsUpAndTellsItselfAsJson) {
    ConfusionMatrix one(2);
    one.add(0, 0);
    ConfusionMatrix other(2);
    other.add(0, 1);
    one.add(other);
    const auto json = one.to_json({"yes", "no"});
    EXPECT_EQ(json["clips"], 2);
    EXPECT_EQ(json["ua"], 0.5);
    EXPECT_EQ(json["labels"]["yes"]["answers"]["no"], 1);
    EXPECT_FALSE(json["labels"].contains("no"));
}

TEST(ConfusionMatrix, EmptyIsZeroAndNotNan) {
    const ConfusionMatrix matrix(4);
    EXPECT_EQ(matrix.unweighted_accuracy(), 0.0);
    EXPECT_EQ(matrix.weighted_accuracy(), 0.0);
    EXPECT_EQ(matrix.macro_f1(), 0.0);
}

}  // namespace
}  // namespace emotiond::model
