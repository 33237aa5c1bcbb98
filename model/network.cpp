#include "model/network.hpp"

#include <sstream>
#include <stdexcept>

namespace emotiond::model {
namespace {

/// 1 from the first row with a 1 on: [batch][max_rows].
torch::Tensor since_first(const torch::Tensor& active) {
    return active.cumsum(1).clamp_max(1.0);
}

}  // namespace

Network::Network(const NetworkOptions& options, const std::vector<Expert>& experts)
    : options_(options) {
    mean_ = register_buffer("mean", torch::zeros({options.num_features}));
    inverse_deviation_ = register_buffer("inverse_deviation", torch::ones({options.num_features}));
    for (const Expert& expert : experts) {
        const std::string number = experts.size() > 1 ? std::to_string(heads_.size()) : "";
        heads_.push_back(
            {expert,
             register_module("dense" + number, torch::nn::Linear(expert.embedding, options.dense)),
             register_module("output" + number,
                             torch::nn::Linear(options.dense, options.num_labels))});
    }
    if (options.speech_output) {
        const auto width = static_cast<std::int64_t>(heads_.size()) * options.dense;
        speech_ = register_module("speech", torch::nn::Linear(width, 1));
    }
}

void Network::set_normalisation(const std::vector<float>& mean,
                                const std::vector<float>& deviation) {
    const torch::NoGradGuard no_grad;
    mean_.copy_(torch::tensor(mean));
    inverse_deviation_.copy_(1.0 / torch::tensor(deviation));
}

torch::Tensor Network::mask_rows(const torch::Tensor& rows, const torch::Tensor& num_rows) const {
    const auto index = torch::arange(rows.size(1), num_rows.options());
    const auto within = (index.unsqueeze(0) < num_rows.unsqueeze(1)).to(rows.scalar_type());
    if (options_.energy_column < 0) {
        return within;
    }
    // Smoothed over nine rows, so that a click is not taken for the start of speech.
    constexpr std::int64_t kSmoothed = 9;
    const auto energy = rows.select(2, options_.energy_column) * within;
    const auto sum_around = [&](const torch::Tensor& values) {
        return torch::avg_pool1d(values.unsqueeze(1), kSmoothed, 1, kSmoothed / 2).squeeze(1);
    };
    const auto level = sum_around(energy) / sum_around(within).clamp_min(1e-6);
    const auto audible = level.masked_fill(within == 0, -1e9);
    const auto loudest = std::get<0>(audible.max(1, true));
    const auto active = (audible > loudest - options_.silence_below).to(rows.scalar_type());
    return since_first(active) * since_first(active.flip({1})).flip({1});
}

void Network::trim(torch::Tensor& rows, torch::Tensor& mask) {
    const auto index = torch::arange(rows.size(1), mask.options().dtype(torch::kInt64));
    const auto first = mask.argmax(1, true);
    const auto count = mask.sum(1, true);
    const std::int64_t longest = std::max<std::int64_t>(1, count.max().item<std::int64_t>());
    const auto kept = index.slice(0, 0, longest).unsqueeze(0);
    const std::int64_t batch = rows.size(0);
    const auto window = torch::arange(batch, index.options()).unsqueeze(1) * rows.size(1);
    const auto from = window + (first + kept).clamp_max(rows.size(1) - 1);
    rows = rows.flatten(0, 1).index_select(0, from.flatten()).view({batch, longest, -1});
    mask = (kept < count).to(rows.scalar_type());
}

std::pair<torch::Tensor, torch::Tensor> Network::centre_and_mix(torch::Tensor rows,
                                                                const torch::Tensor& mask,
                                                                const Mixing* mixing) const {
    if (options_.centre_window) {
        const auto mean = rows.sum(1, true) / mask.sum(1, true).clamp_min(1.0).unsqueeze(2);
        rows = (rows - mean).mul_(mask.unsqueeze(2));
    }
    if (mixing == nullptr) {
        return {rows, mask};
    }
    const auto mixed =
        mixing->share * rows + (1.0 - mixing->share) * rows.index_select(0, mixing->partner);
    const auto both = torch::minimum(mask, mask.index_select(0, mixing->partner));
    const auto index = torch::arange(rows.size(1), mixing->partner.options()).unsqueeze(0);
    const auto from = mixing->blank_from.unsqueeze(1);
    const auto blank = (index >= from).logical_and(index < from + mixing->blank_rows.unsqueeze(1));
    return {mixed * both.masked_fill(blank, 0.0).unsqueeze(2), both};
}

Logits Network::forward(torch::Tensor rows, const torch::Tensor& num_rows, const Mixing* mixing) {
    auto mask = mask_rows(rows, num_rows);
    if (options_.energy_column >= 0) {
        trim(rows, mask);
    }
    rows = (rows - mean_).mul_(inverse_deviation_).mul_(mask.unsqueeze(2));
    const std::vector<torch::Tensor> embeddings = embed(rows, mask, mixing);
    Logits logits;
    std::vector<torch::Tensor> hidden;
    for (std::size_t i = 0; i < heads_.size(); ++i) {
        Head& head = heads_[i];
        auto values = torch::dropout(embeddings[i], head.expert.dropout, is_training());
        values = torch::relu(head.dense->forward(values));
        hidden.push_back(torch::dropout(values, head.expert.dropout, is_training()));
        logits.experts.push_back(head.output->forward(hidden.back()));
    }
    logits.emotions = logits.experts.front();
    if (logits.experts.size() > 1) {
        auto sum = torch::zeros_like(logits.emotions, torch::kFloat32);
        double weights = 0.0;
        for (std::size_t i = 0; i < heads_.size(); ++i) {
            const double weight = heads_[i].expert.weight;
            sum = sum + weight * logits.experts[i].to(torch::kFloat32).log_softmax(1);
            weights += weight;
        }
        logits.emotions = sum / weights;
    }
    if (options_.speech_output) {
        logits.speech = speech_->forward(torch::cat(hidden, 1)).squeeze(1);
    }
    return logits;
}

WindowBatch make_batch(std::span<const std::span<const float>> windows, std::size_t num_features) {
    std::size_t max_rows = 1;
    for (const auto& window : windows) {
        max_rows = std::max(max_rows, window.size() / num_features);
    }
    const auto batch = static_cast<std::int64_t>(windows.size());
    WindowBatch result{torch::zeros({batch, static_cast<std::int64_t>(max_rows),
                                     static_cast<std::int64_t>(num_features)}),
                       torch::empty({batch}, torch::kInt64)};
    auto* rows = result.rows.data_ptr<float>();
    auto* num_rows = result.num_rows.data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < windows.size(); ++i) {
        std::ranges::copy(windows[i], rows + i * max_rows * num_features);
        num_rows[i] = static_cast<std::int64_t>(windows[i].size() / num_features);
    }
    return result;
}

