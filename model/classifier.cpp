#include "model/classifier.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "model/lstm_network.hpp"

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
    LstmNetwork network;
    torch::Device device;
    std::string device_name;
    std::string device_note;
};

Classifier::Classifier(Bundle bundle, const Options& options) {
    torch::set_num_threads(std::max(1, options.threads));
    const Placement placement = place(options.device);
    const LstmOptions network_options = lstm_options_from_json(bundle.network);
    const auto num_features = static_cast<std::int64_t>(bundle.features.num_features());
    const auto num_labels = static_cast<std::int64_t>(bundle.labels.size());
    if (network_options.num_features != num_features || network_options.num_labels != num_labels) {
        throw std::runtime_error(
            "the network of bundle " + bundle.name + " takes " +
            std::to_string(network_options.num_features) + " features and gives " +
            std::to_string(network_options.num_labels) + " labels; its rows have " +
            std::to_string(num_features) + ", its labels are " + std::to_string(num_labels));
    }
    LstmNetwork network(network_options);
    import_tensors(*network, bundle.tensors);
    network->to(placement.device);
    network->eval();
    impl_ = std::make_unique<Impl>(
        Impl{std::move(bundle), network, placement.device, placement.device.str(), placement.note});

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

std::vector<Scores> Classifier::classify(std::span<const ClassifierInput> inputs) {
    if (inputs.empty()) {
        return {};
    }
    const c10::InferenceMode inference_mode;
    const std::size_t num_features = impl_->bundle.features.num_features();
    std::size_t max_rows = 1;
    for (const ClassifierInput& input : inputs) {
        if (input.num_rows == 0 || input.rows.size() != input.num_rows * num_features) {
            throw std::invalid_argument("window of " + std::to_string(input.num_rows) +
                                        " rows and " + std::to_string(input.rows.size()) +
                                        " values, expected " + std::to_string(num_features) +
                                        " values a row");
        }
        max_rows = std::max(max_rows, input.num_rows);
    }
    const auto batch = static_cast<std::int64_t>(inputs.size());
    auto rows = torch::zeros(
        {batch, static_cast<std::int64_t>(max_rows), static_cast<std::int64_t>(num_features)});
    auto num_rows = torch::empty({batch}, torch::kInt64);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        std::ranges::copy(inputs[i].rows, rows.data_ptr<float>() + i * max_rows * num_features);
        num_rows.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(inputs[i].num_rows);
    }
    const auto logits = impl_->network->forward(rows.to(impl_->device), num_rows.to(impl_->device));
    const auto scores =
        (logits / impl_->bundle.temperature).softmax(1).to(torch::kCPU).contiguous();

    if (!torch::isfinite(scores).all().item<bool>()) {
        throw std::runtime_error("the network gave scores that are not finite");
    }

    const std::size_t num_labels = impl_->bundle.labels.size();
    std::vector<Scores> result;
    result.reserve(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const float* row = scores.data_ptr<float>() + i * num_labels;
        result.emplace_back(row, row + num_labels);
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
