#include "model/lstm_network.hpp"

#include <stdexcept>
#include <string>

namespace emotiond::model {

nlohmann::ordered_json to_json(const LstmOptions& options) {
    return {{"kind", "lstm"},
            {"num_features", options.num_features},
            {"num_labels", options.num_labels},
            {"rows_per_step", options.rows_per_step},
            {"layers", options.layers},
            {"hidden", options.hidden},
            {"dense", options.dense},
            {"dropout", options.dropout},
            {"centre_window", options.centre_window}};
}

LstmOptions lstm_options_from_json(const nlohmann::ordered_json& json) {
    if (json.value("kind", "") != "lstm") {
        throw std::runtime_error("network kind " + json.value("kind", std::string("(none)")) +
                                 " is not known to this build, expected lstm");
    }
    const auto size = [&](const char* name, std::int64_t max) {
        const auto value = json.at(name).get<std::int64_t>();
        if (value < 1 || value > max) {
            throw std::runtime_error("network " + std::string(name) + " must be 1 to " +
                                     std::to_string(max) + ", got " + std::to_string(value));
        }
        return value;
    };
    LstmOptions options;
    options.num_features = size("num_features", 4096);
    options.num_labels = size("num_labels", 1024);
    options.rows_per_step = size("rows_per_step", 64);
    options.layers = size("layers", 16);
    options.hidden = size("hidden", 4096);
    options.dense = size("dense", 4096);
    options.dropout = json.at("dropout").get<double>();
    options.centre_window = json.at("centre_window").get<bool>();
    return options;
}

LstmNetworkImpl::LstmNetworkImpl(const LstmOptions& options) : options_(options) {
    mean_ = register_buffer("mean", torch::zeros({options.num_features}));
    inverse_deviation_ = register_buffer("inverse_deviation", torch::ones({options.num_features}));
    lstm_ = register_module(
        "lstm", torch::nn::LSTM(torch::nn::LSTMOptions(options.num_features * options.rows_per_step,
                                                       options.hidden)
                                    .num_layers(options.layers)
                                    .batch_first(true)
                                    .dropout(options.layers > 1 ? options.dropout : 0.0)));
    // A forget gate that starts open lets gradients reach the start of a window.
    // Source: Jozefowicz et al. 2015.
    const torch::NoGradGuard no_grad;
    for (auto& parameter : lstm_->named_parameters()) {
        if (parameter.key().starts_with("bias_ih")) {
            parameter.value().narrow(0, options.hidden, options.hidden).fill_(1.0);
        }
    }
    attention_ = register_module("attention", torch::nn::Linear(options.hidden, 1));
    dense_ = register_module("dense", torch::nn::Linear(options.hidden, options.dense));
    output_ = register_module("output", torch::nn::Linear(options.dense, options.num_labels));
}

void LstmNetworkImpl::set_normalisation(const std::vector<float>& mean,
                                        const std::vector<float>& deviation) {
    const torch::NoGradGuard no_grad;
    mean_.copy_(torch::tensor(mean));
    inverse_deviation_.copy_(1.0 / torch::tensor(deviation));
}

torch::Tensor LstmNetworkImpl::forward(torch::Tensor rows, const torch::Tensor& num_rows) {
    const std::int64_t per_step = options_.rows_per_step;
    const std::int64_t missing = (per_step - rows.size(1) % per_step) % per_step;
    if (missing > 0) {
        rows = torch::constant_pad_nd(rows, {0, 0, 0, missing});
    }
    const std::int64_t max_rows = rows.size(1);
    const auto row_index = torch::arange(max_rows, num_rows.options());
    const auto row_mask =
        (row_index.unsqueeze(0) < num_rows.unsqueeze(1)).to(rows.scalar_type()).unsqueeze(2);

    auto centre = mean_;
    if (options_.centre_window) {
        centre = (rows * row_mask).sum(1, true) / num_rows.to(rows.scalar_type()).view({-1, 1, 1});
    }
    rows = (rows - centre) * inverse_deviation_ * row_mask;

    const std::int64_t num_steps = max_rows / per_step;
    const auto steps = rows.reshape({rows.size(0), num_steps, per_step * options_.num_features});
    const auto hidden = std::get<0>(lstm_->forward(steps));

    // A step counts when its first row does; the LSTM looks back only, so steps behind the end
    // cannot reach those before it.
    const auto step_mask = row_mask.view({-1, num_steps, per_step}).select(2, 0);
    const auto attention =
        attention_->forward(hidden).squeeze(2).masked_fill(step_mask == 0, -1e9).softmax(1);
    auto pooled = torch::bmm(attention.unsqueeze(1), hidden).squeeze(1);
    pooled = torch::dropout(pooled, options_.dropout, is_training());
    auto features = torch::relu(dense_->forward(pooled));
    features = torch::dropout(features, options_.dropout, is_training());
    return output_->forward(features);
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
