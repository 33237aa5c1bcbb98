#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "model/functionals.hpp"
#include "model/kernels.hpp"
#include "model/network.hpp"

namespace emotiond::model {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// A forget gate that starts open lets gradients reach the start of a window.
/// Source: Jozefowicz et al. 2015.
void open_forget_gates(nn::LSTM& lstm, std::int64_t hidden) {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : lstm->named_parameters()) {
        if (parameter.key().starts_with("bias_ih")) {
            parameter.value().narrow(0, hidden, hidden).fill_(1.0);
        }
    }
}

nn::LSTM make_lstm(std::int64_t inputs, const NetworkOptions& options) {
    nn::LSTM lstm(nn::LSTMOptions(inputs, options.hidden)
                      .num_layers(options.layers)
                      .batch_first(true)
                      .dropout(options.layers > 1 ? options.dropout : 0.0));
    open_forget_gates(lstm, options.hidden);
    return lstm;
}

/// What an LSTM of any layers, in one direction, says of each step: [batch][steps][inputs] to
/// [batch][steps][hidden]. Where nothing is learnt, the processor takes the inputs' share of all
/// steps in one product and each step's gates in one pass; libtorch makes a dozen small tensors a
/// step.
Tensor read(nn::LSTM& lstm, const Tensor& steps) {
    if (torch::GradMode::is_enabled() || !steps.is_cpu() ||
        steps.scalar_type() != torch::kFloat32) {
        return std::get<0>(lstm->forward(steps));
    }
    const std::int64_t batch = steps.size(0);
    const std::int64_t num_steps = steps.size(1);
    const std::vector<Tensor> weights = lstm->all_weights();
    auto values = steps.transpose(0, 1);
    for (std::size_t layer = 0; layer < weights.size(); layer += 4) {
        const Tensor& from_input = weights[layer];       // [4 hidden][inputs]
        const Tensor& from_hidden = weights[layer + 1];  // [4 hidden][hidden]
        const std::int64_t hidden = from_hidden.size(1);
        const auto all_gates =
            torch::addmm(weights[layer + 2] + weights[layer + 3],
                         values.reshape({num_steps * batch, values.size(2)}), from_input.t())
                .view({num_steps, batch, 4 * hidden});
        values = torch::empty({num_steps, batch, hidden}, steps.options());
        const auto cells = torch::zeros({batch, hidden}, steps.options());
        const auto recurrent = from_hidden.t().contiguous();
        const std::vector<Tensor> gates = all_gates.unbind(0);
        const std::vector<Tensor> answers = values.unbind(0);
        for (std::size_t step = 0; step < gates.size(); ++step) {
            if (step > 0) {
                gates[step].addmm_(answers[step - 1], recurrent);
            }
            kernels::step_lstm(gates[step].data_ptr<float>(), static_cast<std::size_t>(batch),
                               static_cast<std::size_t>(hidden), cells.data_ptr<float>(),
                               answers[step].data_ptr<float>());
        }
    }
    return values.transpose(0, 1);
}

/// The weighted mean of the steps, weights from the steps themselves.
/// Source: Mirsamadi et al. 2017.
class AttentionPoolingImpl : public nn::Module {
 public:
    explicit AttentionPoolingImpl(std::int64_t width)
        : score_(register_module("score", nn::Linear(width, 1))) {}

    /// steps: [batch][steps][width].  mask: [batch][steps].  Returns [batch][width].
    Tensor forward(const Tensor& steps, const Tensor& mask) {
        const auto weights =
            score_->forward(steps).squeeze(2).masked_fill(mask == 0, -1e4).softmax(1);
        return torch::bmm(weights.unsqueeze(1), steps).squeeze(1);
    }

 private:
    nn::Linear score_;
};
TORCH_MODULE(AttentionPooling);

/// Mean and deviation of the steps under several attentions, each over its share of the width.
/// Source: Okabe et al. 2018 (attentive statistics pooling).
class StatisticsPoolingImpl : public nn::Module {
 public:
    StatisticsPoolingImpl(std::int64_t width, std::int64_t heads)
        : heads_(heads),
          hidden_(register_module("hidden", nn::Linear(width, 64))),
          score_(register_module("score", nn::Linear(64, heads))) {}