std::map<std::string, Tensor> export_tensors(const torch::nn::Module& module) {
    std::map<std::string, Tensor> tensors;
    const auto add = [&](const std::string& name, const torch::Tensor& value) {
        const auto flat = value.detach().to(torch::kCPU, torch::kFloat32).contiguous();
        const float* data = flat.data_ptr<float>();
        tensors[name] = {value.sizes().vec(), std::vector<float>(data, data + flat.numel())};
    };
    for (const auto& item : module.named_parameters()) {
        add(item.key(), item.value());
    }
    for (const auto& item : module.named_buffers()) {
        add(item.key(), item.value());
    }
    return tensors;
}

void import_tensors(torch::nn::Module& module, const std::map<std::string, Tensor>& tensors) {
    const torch::NoGradGuard no_grad;
    std::size_t used = 0;
    const auto set = [&](const std::string& name, torch::Tensor& value) {
        const auto found = tensors.find(name);
        if (found == tensors.end()) {
            throw std::runtime_error("tensor " + name + " is missing");
        }
        if (found->second.shape != value.sizes().vec()) {
            std::ostringstream message;
            message << "tensor " << name << " has shape " << torch::IntArrayRef(found->second.shape)
                    << ", the network needs " << value.sizes();
            throw std::runtime_error(message.str());
        }
        auto values = found->second.values;
        value.copy_(torch::from_blob(values.data(), value.sizes(), torch::kFloat32));
        ++used;
    };
    for (auto& item : module.named_parameters()) {
        set(item.key(), item.value());
    }
    for (auto& item : module.named_buffers()) {
        set(item.key(), item.value());
    }
    if (used != tensors.size()) {
        throw std::runtime_error(std::to_string(tensors.size() - used) +
                                 " tensors are not the network's");
    }
}

}  // namespace emotiond::model
