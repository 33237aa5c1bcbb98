#include "model/training/voice_trainer.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <numbers>
#include <random>
#include <span>
#include <thread>

#include "dsp/feature_extractor.hpp"

namespace emotiond::model {
namespace {

struct Normalisation {
    torch::Tensor mean;       // [num_features]
    torch::Tensor deviation;  // [num_features]
};

Normalisation normalisation_of(const torch::Tensor& rows) {
    constexpr double kLeastDeviation = 1e-3;
    return {rows.mean(0), rows.std(0).clamp_min(kLeastDeviation)};
}

struct Detector : torch::nn::Module {
    Detector(std::int64_t num_features, std::int64_t units)
        : gru(register_module(
              "gru", torch::nn::GRU(torch::nn::GRUOptions(num_features, units).batch_first(true)))),
          output(register_module("output", torch::nn::Linear(units, 1))) {}

    torch::Tensor forward(const torch::Tensor& rows) {
        return output->forward(std::get<0>(gru->forward(rows))).squeeze(2);
    }

    torch::nn::GRU gru;
    torch::nn::Linear output;
};

std::vector<float> values_of(const torch::Tensor& tensor) {
    const torch::Tensor flat = tensor.detach().contiguous().view(-1);
    return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

/// With the rows' normalisation inside of the first layer.
dsp::VoiceDetector::Weights weights_of(const Detector& detector, const Normalisation& rows) {
    const auto parameters = detector.gru->named_parameters();
    const torch::Tensor input = parameters["weight_ih_l0"] / rows.deviation;
    dsp::VoiceDetector::Weights weights;
    weights.num_features = static_cast<std::size_t>(input.size(1));
    weights.num_units = static_cast<std::size_t>(input.size(0) / 3);
    weights.input = values_of(input);
    weights.input_bias = values_of(parameters["bias_ih_l0"] - input.mv(rows.mean));
    weights.recurrent = values_of(parameters["weight_hh_l0"]);
    weights.recurrent_bias = values_of(parameters["bias_hh_l0"]);
    weights.output = values_of(detector.output->weight);
    weights.output_bias = detector.output->bias.item<float>();
    return weights;
}

/// A warm-up, then a cosine that ends at 0.
double rate_at(std::size_t step, const VoiceRecipe& recipe) {
    constexpr double kWarmUp = 0.05;
    const double done = static_cast<double>(step) / static_cast<double>(recipe.steps);
    return recipe.learning_rate * std::min(1.0, done / kWarmUp + 0.02) * 0.5 *
           (1.0 + std::cos(std::numbers::pi * done));
}

}  // namespace

VoiceRows draw_voice_rows(const SceneMaterial& material, const dsp::FeatureSpec& spec,
                          const VoiceRecipe& recipe, std::size_t scenes, std::uint64_t seed,
                          const VoiceProgress& on_progress) {
    VoiceRows rows;
    rows.num_features = spec.num_features();
    rows.rows_per_second = static_cast<double>(spec.sample_rate_hz) / spec.hop_samples;
    const double hops = recipe.scene_seconds * spec.sample_rate_hz / spec.hop_samples;
    const auto frame_hops = static_cast<std::size_t>(
        (static_cast<std::size_t>(spec.frame_samples) + spec.lookahead_samples()) /
            static_cast<std::size_t>(spec.hop_samples) +
        spec.lookahead_rows() + 1);
    // The last hops of a scene have no row of their own, or one that reaches over the end.
    rows.rows_per_scene = static_cast<std::size_t>(hops) - frame_hops;
    const std::size_t size = rows.rows_per_scene * rows.num_features;
    rows.values.resize(scenes * size);
    rows.speech.resize(scenes * rows.rows_per_scene);

    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};
    std::mutex mutex;
    std::exception_ptr failure;
    const auto work = [&](bool tells) {
        try {
            for (std::size_t i = next++; i < scenes; i = next++) {
                Random random(seed * 1000003 + i);
                VoiceScene scene = draw_scene(material, spec, recipe.scene_seconds, random);
                dsp::FeatureExtractor extractor(spec);
                float* to = rows.values.data() + i * size;
                std::size_t num_rows = 0;
                extractor.push(scene.samples, [&](std::span<const float> row) {
                    if (num_rows++ < rows.rows_per_scene) {
                        to = std::ranges::copy(row, to).out;
                    }
                });
                std::copy_n(
                    scene.speech.begin(), rows.rows_per_scene,
                    rows.speech.begin() + static_cast<std::ptrdiff_t>(i * rows.rows_per_scene));
                {
                    const std::scoped_lock lock(mutex);
                    rows.problems.merge(scene.problems);
                }
                ++done;
                if (tells) {
                    on_progress("scenes", done, scenes, 0.0);
                }
            }
        } catch (...) {
            const std::scoped_lock lock(mutex);
            failure = std::current_exception();
            next = scenes;
        }
    };
    {
        std::vector<std::jthread> others;
        for (int i = 1; i < recipe.threads; ++i) {
            others.emplace_back(work, false);
        }
        work(true);
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
    on_progress("scenes", scenes, scenes, 0.0);
    return rows;
}

dsp::VoiceDetector::Weights train_voice(const VoiceRows& rows, const VoiceRecipe& recipe,
                                        const VoiceProgress& on_progress) {
    torch::set_num_threads(std::max(1, recipe.threads));
    torch::manual_seed(recipe.seed);
    std::mt19937_64 random(recipe.seed);
    const auto num_features = static_cast<std::int64_t>(rows.num_features);
    const auto num_rows = static_cast<std::int64_t>(rows.speech.size());
    const auto crop_rows = static_cast<std::size_t>(recipe.crop_seconds * rows.rows_per_second);
    const auto crop = static_cast<std::int64_t>(std::min(crop_rows, rows.rows_per_scene));
    const std::size_t scenes = rows.speech.size() / rows.rows_per_scene;

    // from_blob takes no const, and nothing is written through it.
    torch::Tensor values = torch::from_blob(const_cast<float*>(rows.values.data()),
                                            {num_rows, num_features}, torch::kFloat32);
    const torch::Tensor speech =
        torch::from_blob(const_cast<std::uint8_t*>(rows.speech.data()), {num_rows}, torch::kUInt8);
    const Normalisation normalisation = normalisation_of(values);

    Detector detector(num_features, static_cast<std::int64_t>(recipe.units));
    torch::optim::AdamW optimizer(
        detector.parameters(), torch::optim::AdamWOptions(recipe.learning_rate).weight_decay(1e-4));
    std::uniform_int_distribution<std::size_t> draw_scene_index(0, scenes - 1);
    std::uniform_int_distribution<std::int64_t> draw_first(
        0, static_cast<std::int64_t>(rows.rows_per_scene) - crop);
    double smooth_loss = 0.0;
    for (std::size_t step = 0; step < recipe.steps; ++step) {
        std::vector<torch::Tensor> crops;
        std::vector<torch::Tensor> targets;
        for (std::size_t i = 0; i < recipe.batch; ++i) {
            const std::int64_t first =
                static_cast<std::int64_t>(draw_scene_index(random) * rows.rows_per_scene) +
                draw_first(random);
            crops.push_back(values.narrow(0, first, crop));
            targets.push_back(speech.narrow(0, first, crop));
        }
        const torch::Tensor batch =
            (torch::stack(crops) - normalisation.mean) / normalisation.deviation;
        const torch::Tensor target = torch::stack(targets).to(torch::kFloat32);
        for (auto& group : optimizer.param_groups()) {
            static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate_at(step, recipe));
        }
        optimizer.zero_grad();
        const torch::Tensor loss =
            torch::binary_cross_entropy_with_logits(detector.forward(batch), target);
        loss.backward();
        torch::nn::utils::clip_grad_norm_(detector.parameters(), 1.0);
        optimizer.step();
        const double now = loss.item<double>();
        smooth_loss = step == 0 ? now : 0.95 * smooth_loss + 0.05 * now;
        on_progress("training", step + 1, recipe.steps, smooth_loss);
    }
    return weights_of(detector, normalisation);
}

std::vector<float> detect_voice(const VoiceRows& rows, const dsp::VoiceDetector::Weights& weights) {
    dsp::VoiceDetector detector(weights);
    std::vector<float> answers;
    answers.reserve(rows.speech.size());
    for (std::size_t row = 0; row < rows.speech.size(); ++row) {
        if (row % rows.rows_per_scene == 0) {
            detector.reset();
        }
        answers.push_back(detector.push(
            std::span(rows.values).subspan(row * rows.num_features, rows.num_features)));
    }
    return answers;
}

}  // namespace emotiond::model
