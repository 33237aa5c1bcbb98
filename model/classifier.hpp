#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/bundle.hpp"
#include "model/device_name.hpp"

namespace emotiond::model {

/// The rows of one window, to be classified.
struct ClassifierInput {
    std::span<const float> rows;  ///< [num_rows][num_features]
    std::size_t num_rows = 0;
};

/// Calibrated probabilities in the order of Bundle::labels; they sum to 1.
using Scores = std::vector<float>;

/// What one window expresses.
struct Classification {
    Scores scores;
    float speech = 1.0F;  ///< probability that this is speech; 1 where the network does not tell
};

/// A bundle made ready to answer: network on its device, without gradients, warmed up.
/// Any number of threads may ask at once. classify() allocates and may take milliseconds: not
/// real-time safe.
class Classifier {
 public:
    struct Options {
        std::string device = "auto";  ///< auto | cpu | cuda | cuda:<n>
        int threads = 1;              ///< libtorch's own, for the whole process
        /// Run the code of a TorchScript bundle. Such code can do whatever this process can.
        bool trust_code = false;
    };

    /// Throws std::runtime_error where the bundle's network does not fit its tensors or its labels,
    /// holds code that is not trusted, or the device is none of the above. A GPU that is not there
    /// is not an error: device_note() tells.
    Classifier(Bundle bundle, const Options& options);
    ~Classifier();
    Classifier(Classifier&&) noexcept;

    /// One forward pass over windows of any lengths. Returns one answer per input.
    /// Throws std::invalid_argument for an input without rows, of another width or with values that
    /// are not finite, std::runtime_error where libtorch fails or the scores are not finite.
    std::vector<Classification> classify(std::span<const ClassifierInput> inputs) const;

    [[nodiscard]] const Bundle& bundle() const;
    /// Whether Classification::speech says anything.
    [[nodiscard]] bool tells_speech() const;
    /// "cpu" or "cuda:0".
    [[nodiscard]] const std::string& device() const;
    /// Why it runs where it does, for the log.
    [[nodiscard]] const std::string& device_note() const;

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace emotiond::model
