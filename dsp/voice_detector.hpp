#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace emotiond::dsp {

/// Is this row speech, after all the rows before it? A small recurrent network (GRU) over feature
/// rows that are there anyway; it looks at no later row. A copy shares the weights.
/// Real-time safe after construction: no allocation, no lock. Not thread-safe.
/// Source: Cho et al. 2014, in PyTorch's form, where the reset gate acts on the hidden part of the
/// new state; agrees with torch.nn.GRU (tests/model/voice_trainer_test.cpp).
class VoiceDetector {
 public:
    /// As PyTorch has them; rows are the gates reset, update, new, of num_units each. Mean and
    /// deviation of the features are part of `input` and `input_bias`.
    struct Weights {
        std::size_t num_features = 0;
        std::size_t num_units = 0;          ///< a multiple of 8
        std::vector<float> input;           ///< [3 num_units][num_features]
        std::vector<float> input_bias;      ///< [3 num_units]
        std::vector<float> recurrent;       ///< [3 num_units][num_units]
        std::vector<float> recurrent_bias;  ///< [3 num_units]
        std::vector<float> output;          ///< [num_units]
        float output_bias = 0.0F;

        bool operator==(const Weights&) const = default;

        /// Throws std::invalid_argument that says which has the wrong size or is not finite.
        void validate() const;
    };

    /// Throws std::invalid_argument as Weights::validate() does.
    explicit VoiceDetector(const Weights& weights);

    /// row: [num_features]. Returns the probability of speech, 0..1. After a row that makes it
    /// none, which counts as 0, nothing has been heard.
    float push(std::span<const float> row);

    /// As after construction: nothing has been heard, and nothing of it is left in memory.
    void reset();

 private:
    std::shared_ptr<const Weights> weights_;  ///< input and recurrent: [columns][3 num_units]
    std::vector<float> from_row_;             ///< [3 num_units]
    std::vector<float> from_state_;           ///< [3 num_units]
    std::vector<float> state_;                ///< [num_units]
};

}  // namespace emotiond::dsp