    /// As AttentionPooling; returns [batch][2 width].
    Tensor forward(const Tensor& steps, const Tensor& mask) {
        const auto scores = score_->forward(torch::tanh(hidden_->forward(steps)));
        const auto weights =
            scores.masked_fill(mask.unsqueeze(2) == 0, -1e4).softmax(1).unsqueeze(3);
        const auto shares =
            steps.reshape({steps.size(0), steps.size(1), heads_, steps.size(2) / heads_});
        const auto mean = (weights * shares).sum(1);
        const auto variance = (weights * shares * shares).sum(1) - mean * mean;
        return torch::cat({mean.flatten(1), variance.clamp_min(1e-5).sqrt().flatten(1)}, 1);
    }

 private:
    std::int64_t heads_;
    nn::Linear hidden_;
    nn::Linear score_;
};
TORCH_MODULE(StatisticsPooling);

/// Convolution over time, batch normalisation, ReLU; with stride 1 and equal widths added to what
/// came in. The mask goes with it.
class ConvolutionImpl : public nn::Module {
 public:
    ConvolutionImpl(std::int64_t inputs, std::int64_t outputs, std::int64_t stride, double dropout)
        : stride_(stride),
          residual_(stride == 1 && inputs == outputs),
          dropout_(dropout),
          convolution_(register_module(
              "convolution",
              nn::Conv1d(
                  nn::Conv1dOptions(inputs, outputs, kWidth).stride(stride).padding(kWidth / 2)))),
          normalisation_(register_module("normalisation", nn::BatchNorm1d(outputs))) {}

    /// values: [batch][inputs][steps], 0 where masked.  mask: [batch][steps]; becomes that of the
    /// result. Returns [batch][outputs][steps / stride, rounded up].
    Tensor forward(const Tensor& values, Tensor& mask) {
        auto result = convolved(values).relu_();
        result = torch::dropout(result, dropout_, is_training());
        if (residual_) {
            result = result + values;
        }
        if (stride_ > 1) {
            // A step counts when one of its rows does, so that a voice of few rows keeps one.
            mask = torch::max_pool1d(mask.unsqueeze(1), stride_, stride_, 0, 1, true).squeeze(1);
        }
        return result * mask.unsqueeze(1);
    }

 private:
    /// Convolved and normalised. oneDNN, which convolves for libtorch, compiles code for each new
    /// shape and keeps it; of live windows, of any length in batches of any size, hardly two are
    /// alike. So where nothing is learnt the processor has it as one product.
    Tensor convolved(const Tensor& values) {
        if (torch::GradMode::is_enabled() || is_training() || !values.is_cpu() ||
            values.scalar_type() != torch::kFloat32) {
            return normalisation_->forward(convolution_->forward(values));
        }
        const auto scale = normalisation_->weight *
                           (normalisation_->running_var + normalisation_->options.eps()).rsqrt();
        const auto bias = (convolution_->bias - normalisation_->running_mean) * scale +
                          normalisation_->bias;  // [outputs]
        const auto weight =
            (convolution_->weight.permute({2, 1, 0}) * scale).flatten(0, 1);  // [5 inputs][outputs]
        // The values that a step sees stand behind each other once each step has its own together.
        const auto steps =
            torch::constant_pad_nd(values.transpose(1, 2), {0, 0, kWidth / 2, kWidth / 2})
                .contiguous();
        const std::int64_t batch = steps.size(0);
        const std::int64_t inputs = steps.size(2);
        const std::int64_t num_steps = (steps.size(1) - kWidth) / stride_ + 1;
        const auto seen = steps.as_strided({batch, num_steps, kWidth * inputs},
                                           {steps.stride(0), stride_ * inputs, 1});
        return torch::addmm(bias, seen.reshape({batch * num_steps, kWidth * inputs}), weight)
            .view({batch, num_steps, -1})
            .transpose(1, 2);
    }

