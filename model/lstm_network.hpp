#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <nlohmann/json.hpp>

#include "model/bundle.hpp"

/// Includes libtorch: only the classifier and the trainer include this.
namespace emotiond::model {

struct LstmOptions {
    std::int64_t num_features = 0;
    std::int64_t num_labels = 0;
    std::int64_t rows_per_step = 8;  ///< consecutive rows that one LSTM step sees side by side
    std::int64_t layers = 2;
    std::int64_t hidden = 128;
    std::int64_t dense = 64;
    double dropout = 0.3;       ///< while training
    bool centre_window = true;  ///< subtract the window's mean row: level and microphone
};

nlohmann::ordered_json to_json(const LstmOptions& options);
/// Throws std::runtime_error for a missing or impossible member.
LstmOptions lstm_options_from_json(const nlohmann::ordered_json& json);

/// rows -> normalise -> steps of several rows -> LSTM 2x128 -> attention pooling -> dense 64 ->
/// logits.
/// Source: Hochreiter & Schmidhuber 1997; attention pooling as Mirsamadi et al. 2017.
class LstmNetworkImpl : public torch::nn::Module {
 public:
    explicit LstmNetworkImpl(const LstmOptions& options);

    /// rows: [batch][max_rows][num_features].  num_rows: [batch], int64, on the same device; rows
    /// behind them are not looked at.  Returns logits: [batch][num_labels].
    torch::Tensor forward(torch::Tensor rows, const torch::Tensor& num_rows);

    /// mean, deviation: [num_features], of the training speakers' rows.
    void set_normalisation(const std::vector<float>& mean, const std::vector<float>& deviation);

    [[nodiscard]] const LstmOptions& options() const { return options_; }

 private:
    LstmOptions options_;
    torch::Tensor mean_;
    torch::Tensor inverse_deviation_;
    torch::nn::LSTM lstm_{nullptr};
    torch::nn::Linear attention_{nullptr};
    torch::nn::Linear dense_{nullptr};
    torch::nn::Linear output_{nullptr};
};
TORCH_MODULE(LstmNetwork);

/// Parameters and buffers by name, on the CPU.
std::map<std::string, Tensor> export_tensors(const torch::nn::Module& module);
/// Throws std::runtime_error for a missing, unknown or ill-shaped tensor.
void import_tensors(torch::nn::Module& module, const std::map<std::string, Tensor>& tensors);

}  // namespace emotiond::model
