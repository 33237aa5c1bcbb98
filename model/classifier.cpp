#include "model/classifier.hpp"

#include <torch/script.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <sstream>
#include <stdexcept>

#include "dsp/kernels.hpp"
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

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

/// What libtorch says went wrong, without the stack of its own that it adds.
std::string reason(const std::exception& error) {
    if (const auto* c10 = dynamic_cast<const c10::Error*>(&error)) {
        return first_line(c10->what_without_backtrace());
    }
    // Of an error in a script the last line says what, those before it where.
    std::string text = error.what();
    text.erase(text.find_last_not_of("\n ") + 1);
    return text.substr(text.rfind('\n') + 1);
}

std::string module_of(const Bundle& bundle) {
    return "the TorchScript module of bundle " + bundle.name;
}

/// Without the attributes that mode() needs and a frozen module does not have.
void set_to_evaluation(const torch::jit::Module& module) {
    for (torch::jit::Module part : module.modules()) {
        if (part.hasattr("training")) {
            part.setattr("training", false);
        }
    }
}

/// A module of the user's: forward(rows, num_rows) -> [batch][num_labels], or one column more for
/// speech (docs/bundles.md).
Forward forward_of_module(const Bundle& bundle, torch::Device device, bool trust_code) {
    if (!trust_code) {
        throw std::runtime_error(
            "bundle " + bundle.name +
            " holds a TorchScript module, which is code and can do what this process can; set "
            "model.trust_code = true if you trust where it comes from");
    }
    const std::string name = module_of(bundle);
    const auto module = std::make_shared<torch::jit::Module>();
    try {
        std::istringstream bytes(bundle.torchscript);
        *module = torch::jit::load(bytes, device);
        set_to_evaluation(*module);
    } catch (const std::exception& error) {
        throw std::runtime_error(name + " cannot be loaded: " + reason(error));
    }
    const auto num_labels = static_cast<std::int64_t>(bundle.labels.size());
    return [name, module, num_labels](const torch::Tensor& rows, const torch::Tensor& num_rows) {
        const auto refuse = [&](const std::string& why) {
            std::ostringstream message;
            message << name << " was given rows " << rows.sizes() << " and num_rows "
                    << num_rows.sizes() << " and " << why << "; expected are logits ["
                    << rows.size(0) << ", " << num_labels << "], or one column more for speech";
            throw std::runtime_error(message.str());
        };
        torch::IValue answer;
        try {
            answer = module->forward({rows, num_rows});
        } catch (const std::exception& error) {
            refuse("failed: " + reason(error));
        }
        if (!answer.isTensor()) {
            refuse("gave no tensor but " + answer.tagKind());
        }
        const torch::Tensor out = answer.toTensor().to(torch::kFloat32);
        if (out.dim() != 2 || out.size(0) != rows.size(0) ||
            (out.size(1) != num_labels && out.size(1) != num_labels + 1)) {
            std::ostringstream shape;
            shape << "gave " << out.sizes();
            refuse(shape.str());
        }
        Logits logits;
        logits.emotions = out.narrow(1, 0, num_labels);
        if (out.size(1) > num_labels) {
            logits.speech = out.select(1, num_labels);
        }
        return logits;
    };
}

}  // namespace

struct Classifier::Impl {
    Bundle bundle;
    Forward forward;
    torch::Device device;
    std::string device_name;
    std::string device_note;
    bool tells_speech = false;

    /// Of windows whose rows are as many as they say.
    [[nodiscard]] Logits logits_of(const std::vector<std::span<const float>>& windows) const {
        const WindowBatch batch = make_batch(windows, bundle.features.num_features());
        return forward(batch.rows.to(device), batch.num_rows.to(device));
    }
};

Classifier::Classifier(Bundle bundle, const Options& options) {
    torch::set_num_threads(std::max(1, options.threads));
    const Placement placement = place(options.device);
    Forward forward = bundle.torchscript.empty()
                          ? forward_of_network(bundle, placement.device)
                          : forward_of_module(bundle, placement.device, options.trust_code);
    impl_ = std::make_unique<Impl>(Impl{std::move(bundle), std::move(forward), placement.device,
                                        placement.device.str(), placement.note, false});

    // The first passes pay for libtorch's and oneDNN's set-up; nobody should wait for that later.
    const std::size_t num_rows = 300;
    const std::vector<float> rows(num_rows * impl_->bundle.features.num_features());
    {
        const torch::NoGradGuard no_grad;
        impl_->tells_speech = impl_->logits_of({rows}).speech.defined();
    }
    const ClassifierInput input{rows, num_rows};
    for (int pass = 0; pass < 3; ++pass) {
        classify({&input, 1});
    }
}

Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;

std::vector<Classification> Classifier::classify(std::span<const ClassifierInput> inputs) const {
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
        if (!dsp::kernels::all_finite(input.rows.data(), input.rows.size())) {
            throw std::invalid_argument("window of " + std::to_string(input.num_rows) +
                                        " rows with values that are not finite");
        }
        windows.push_back(input.rows);
    }
    const Logits logits = impl_->logits_of(windows);
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
bool Classifier::tells_speech() const {
    return impl_->tells_speech;
}
const std::string& Classifier::device() const {
    return impl_->device_name;
}
const std::string& Classifier::device_note() const {
    return impl_->device_note;
}

}  // namespace emotiond::model