    static constexpr std::int64_t kWidth = 5;
    std::int64_t stride_;
    bool residual_;
    double dropout_;
    nn::Conv1d convolution_;
    nn::BatchNorm1d normalisation_;
};
TORCH_MODULE(Convolution);

/// Reads both ways. The backward one starts at each sequence's own end, so that padding cannot
/// reach it.
class BidirectionalLstmImpl : public nn::Module {
 public:
    BidirectionalLstmImpl(std::int64_t inputs, const NetworkOptions& options)
        : dropout_(options.dropout) {
        for (std::int64_t layer = 0; layer < options.layers; ++layer) {
            const std::int64_t width = layer == 0 ? inputs : 2 * options.hidden;
            for (auto* direction : {&forwards_, &backwards_}) {
                nn::LSTM lstm(nn::LSTMOptions(width, options.hidden).batch_first(true));
                open_forget_gates(lstm, options.hidden);
                direction->push_back(register_module(
                    (direction == &forwards_ ? "forward" : "backward") + std::to_string(layer),
                    lstm));
            }
        }
    }

    /// steps: [batch][steps][inputs].  mask: [batch][steps].  Returns [batch][steps][2 hidden].
    Tensor forward(Tensor steps, const Tensor& mask) {
        // Steps up to the last that counts, turned round; those behind it stay where they are.
        const auto index = torch::arange(steps.size(1), mask.options().dtype(torch::kInt64));
        const auto last = std::get<0>(((mask != 0) * (index + 1)).max(1, true)) - 1;
        const auto turned =
            torch::where(index.unsqueeze(0) <= last, last - index.unsqueeze(0), index.unsqueeze(0));
        const auto window = torch::arange(steps.size(0), index.options()).unsqueeze(1);
        const auto turned_rows = (turned + window * steps.size(1)).flatten();
        const auto turn = [&](const Tensor& values) {
            return values.reshape({-1, values.size(2)})
                .index_select(0, turned_rows)
                .view(values.sizes());
        };
        for (std::size_t layer = 0; layer < forwards_.size(); ++layer) {
            if (layer > 0) {
                steps = torch::dropout(steps, dropout_, is_training());
            }
            const auto ahead = read(forwards_[layer], steps);
            const auto back = turn(read(backwards_[layer], turn(steps)));
            steps = torch::cat({ahead, back}, 2);
        }
        return steps;
    }

 private:
    double dropout_;
    std::vector<nn::LSTM> forwards_;
    std::vector<nn::LSTM> backwards_;
};
TORCH_MODULE(BidirectionalLstm);

/// Several rows a step -> LSTM -> attention.
/// Source: Hochreiter & Schmidhuber 1997.
class LstmNetwork : public Network {
 public:
    explicit LstmNetwork(const NetworkOptions& options)
        : Network(options, {{options.hidden, options.dropout}}),
          lstm_(register_module("lstm",
                                make_lstm(options.num_features * options.rows_per_step, options))),
          pooling_(register_module("pooling", AttentionPooling(options.hidden))) {}

 protected:
    std::vector<Tensor> embed(const Tensor& all_rows, const Tensor& all_mask,
                              const Mixing* mixing) override {
        const auto [rows, mask] = centre_and_mix(all_rows, all_mask, mixing);
        const std::int64_t per_step = options().rows_per_step;
        const std::int64_t missing = (per_step - rows.size(1) % per_step) % per_step;
        const auto whole = torch::constant_pad_nd(rows, {0, 0, 0, missing});
        const std::int64_t num_steps = whole.size(1) / per_step;
        // A step counts when one of its rows does; the LSTM looks back only, so steps behind the
        // end cannot reach those before it.
        const auto step_mask = std::get<0>(
            torch::constant_pad_nd(mask, {0, missing}).view({-1, num_steps, per_step}).max(2));
        const auto steps = whole.reshape({rows.size(0), num_steps, per_step * rows.size(2)});
        return {pooling_->forward(read(lstm_, steps), step_mask)};
    }

 private:
    nn::LSTM lstm_;
    AttentionPooling pooling_;
};

