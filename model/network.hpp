#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/bundle.hpp"
#include "model/network_options.hpp"

/// Includes libtorch: only the networks, the classifier and the trainer include this.
namespace emotiond::model {

/// What a network says of a batch of windows, before any softmax.
struct Logits {
    torch::Tensor emotions;  ///< [batch][num_labels]
    torch::Tensor speech;  ///< [batch], above 0 where speech is likelier than not; may be undefined
};

/// Rows of windows in, logits out. The kinds differ in how they make one vector of a window; what
/// stands before and behind is the same for all:
///
///     rows -> outer silence cut off -> centred, scaled -> embed() -> dense -> emotions
///                                                                       \--> speech
///
/// A window's answer does not depend on what else is in its batch.
class Network : public torch::nn::Module {
 public:
    /// rows: [batch][max_rows][num_features].  num_rows: [batch], int64, on the same device; rows
    /// behind them are not looked at.
    Logits forward(torch::Tensor rows, const torch::Tensor& num_rows);

    /// mean, deviation: [num_features], of the training speakers' rows.
    void set_normalisation(const std::vector<float>& mean, const std::vector<float>& deviation);

    [[nodiscard]] const NetworkOptions& options() const { return options_; }

 protected:
    /// embedding: the size of the vectors that embed() returns.
    Network(const NetworkOptions& options, std::int64_t embedding);

    /// rows: [batch][max_rows][num_features], normalised, 0 where masked.  mask: [batch][max_rows],
    /// 1 where a row counts.  Returns [batch][embedding].
    virtual torch::Tensor embed(const torch::Tensor& rows, const torch::Tensor& mask) = 0;

 private:
    [[nodiscard]] torch::Tensor mask_rows(const torch::Tensor& rows,
                                          const torch::Tensor& num_rows) const;
    /// Moves each window's first row that counts to the start, and cuts what no window needs.
    static void trim(torch::Tensor& rows, torch::Tensor& mask);

    NetworkOptions options_;
    torch::Tensor mean_;
    torch::Tensor inverse_deviation_;
    torch::nn::Linear dense_{nullptr};
    torch::nn::Linear output_{nullptr};
    torch::nn::Linear speech_{nullptr};
};

/// A network of the kind that the options name. Throws std::invalid_argument for impossible ones.
std::shared_ptr<Network> make_network(const NetworkOptions& options);

/// Windows of any lengths as one batch, padded with zeros.
struct WindowBatch {
    torch::Tensor rows;      ///< [batch][max_rows][num_features]
    torch::Tensor num_rows;  ///< [batch], int64
};
/// windows: each [num_rows][num_features].
WindowBatch make_batch(std::span<const std::span<const float>> windows, std::size_t num_features);

/// Parameters and buffers by name, on the CPU.
std::map<std::string, Tensor> export_tensors(const torch::nn::Module& module);
/// Throws std::runtime_error for a missing, unknown or ill-shaped tensor.
void import_tensors(torch::nn::Module& module, const std::map<std::string, Tensor>& tensors);

}  // namespace emotiond::model
