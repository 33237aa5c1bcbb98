#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "model/bundle.hpp"
#include "model/network_options.hpp"

/// Includes libtorch: only the networks, the classifier and the trainer include this.
namespace emotiond::model {

/// What a network says of a batch of windows, before any softmax.
struct Logits {
    torch::Tensor emotions;  ///< [batch][num_labels]
    torch::Tensor speech;  ///< [batch], above 0 where speech is likelier than not; may be undefined
    /// What `emotions` is made of, each [batch][num_labels]: each is trained by itself. Empty where
    /// the network is none of ours.
    std::vector<torch::Tensor> experts;
};

/// What training does to a batch within the network, behind the normalisation.
struct Mixing {
    double share = 1.0;        ///< of a window in what is made of it; the rest is its partner's
    torch::Tensor partner;     ///< [batch], int64: another window of the batch, or the same
    torch::Tensor blank_from;  ///< [batch], int64: first row of a stretch that is blanked
    torch::Tensor blank_rows;  ///< [batch], int64: its length
};

/// Rows of windows in, logits out. The kinds differ in how they make vectors of a window, one for
/// each of their experts; what stands before and behind is the same for all:
///
///     rows -> outer silence cut off -> normalised -> embed() -> dense -> emotions
///                                                                   \--> speech
///
/// A window's answer does not depend on what else is in its batch.
class Network : public torch::nn::Module {
 public:
    /// rows: [batch][max_rows][num_features].  num_rows: [batch], int64, on the same device; rows
    /// behind them are not looked at.  mixing: while training only.
    Logits forward(torch::Tensor rows, const torch::Tensor& num_rows,
                   const Mixing* mixing = nullptr);

    /// mean, deviation: [num_features], of the training speakers' rows.
    void set_normalisation(const std::vector<float>& mean, const std::vector<float>& deviation);

    [[nodiscard]] const NetworkOptions& options() const { return options_; }

 protected:
    /// What one expert's vectors are and how much its answer counts.
    struct Expert {
        std::int64_t embedding;  ///< size of its vectors
        double dropout;          ///< before and behind the dense layer
        double weight = 1.0;     ///< of its log probabilities in the answer
    };
    Network(const NetworkOptions& options, const std::vector<Expert>& experts);

    /// rows: [batch][max_rows][num_features], normalised, 0 where masked.  mask: [batch][max_rows],
    /// 1 where a row counts.  Returns [batch][embedding] of each expert.
    virtual std::vector<torch::Tensor> embed(const torch::Tensor& rows, const torch::Tensor& mask,
                                             const Mixing* mixing) = 0;

    /// What a network that follows the order of the rows reads: rows centred as the options say,
    /// mixed, stretches of them blanked, and the mask of what both windows have.
    [[nodiscard]] std::pair<torch::Tensor, torch::Tensor> centre_and_mix(
        torch::Tensor rows, const torch::Tensor& mask, const Mixing* mixing) const;
    /// [num_features], of the training speakers' rows.
    [[nodiscard]] torch::Tensor deviation() const { return inverse_deviation_.reciprocal(); }

 private:
    /// The layers behind an expert's vectors.
    struct Head {
        Expert expert;
        torch::nn::Linear dense{nullptr};
        torch::nn::Linear output{nullptr};
    };

    [[nodiscard]] torch::Tensor mask_rows(const torch::Tensor& rows,
                                          const torch::Tensor& num_rows) const;
    /// Moves each window's first row that counts to the start, and cuts what no window needs.
    static void trim(torch::Tensor& rows, torch::Tensor& mask);

    NetworkOptions options_;
    torch::Tensor mean_;
    torch::Tensor inverse_deviation_;
    std::vector<Head> heads_;
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
