#include "model/classifier.hpp"

#include <torch/script.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <sstream>
#include <stdexcept>

#include "model/network.hpp"

namespace emotiond::model {
namespace {

struct Placement {
    torch::Device device{torch::kCPU};
    std::string note;
};

Placement place(const std::string& name) {
    const DeviceName wanted = parse_device(name);
    if (!wanted.automatic && !wanted.cuda) {
        return {torch::kCPU, "as configured"};
    }
    const int available =
        torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
    if (wanted.index < available) {
        return {torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(wanted.index)),
                wanted.automatic ? "a CUDA device is available" : "as configured"};
    }
    if (wanted.automatic) {
        return {torch::kCPU, "no CUDA device is available"};
    }
    return {torch::kCPU, name + " is not available (" + std::to_string(available) +
                             " CUDA devices): fell back to the CPU"};
}

using Forward = std::function<Logits(const torch::Tensor& rows, const torch::Tensor& num_rows)>;

Forward forward_of_network(const Bundle& bundle, torch::Device device) {
    const NetworkOptions options = NetworkOptions::from_json(bundle.network);
    const auto num_features = static_cast<std::int64_t>(bundle.features.num_features());
    const auto num_labels = static_cast<std::int64_t>(bundle.labels.size());
    if (options.num_features != num_features || options.num_labels != num_labels) {
        throw std::runtime_error("the network of bundle " + bundle.name + " takes " +
                                 std::to_string(options.num_features) + " features and gives " +
                                 std::to_string(options.num_labels) + " labels; its rows have " +
                                 std::to_string(num_features) + ", its labels are " +
                                 std::to_string(num_labels));
    }
    const std::shared_ptr<Network> network = make_network(options);
    import_tensors(*network, bundle.tensors);
    network->to(device);
    network->eval();
    return [network](const torch::Tensor& rows, const torch::Tensor& num_rows) {
        return network->forward(rows, num_rows);
    };
}

/// A module of the user's: forward(rows, num_rows) -> [batch][num_labels], or one column more for
/// speech.
Forward forward_of_module(const Bundle& bundle, torch::Device device, bool trust_code) {
    if (!trust_code) {
        throw std::runtime_error(
            "bundle " + bundle.name +
            " holds a TorchScript module, which is code and can do what this process can; set "
            "model.trust_code = true if you trust where it comes from");
    }
    std::istringstream bytes(bundle.torchscript);
    auto module = std::make_shared<torch::jit::Module>(torch::jit::load(bytes, device));
    module->eval();
    const auto num_labels = static_cast<std::int64_t>(bundle.labels.size());
    return [module, num_labels](const torch::Tensor& rows, const torch::Tensor& num_rows) {
        const torch::Tensor out = module->forward({rows, num_rows}).toTensor();
        if (out.dim() != 2 || out.size(0) != rows.size(0) ||
            (out.size(1) != num_labels && out.size(1) != num_labels + 1)) {
            std::ostringstream message;
            message << "the TorchScript module gave " << out.sizes() << ", expected ["
                    << rows.size(0) << ", " << num_labels << "], or one column more for speech";
            throw std::runtime_error(message.str());
        }
        Logits logits{out.narrow(1, 0, num_labels), {}};
        if (out.size(1) > num_labels) {
            logits.speech = out.select(1, num_labels);
        }
        return logits;
    };
}

}  // namespace

DeviceName parse_device(const std::string& name) {
    if (name == "auto" || name == "cpu") {
        return {name == "auto", false, 0};
    }
    if (name == "cuda") {
        return {false, true, 0};
    }
    const std::string prefix = "cuda:";
    DeviceName device{false, true, 0};
    const char* end = name.data() + name.size();
    if (name.starts_with(prefix) && name.size() > prefix.size()) {
        const auto [stopped, error] =
            std::from_chars(name.data() + prefix.size(), end, device.index);
        if (error == std::errc{} && stopped == end && device.index >= 0 && device.index < 128) {
            return device;
        }
    }
    throw std::runtime_error("device must be auto, cpu, cuda or cuda:<n>, got '" + name + "'");
}

struct Classifier::Impl {
    Bundle bundle;
    Forward forward;
    torch::Device device;
    std::string device_name;
    std::string device_note;
};

Classifier::Classifier(Bundle bundle, const Options& options) {
    torch::set_num_threads(std::max(1, options.threads));
    const Placement placement = place(options.device);
    Forward forward = bundle.torchscript.empty()
                          ? forward_of_network(bundle, placement.device)
                          : forward_of_module(bundle, placement.device, options.trust_code);
    impl_ = std::make_unique<Impl>(Impl{std::move(bundle), std::move(forward), placement.device,
                                        placement.device.str(), placement.note});

    // The first passes pay for libtorch's and oneDNN's set-up; nobody should wait for that later.
    const std::size_t num_rows = 300;
    const std::vector<float> rows(num_rows * impl_->bundle.features.num_features());
    const ClassifierInput input{rows, num_rows};
    for (int pass = 0; pass < 3; ++pass) {
        classify({&input, 1});
    }
}

Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;

std::vector<Classification> Classifier::classify(std::span<const ClassifierInput> inputs) {
    if (inputs.empty()) {
        return {};
    }
    const torch::NoGradGuard no_grad;
    const std::size_t num_features = impl_->bundle.features.num_features();
    std::vector<std::span<const float>> windows;
    for (const ClassifierInput& input : inputs) {
        if (input.num_rows == 0 || input.rows.size() != input.num_rows * num_features) {
            throw std::invalid_argument("window of " + std::to_string(input.num_rows) +
                                        " rows and " + std::to_string(input.rows.size()) +
                                        " values, expected " + std::to_string(num_features) +
                                        " values a row");
        }
        windows.push_back(input.rows);
    }
    const WindowBatch batch = make_batch(windows, num_features);
    const Logits logits =
        impl_->forward(batch.rows.to(impl_->device), batch.num_rows.to(impl_->device));
    const auto scores =
        (logits.emotions / impl_->bundle.temperature).softmax(1).to(torch::kCPU).contiguous();
    const auto speech = logits.speech.defined()
                            ? logits.speech.sigmoid().to(torch::kCPU).contiguous()
                            : torch::ones({scores.size(0)});
    if (!torch::isfinite(scores).all().item<bool>() ||
        !torch::isfinite(speech).all().item<bool>()) {
        throw std::runtime_error("the network gave scores that are not finite");
    }

    const std::size_t num_labels = impl_->bundle.labels.size();
    std::vector<Classification> result;
    result.reserve(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const float* row = scores.data_ptr<float>() + i * num_labels;
        result.push_back({Scores(row, row + num_labels), speech.data_ptr<float>()[i]});
    }
    return result;
}

const Bundle& Classifier::bundle() const {
    return impl_->bundle;
}
const std::string& Classifier::device() const {
    return impl_->device_name;
}
const std::string& Classifier::device_note() const {
    return impl_->device_note;
}

}  // namespace emotiond::model
