#include "dsp/voice_detector.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "dsp/kernels.hpp"

namespace emotiond::dsp {
namespace {

constexpr std::size_t kMostUnits = 1024;
constexpr std::size_t kNumGates = 3;

std::vector<float> transposed(const std::vector<float>& matrix, std::size_t num_columns) {
    const std::size_t num_rows = matrix.size() / num_columns;
    std::vector<float> result(matrix.size());
    for (std::size_t r = 0; r < num_rows; ++r) {
        for (std::size_t c = 0; c < num_columns; ++c) {
            result[c * num_rows + r] = matrix[r * num_columns + c];
        }
    }
    return result;
}

/// As the kernels take them.
std::shared_ptr<const VoiceDetector::Weights> prepared(VoiceDetector::Weights weights) {
    weights.validate();
    weights.input = transposed(weights.input, weights.num_features);
    weights.recurrent = transposed(weights.recurrent, weights.num_units);
    return std::make_shared<const VoiceDetector::Weights>(std::move(weights));
}

}  // namespace

void VoiceDetector::Weights::validate() const {
    if (num_features == 0 || num_units == 0 || num_units > kMostUnits ||
        num_units % kernels::kLanes != 0) {
        throw std::invalid_argument(
            "voice detector: needs features, and units in a multiple of 8 up to 1024, got " +
            std::to_string(num_features) + " and " + std::to_string(num_units));
    }
    const auto require = [](const char* name, const std::vector<float>& values, std::size_t size) {
        if (values.size() != size) {
            throw std::invalid_argument(std::string("voice detector: ") + name + " needs " +
                                        std::to_string(size) + " values, got " +
                                        std::to_string(values.size()));
        }
        if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
            throw std::invalid_argument(std::string("voice detector: ") + name +
                                        " has values that are not finite");
        }
    };
    const std::size_t num_gated = kNumGates * num_units;
    require("input", input, num_gated * num_features);
    require("input bias", input_bias, num_gated);
    require("recurrent", recurrent, num_gated * num_units);
    require("recurrent bias", recurrent_bias, num_gated);
    require("output", output, num_units);
    require("output bias", {output_bias}, 1);
}

VoiceDetector::VoiceDetector(const Weights& weights)
    : weights_(prepared(weights)),
      from_row_(kNumGates * weights.num_units),
      from_state_(kNumGates * weights.num_units),
      state_(weights.num_units) {}

void VoiceDetector::reset() {
    for (std::vector<float>* values : {&from_row_, &from_state_, &state_}) {
        std::ranges::fill(*values, 0.0F);
    }
}

float VoiceDetector::push(std::span<const float> row) {
    const Weights& w = *weights_;
    assert(row.size() == w.num_features);
    const std::size_t n = w.num_units;
    kernels::multiply(row.data(), w.input.data(), w.num_features, kNumGates * n, from_row_.data());
    kernels::multiply(state_.data(), w.recurrent.data(), n, kNumGates * n, from_state_.data());
    kernels::step_gru(from_row_.data(), w.input_bias.data(), from_state_.data(),
                      w.recurrent_bias.data(), n, state_.data());
    const float logit = kernels::dot(state_.data(), w.output.data(), n) + w.output_bias;
    if (!std::isfinite(logit)) {
        reset();  // else what is no number would stay in the state for ever
        return 0.0F;
    }
    return 1.0F / (1.0F + std::exp(-logit));
}

}  // namespace emotiond::dsp