/// Convolutions with max pooling -> the largest and the mean value over time.
class CnnNetwork : public Network {
 public:
    explicit CnnNetwork(const NetworkOptions& options)
        : Network(options, {{4 * options.channels, options.dropout}}) {
        std::int64_t inputs = options.num_features;
        for (int layer = 0; layer < 3; ++layer) {
            const std::int64_t outputs = layer == 0 ? options.channels : 2 * options.channels;
            layers_.push_back(
                register_module("convolution" + std::to_string(layer),
                                Convolution(inputs, outputs, 1, 0.5 * options.dropout)));
            inputs = outputs;
        }
    }

 protected:
    std::vector<Tensor> embed(const Tensor& rows, const Tensor& mask,
                              const Mixing* mixing) override {
        auto [mixed, step_mask] = centre_and_mix(rows, mask, mixing);
        auto values = mixed.transpose(1, 2);
        for (auto& layer : layers_) {
            values = layer->forward(values, step_mask);
            // ReLU's output is not below 0, so the zeros of masked steps never win.
            values = torch::max_pool1d(values, 2, 2, 0, 1, true);
            step_mask = torch::max_pool1d(step_mask.unsqueeze(1), 2, 2, 0, 1, true).squeeze(1);
        }
        const auto mean = values.sum(2) / step_mask.sum(1, true).clamp_min(1.0);
        return {torch::cat({std::get<0>(values.max(2)), mean}, 1)};
    }

 private:
    std::vector<Convolution> layers_;
};

/// Convolutions with max pooling -> LSTM -> attention.
class CnnLstmNetwork : public Network {
 public:
    explicit CnnLstmNetwork(const NetworkOptions& options)
        : Network(options, {{options.hidden, options.dropout}}),
          first_(register_module("first", Convolution(options.num_features, options.channels, 1,
                                                      0.5 * options.dropout))),
          second_(register_module("second", Convolution(options.channels, 2 * options.channels, 1,
                                                        0.5 * options.dropout))),
          lstm_(register_module("lstm", make_lstm(2 * options.channels, options))),
          pooling_(register_module("pooling", AttentionPooling(options.hidden))) {}

 protected:
    std::vector<Tensor> embed(const Tensor& rows, const Tensor& mask,
                              const Mixing* mixing) override {
        auto [mixed, step_mask] = centre_and_mix(rows, mask, mixing);
        auto values = mixed.transpose(1, 2);
        for (auto* layer : {&first_, &second_}) {
            values = torch::max_pool1d((*layer)->forward(values, step_mask), 2, 2, 0, 1, true);
            step_mask = torch::max_pool1d(step_mask.unsqueeze(1), 2, 2, 0, 1, true).squeeze(1);
        }
        const auto hidden = read(lstm_, values.transpose(1, 2).contiguous());
        return {pooling_->forward(hidden, step_mask)};
    }

 private:
    Convolution first_;
    Convolution second_;
    nn::LSTM lstm_;
    AttentionPooling pooling_;
};

/// Mean and deviation under each of several weightings of the steps.
/// values: [batch][steps][width].  weights: [batch][weightings][steps], 0 to 1.
/// Returns two of [batch][weightings][width]; 0 and the least deviation where no step has weight.
std::pair<Tensor, Tensor> weighted_moments(const Tensor& values, const Tensor& weights) {
    const auto shares = weights / weights.sum(2, true).clamp_min(1.0);
    const auto mean = torch::bmm(shares, values);
    const auto square = torch::bmm(shares, values * values);
    return {mean, (square - mean * mean).clamp_min(kLeastVariance).sqrt()};
}

/// In which share of the steps values exceed each of kernels::kLevels: how they are distributed,
/// for less than percentiles cost. A value near a level counts in part, so that rounding decides
/// nothing. values: [batch][steps][width].  mask: [batch][steps], 1 or 0.  unit: what a level of 1
/// is in the values.  Returns [batch][levels][width].
Tensor exceedances(const Tensor& values, const Tensor& mask, double unit) {
    const auto shares = (mask / mask.sum(1, true).clamp_min(1.0)).unsqueeze(1);
    const auto ramps = values / (kernels::kRamp * unit);
    std::vector<Tensor> exceeding;
    for (const float level : kernels::kLevels) {
        const auto above = (ramps + (0.5 - level / kernels::kRamp)).clamp(0.0, 1.0);
        exceeding.push_back(torch::bmm(shares, above));
    }
    return torch::cat(exceeding, 1);
}

