#include "dsp/voice_detector.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace emotiond::dsp {
namespace {

VoiceDetector::Weights random_weights(std::size_t num_features, std::size_t num_units,
                                      unsigned seed, float spread = 0.5F) {
    std::minstd_rand random(seed);
    std::normal_distribution<float> normal(0.0F, spread);
    const auto draw = [&](std::size_t size) {
        std::vector<float> values(size);
        for (float& value : values) {
            value = normal(random);
        }
        return values;
    };
    VoiceDetector::Weights weights;
    weights.num_features = num_features;
    weights.num_units = num_units;
    weights.input = draw(3 * num_units * num_features);
    weights.input_bias = draw(3 * num_units);
    weights.recurrent = draw(3 * num_units * num_units);
    weights.recurrent_bias = draw(3 * num_units);
    weights.output = draw(num_units);
    weights.output_bias = normal(random);
    return weights;
}

std::vector<float> random_rows(std::size_t count, std::size_t num_features, unsigned seed) {
    std::minstd_rand random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> rows(count * num_features);
    for (float& value : rows) {
        value = normal(random);
    }
    return rows;
}

std::vector<float> answers(VoiceDetector& detector, const std::vector<float>& rows,
                           std::size_t num_features) {
    std::vector<float> result;
    for (std::size_t at = 0; at < rows.size(); at += num_features) {
        result.push_back(detector.push(std::span(rows).subspan(at, num_features)));
    }
    return result;
}

/// The equations, in double and without a kernel.
std::vector<double> by_the_book(const VoiceDetector::Weights& w, const std::vector<float>& rows) {
    const std::size_t n = w.num_units;
    const auto sigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
    std::vector<double> state(n);
    std::vector<double> result;
    for (std::size_t at = 0; at < rows.size(); at += w.num_features) {
        std::vector<double> from_row(3 * n);
        std::vector<double> from_state(3 * n);
        for (std::size_t gate = 0; gate < 3 * n; ++gate) {
            from_row[gate] = static_cast<double>(w.input_bias[gate]);
            from_state[gate] = static_cast<double>(w.recurrent_bias[gate]);
            for (std::size_t i = 0; i < w.num_features; ++i) {
                from_row[gate] += static_cast<double>(w.input[gate * w.num_features + i]) *
                                  static_cast<double>(rows[at + i]);
            }
            for (std::size_t i = 0; i < n; ++i) {
                from_state[gate] += static_cast<double>(w.recurrent[gate * n + i]) * state[i];
            }
        }
        double logit = static_cast<double>(w.output_bias);
        for (std::size_t i = 0; i < n; ++i) {
            const double reset = sigmoid(from_row[i] + from_state[i]);
            const double update = sigmoid(from_row[n + i] + from_state[n + i]);
            const double fresh = std::tanh(from_row[2 * n + i] + reset * from_state[2 * n + i]);
            state[i] = (1.0 - update) * fresh + update * state[i];
            logit += static_cast<double>(w.output[i]) * state[i];
        }
        result.push_back(sigmoid(logit));
    }
    return result;
}

TEST(VoiceDetector, IsAGatedRecurrentUnit) {
    for (const auto& [num_features, num_units] :
         {std::pair<std::size_t, std::size_t>{32, 32}, {13, 8}, {1, 24}}) {
        for (const float spread : {0.1F, 0.3F}) {  // wilder ones are chaotic
            const auto weights = random_weights(num_features, num_units, 1, spread);
            const auto rows = random_rows(300, num_features, 2);
            VoiceDetector detector(weights);
            const auto got = answers(detector, rows, num_features);
            const auto expected = by_the_book(weights, rows);
            for (std::size_t i = 0; i < got.size(); ++i) {
                EXPECT_NEAR(got[i], expected[i], 2e-4) << "row " << i;
            }
        }
    }
}

TEST(VoiceDetector, RemembersAndForgets) {
    VoiceDetector detector(random_weights(5, 16, 3));
    const auto rows = random_rows(50, 5, 4);
    const auto first = answers(detector, rows, 5);
    EXPECT_NE(answers(detector, rows, 5), first);
    detector.reset();
    EXPECT_EQ(answers(detector, rows, 5), first);
}

TEST(VoiceDetector, StaysAProbabilityWhateverTheRow) {
    VoiceDetector detector(random_weights(5, 16, 3));
    for (const float value : {0.0F, 1e6F, -1e6F, 1e30F, -1e30F}) {
        const std::vector<float> row(5, value);
        for (int i = 0; i < 10; ++i) {
            const float speech = detector.push(row);
            EXPECT_TRUE(speech >= 0.0F && speech <= 1.0F) << speech << " of " << value;
        }
    }
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(std::isfinite(detector.push(std::vector<float>(5, 0.1F))));
    }
}

TEST(VoiceDetector, HearsAgainBehindARowThatIsNoNumber) {
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    VoiceDetector detector(random_weights(5, 16, 3));
    const auto rows = random_rows(50, 5, 4);
    const auto first = answers(detector, rows, 5);
    for (const std::vector<float>& row : {std::vector<float>(5, kNan),
                                          {0.0F, kNan, 0.0F, 0.0F, 0.0F},
                                          std::vector<float>(5, kInfinity)}) {
        EXPECT_EQ(detector.push(row), 0.0F);
        EXPECT_EQ(answers(detector, rows, 5), first);
    }
    for (const float value : {kInfinity, -kInfinity}) {
        EXPECT_TRUE(std::isfinite(detector.push(std::vector{0.0F, value, 0.0F, 0.0F, 0.0F})));
        EXPECT_TRUE(std::isfinite(detector.push(std::vector<float>(5, 0.1F))));
    }
}

TEST(VoiceDetector, RefusesWeightsThatDoNotFit) {
    const auto complaint = [](auto&& change) -> std::string {
        auto weights = random_weights(5, 16, 3);
        change(weights);
        try {
            const VoiceDetector detector(weights);
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "valid";
    };
    using Weights = VoiceDetector::Weights;
    EXPECT_EQ(complaint([](Weights&) {}), "valid");
    EXPECT_EQ(complaint([](Weights& w) { w.num_units = 12; }),
              "voice detector: needs features, and units in a multiple of 8 up to 1024, got 5 and "
              "12");
    EXPECT_EQ(complaint([](Weights& w) { w.num_features = 6; }),
              "voice detector: input needs 288 values, got 240");
    EXPECT_EQ(complaint([](Weights& w) { w.recurrent.pop_back(); }),
              "voice detector: recurrent needs 768 values, got 767");
    EXPECT_EQ(complaint([](Weights& w) { w.output[3] = std::numeric_limits<float>::quiet_NaN(); }),
              "voice detector: output has values that are not finite");
}

}  // namespace
}  // namespace emotiond::dsp