/// Functionals of a window: mean, deviation and distribution of its rows and of their deltas, and
/// the means of its quarters, which tell how it goes. Moments are taken over all rows and over the
/// voiced ones, those more voiced than the window's mean; distributions over all. Beside the
/// columns of the rows stand the bands of the spectrum that the cepstra describe: how a band varies
/// cannot be told from how the cepstra do. Source: Schuller et al. 2009 (functionals of low-level
/// descriptors); quarters and bands are ours.
class FunctionalsImpl : public nn::Module {
 public:
    explicit FunctionalsImpl(const NetworkOptions& options) : options_(options) {
        const auto size = static_cast<std::int64_t>(WindowFunctionals(window_options()).size());
        normalisation_ = register_module(
            "normalisation", nn::BatchNorm1d(nn::BatchNorm1dOptions(size).affine(false)));
        reader_ = register_module("reader", nn::Linear(size, options.functionals));
        reader_normalisation_ =
            register_module("reader_normalisation", nn::BatchNorm1d(options.functionals));
    }

    /// rows: [batch][steps][num_features], normalised, 0 where masked.
    /// mask: [batch][steps].  deviation: [num_features], which one stands for in the rows.
    /// Returns [batch][functionals].
    Tensor forward(const Tensor& rows, const Tensor& mask, const Tensor& deviation,
                   const Mixing* mixing) {
        // Sums over hundreds of rows need the full mantissa.
        const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
        Tensor values;
        {
            const torch::NoGradGuard nothing_to_learn;
            const bool is_for_the_processor =
                rows.is_cpu() && rows.scalar_type() == torch::kFloat32;
            values =
                normalisation_->forward(is_for_the_processor ? in_one_pass(rows, mask, deviation)
                                                             : by_operators(rows, mask, deviation));
        }
        values = values.clamp(-5.0, 5.0);
        if (mixing != nullptr) {
            values = mixing->share * values +
                     (1.0 - mixing->share) * values.index_select(0, mixing->partner);
        }
        values = torch::dropout(values, 0.4 * options_.functionals_dropout, is_training());
        return torch::relu(reader_normalisation_->forward(reader_->forward(values)));
    }

 private:
    /// But for what depends on the deviations of the columns.
    [[nodiscard]] WindowFunctionals::Options window_options() const {
        WindowFunctionals::Options window;
        window.num_features = static_cast<std::size_t>(options_.num_features);
        if (options_.voicing_column >= 0) {
            window.voicing_column = static_cast<std::size_t>(options_.voicing_column);
        }
        for (const std::int64_t column : columns_that_follow_the_level()) {
            window.follow_level.push_back(static_cast<std::size_t>(column));
        }
        if (options_.num_cepstra > 0) {
            window.first_cepstrum = static_cast<std::size_t>(options_.zeroth_column);
            window.num_cepstra = static_cast<std::size_t>(options_.num_cepstra);
        }
        return window;
    }

    /// The counted rows are the first ones of each window.
    [[nodiscard]] Tensor in_one_pass(const Tensor& rows, const Tensor& mask,
                                     const Tensor& deviation) const {
        WindowFunctionals::Options window = window_options();
        if (window.voicing_column) {
            window.voiced_above = static_cast<float>(
                options_.voiced_above / deviation[options_.voicing_column].item<double>());
        }
        if (window.num_cepstra > 0) {
            const auto bands = cepstra_to_bands(deviation).contiguous();
            window.bands.assign(bands.data_ptr<float>(), bands.data_ptr<float>() + bands.numel());
        }
        const WindowFunctionals functionals(std::move(window));
        const auto all_rows = rows.contiguous();
        const auto count = mask.sum(1).to(torch::kInt64).clamp_min(1).contiguous();
        auto result = torch::empty({rows.size(0), static_cast<std::int64_t>(functionals.size())},
                                   rows.options());
        for (std::int64_t i = 0; i < rows.size(0); ++i) {
            functionals.compute(
                all_rows.data_ptr<float>() + i * all_rows.stride(0),
                static_cast<std::size_t>(count.data_ptr<std::int64_t>()[i]),
                {result.data_ptr<float>() + i * result.stride(0), functionals.size()});
        }
        return result;
    }

    [[nodiscard]] Tensor by_operators(Tensor rows, Tensor mask, const Tensor& deviation) const {
        const std::int64_t missing = std::max<std::int64_t>(0, kDeltaRows - rows.size(1));
        rows = torch::constant_pad_nd(rows, {0, 0, 0, missing});
        mask = torch::constant_pad_nd(mask, {0, missing});
        const auto count = mask.sum(1, true).clamp_min(1.0);
        std::vector<Tensor> whole{mask};
        std::vector<Tensor> extra;
        if (const std::int64_t column = options_.voicing_column; column >= 0) {
            const auto voicing = rows.select(2, column);
            const auto least =
                voicing.sum(1, true) / count + options_.voiced_above / deviation[column];
            const auto voiced = mask * (voicing > least);
            whole.push_back(voiced);
            extra.push_back(voiced.sum(1, true) / count);
        }
        rows = with_bands(without_level(rows, count), deviation);
        const auto weights = torch::stack(whole, 1);
        const auto place = mask.cumsum(1) * 4.0 / (count + 1.0);  // above 0, below 4
        std::vector<Tensor> quarters;
        for (int quarter = 0; quarter < 4; ++quarter) {
            const auto within = (place >= quarter).logical_and(place < quarter + 1);
            quarters.push_back(weights * within.unsqueeze(1));
        }
        // Rows on both sides that count: a delta at the end would be that of the padding.
        const auto deltas = regression(rows);
        const std::int64_t num_deltas = deltas.size(1);
        const auto inner = mask.narrow(1, 0, num_deltas) * mask.narrow(1, 4, num_deltas);
        const auto inner_weights = weights.narrow(2, 2, num_deltas) * inner.unsqueeze(1);

        const auto [mean, spread] = weighted_moments(rows, weights);
        const auto contour = weighted_moments(rows, torch::cat(quarters, 1)).first;
        const auto [delta_mean, delta_spread] = weighted_moments(deltas, inner_weights);
        for (const Tensor& part :
             {mean, spread, contour, delta_mean, delta_spread, exceedances(rows, mask, 1.0),
              exceedances(deltas, inner, kDeltaUnit)}) {
            extra.push_back(part.flatten(1));
        }
        return torch::cat(extra, 1);
    }

    [[nodiscard]] std::vector<std::int64_t> columns_that_follow_the_level() const {
        std::vector<std::int64_t> columns;
        for (const std::int64_t column : {options_.energy_column, options_.zeroth_column}) {
            if (column >= 0) {
                columns.push_back(column);
            }
        }
        return columns;
    }

    /// The same rows whatever the gain: what follows the level loses its mean over the window. Rows
    /// that do not count get any value.
    [[nodiscard]] Tensor without_level(const Tensor& rows, const Tensor& count) const {
        auto follows = torch::zeros({options_.num_features}, rows.options());
        for (const std::int64_t column : columns_that_follow_the_level()) {
            follows[column] = 1.0;
        }
        const auto mean = rows.sum(1, true) / count.unsqueeze(2);
        return rows - mean * follows;
    }

    /// Behind the columns as many bands as there are cepstra.
    [[nodiscard]] Tensor with_bands(const Tensor& rows, const Tensor& deviation) const {
        if (options_.num_cepstra == 0) {
            return rows;
        }
        const auto cepstra = rows.narrow(2, options_.zeroth_column, options_.num_cepstra);
        return torch::cat({rows, cepstra.matmul(cepstra_to_bands(deviation))}, 2);
    }

    /// [num_cepstra][num_cepstra]: the cosine transform turned back, each band scaled to the
    /// deviation that it had if the cepstra were uncorrelated.
    [[nodiscard]] Tensor cepstra_to_bands(const Tensor& deviation) const {
        const std::int64_t size = options_.num_cepstra;
        const auto number = torch::arange(size, deviation.options());
        const auto angle = number.unsqueeze(1) * (number + 0.5);
        auto cosines = (angle * (std::numbers::pi / static_cast<double>(size))).cos();
        cosines[0] *= std::sqrt(0.5);
        cosines = cosines * deviation.narrow(0, options_.zeroth_column, size).unsqueeze(1);
        return cosines / cosines.square().sum(0).sqrt();
    }

    /// HTK's regression over two rows on either side, of the rows that have these.
    static Tensor regression(const Tensor& rows) {
        const auto shifted = [&](std::int64_t by) {
            return rows.narrow(1, 2 + by, rows.size(1) - 4);
        };
        return (2.0 * (shifted(2) - shifted(-2)) + shifted(1) - shifted(-1)) / 10.0;
    }

    static constexpr std::int64_t kDeltaRows = 5;

    NetworkOptions options_;
    nn::BatchNorm1d normalisation_{nullptr};
    nn::Linear reader_{nullptr};
    nn::BatchNorm1d reader_normalisation_{nullptr};
};
TORCH_MODULE(Functionals);

/// Functionals -> fully connected.
class DnnNetwork : public Network {
 public:
    explicit DnnNetwork(const NetworkOptions& options)
        : Network(options, {{options.functionals, options.functionals_dropout}}),
          functionals_(register_module("functionals", Functionals(options))) {}

 protected:
    std::vector<Tensor> embed(const Tensor& rows, const Tensor& mask,
                              const Mixing* mixing) override {
        return {functionals_->forward(rows, mask, deviation(), mixing)};
    }

 private:
    Functionals functionals_;
};

/// Two experts. One follows the order of the rows: three convolutions, a step each eight rows ->
/// bidirectional LSTM -> attentive statistics. The other reads their functionals; it learns more
/// surely from few speakers, and counts twice.
class CrnnNetwork : public Network {
 public:
    explicit CrnnNetwork(const NetworkOptions& options)
        : Network(options, {{4 * options.hidden, options.dropout, 1.0},
                            {options.functionals, options.functionals_dropout, 2.0}}),
          lstm_(register_module("lstm", BidirectionalLstm(options.channels, options))),
          pooling_(
              register_module("pooling", StatisticsPooling(2 * options.hidden, options.heads))),
          functionals_(register_module("functionals", Functionals(options))) {
        for (int layer = 0; layer < 3; ++layer) {
            layers_.push_back(
                register_module("convolution" + std::to_string(layer),
                                Convolution(layer == 0 ? options.num_features : options.channels,
                                            options.channels, 2, 0.5 * options.dropout)));
        }
    }

 protected:
    std::vector<Tensor> embed(const Tensor& rows, const Tensor& mask,
                              const Mixing* mixing) override {
        const auto read = functionals_->forward(rows, mask, deviation(), mixing);
        auto [mixed, step_mask] = centre_and_mix(rows, mask, mixing);
        auto values = mixed.transpose(1, 2);
        for (auto& layer : layers_) {
            values = layer->forward(values, step_mask);
        }
        const auto steps = lstm_->forward(values.transpose(1, 2).contiguous(), step_mask);
        return {pooling_->forward(steps.to(rows.scalar_type()), step_mask), read};
    }

 private:
    std::vector<Convolution> layers_;
    BidirectionalLstm lstm_;
    StatisticsPooling pooling_;
    Functionals functionals_;
};

}  // namespace

std::shared_ptr<Network> make_network(const NetworkOptions& options) {
    if (options.kind == "lstm") {
        return std::make_shared<LstmNetwork>(options);
    }
    if (options.kind == "cnn") {
        return std::make_shared<CnnNetwork>(options);
    }
    if (options.kind == "cnn-lstm") {
        return std::make_shared<CnnLstmNetwork>(options);
    }
    if (options.kind == "dnn") {
        return std::make_shared<DnnNetwork>(options);
    }
    if (options.kind == "crnn") {
        return std::make_shared<CrnnNetwork>(options);
    }
    throw std::invalid_argument("network kind '" + options.kind + "' is not known");
}

}  // namespace emotiond::model
