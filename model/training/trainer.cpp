#include "model/training/trainer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <numeric>
#include <random>
#include <stdexcept>

#include "model/classifier.hpp"
#include "model/feature_spec_json.hpp"
#include "model/labels.hpp"
#include "model/lstm_network.hpp"
#include "model/timeline.hpp"

namespace emotiond::model {
namespace {

using ClipList = std::vector<const ClipFeatures*>;
using LabelSet = std::array<bool, kEmotions.size()>;
using nlohmann::ordered_json;

const std::vector<std::string>& emotion_names() {
    static const std::vector<std::string> kNames(kEmotions.begin(), kEmotions.end());
    return kNames;
}

/// Labels that occur in each corpus.
std::map<std::string, LabelSet> labels_by_corpus(const std::vector<ClipFeatures>& clips) {
    std::map<std::string, LabelSet> labels;
    for (const ClipFeatures& features : clips) {
        labels[features.clip.corpus][features.clip.label] = true;
    }
    return labels;
}

// ---------------------------------------------------------------------------------- batches

struct Batch {
    torch::Tensor rows;      ///< [batch][crop][features]
    torch::Tensor num_rows;  ///< [batch]
    torch::Tensor targets;   ///< [batch][labels], each sums to 1
    torch::Tensor allowed;   ///< [batch][labels], 1 where the corpus has the label
};

/// Draws crops so that every label of a corpus is heard equally often, and corpora by the root of
/// their size.
class Sampler {
 public:
    Sampler(const ClipList& clips, std::map<std::string, LabelSet> corpus_labels,
            std::size_t num_features, const Recipe& recipe)
        : clips_(clips),
          corpus_labels_(std::move(corpus_labels)),
          num_features_(num_features),
          recipe_(recipe) {
        std::map<std::pair<std::string, std::size_t>, double> per_label;
        std::map<std::string, double> per_corpus;
        std::map<std::string, std::set<std::size_t>> labels;
        for (const ClipFeatures* clip : clips) {
            per_label[{clip->clip.corpus, clip->clip.label}] += 1.0;
            per_corpus[clip->clip.corpus] += 1.0;
            labels[clip->clip.corpus].insert(clip->clip.label);
        }
        std::vector<double> weights;
        for (const ClipFeatures* clip : clips) {
            const std::string& corpus = clip->clip.corpus;
            weights.push_back(std::sqrt(per_corpus[corpus]) /
                              static_cast<double>(labels[corpus].size()) /
                              per_label[{corpus, clip->clip.label}]);
        }
        draw_ = std::discrete_distribution<std::size_t>(weights.begin(), weights.end());
    }

    [[nodiscard]] std::size_t batches_per_epoch() const {
        return std::max<std::size_t>(1, clips_.size() / static_cast<std::size_t>(recipe_.batch));
    }

    Batch next(std::mt19937_64& random) {
        const auto size = static_cast<std::size_t>(recipe_.batch);
        std::uniform_int_distribution<int> crop(recipe_.min_crop_rows, recipe_.max_crop_rows);
        const auto crop_rows = static_cast<std::size_t>(crop(random));
        Batch batch;
        const auto extent = static_cast<std::int64_t>(size);
        const auto num_labels = static_cast<std::int64_t>(kEmotions.size());
        batch.rows = torch::zeros({extent, static_cast<std::int64_t>(crop_rows),
                                   static_cast<std::int64_t>(num_features_)});
        batch.num_rows = torch::empty({extent}, torch::kInt64);
        batch.targets = torch::zeros({extent, num_labels});
        batch.allowed = torch::zeros({extent, num_labels});
        for (std::size_t i = 0; i < size; ++i) {
            const ClipFeatures& clip = *clips_[draw_(random)];
            std::uniform_int_distribution<std::size_t> variant(0, clip.variants.size());
            const std::size_t chosen = variant(random);
            const Rows& rows = chosen == 0 ? clip.rows : clip.variants[chosen - 1];
            const std::size_t taken = std::min(rows.num_rows, crop_rows);
            std::uniform_int_distribution<std::size_t> start(0, rows.num_rows - taken);
            std::copy_n(rows.values.data() + start(random) * num_features_, taken * num_features_,
                        batch.rows.data_ptr<float>() + i * crop_rows * num_features_);
            batch.num_rows.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(taken);
            fill_target(clip.clip, batch.targets.data_ptr<float>() + i * kEmotions.size(),
                        batch.allowed.data_ptr<float>() + i * kEmotions.size());
        }
        return batch;
    }

 private:
    void fill_target(const Clip& clip, float* target, float* allowed) const {
        const LabelSet& known = corpus_labels_.at(clip.corpus);
        const auto num_known = static_cast<double>(std::ranges::count(known, true));
        for (std::size_t label = 0; label < known.size(); ++label) {
            if (known[label]) {
                allowed[label] = 1.0F;
                target[label] = static_cast<float>(recipe_.label_smoothing / num_known);
            }
        }
        target[clip.label] += static_cast<float>(1.0 - recipe_.label_smoothing);
    }

    const ClipList& clips_;
    std::map<std::string, LabelSet> corpus_labels_;
    std::size_t num_features_;
    const Recipe& recipe_;
    std::discrete_distribution<std::size_t> draw_;
};

/// Mixes each crop with another of its batch, as far as both reach. Source: Zhang et al. 2018.
void mix_up(Batch& batch, double alpha, std::mt19937_64& random) {
    std::gamma_distribution<double> gamma(alpha);
    const double a = gamma(random);
    const double b = gamma(random);
    const double share = a + b > 0.0 ? std::max(a, b) / (a + b) : 1.0;
    const auto order = torch::randperm(batch.rows.size(0));
    const auto other_rows = batch.rows.index_select(0, order);
    batch.rows = share * batch.rows + (1.0 - share) * other_rows;
    batch.num_rows = torch::minimum(batch.num_rows, batch.num_rows.index_select(0, order));
    batch.targets = share * batch.targets + (1.0 - share) * batch.targets.index_select(0, order);
    batch.allowed = torch::maximum(batch.allowed, batch.allowed.index_select(0, order));
}

// ---------------------------------------------------------------------------------- answers

/// Probabilities of every window of a clip, in one forward pass.
torch::Tensor window_logits(LstmNetwork& network, const ClipFeatures& clip,
                            std::size_t num_features, torch::Device device) {
    std::size_t max_rows = 0;
    for (const ClipWindow& window : clip.windows) {
        max_rows = std::max(max_rows, window.num_rows);
    }
    const auto batch = static_cast<std::int64_t>(clip.windows.size());
    auto rows = torch::zeros(
        {batch, static_cast<std::int64_t>(max_rows), static_cast<std::int64_t>(num_features)});
    auto num_rows = torch::empty({batch}, torch::kInt64);
    for (std::size_t i = 0; i < clip.windows.size(); ++i) {
        const ClipWindow& window = clip.windows[i];
        std::copy_n(clip.rows.values.data() + window.first_row * num_features,
                    window.num_rows * num_features,
                    rows.data_ptr<float>() + i * max_rows * num_features);
        num_rows.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(window.num_rows);
    }
    return network->forward(rows.to(device), num_rows.to(device)).to(torch::kCPU);
}

Scores clip_scores(const torch::Tensor& logits, const ClipFeatures& clip, float temperature) {
    const auto probabilities = (logits / temperature).softmax(1).contiguous();
    const std::size_t num_labels = kEmotions.size();
    std::vector<TimelineEntry> entries;
    for (std::size_t i = 0; i < clip.windows.size(); ++i) {
        TimelineEntry entry;
        entry.voiced = clip.windows[i].voiced;
        entry.num_rows = clip.windows[i].num_rows;
        const float* row = probabilities.data_ptr<float>() + i * num_labels;
        entry.scores.assign(row, row + num_labels);
        entries.push_back(std::move(entry));
    }
    return overall_scores(entries);
}

std::vector<CorpusResult> answer(LstmNetwork& network, const ClipList& clips,
                                 const std::map<std::string, LabelSet>& corpus_labels,
                                 std::size_t num_features, torch::Device device,
                                 float temperature) {
    const torch::NoGradGuard no_grad;
    network->eval();
    std::vector<CorpusResult> results;
    for (const auto& [corpus, known] : corpus_labels) {
        CorpusResult result{corpus, ConfusionMatrix(kEmotions.size()),
                            ConfusionMatrix(kEmotions.size())};
        for (const ClipFeatures* clip : clips) {
            if (clip->clip.corpus != corpus) {
                continue;
            }
            Scores scores = clip_scores(window_logits(network, *clip, num_features, device), *clip,
                                        temperature);
            result.all_labels.add(clip->clip.label, best_label(scores));
            for (std::size_t label = 0; label < scores.size(); ++label) {
                if (!known[label]) {
                    scores[label] = -1.0F;
                }
            }
            result.corpus_labels.add(clip->clip.label, best_label(scores));
        }
        if (result.all_labels.total() > 0) {
            results.push_back(std::move(result));
        }
    }
    return results;
}

double mean_ua(const std::vector<CorpusResult>& results) {
    double sum = 0.0;
    for (const CorpusResult& result : results) {
        sum += result.corpus_labels.unweighted_accuracy();
    }
    return results.empty() ? 0.0 : sum / static_cast<double>(results.size());
}

/// The temperature with the least negative log-likelihood over the windows of the clips.
/// Source: Guo et al. 2017.
float fit_temperature(LstmNetwork& network, const ClipList& clips, std::size_t num_features,
                      torch::Device device) {
    const torch::NoGradGuard no_grad;
    network->eval();
    std::vector<torch::Tensor> logits;
    std::vector<std::int64_t> truths;
    for (const ClipFeatures* clip : clips) {
        logits.push_back(window_logits(network, *clip, num_features, device));
        truths.insert(truths.end(), clip->windows.size(),
                      static_cast<std::int64_t>(clip->clip.label));
    }
    const auto all = torch::cat(logits);
    const auto truth = torch::tensor(truths);
    float best = 1.0F;
    double best_loss = std::numeric_limits<double>::max();
    for (float temperature = 0.25F; temperature <= 4.0F; temperature *= 1.02F) {
        const auto loss =
            torch::nn::functional::cross_entropy(all / temperature, truth).item<double>();
        if (loss < best_loss) {
            best_loss = loss;
            best = temperature;
        }
    }
    return best;
}

// ---------------------------------------------------------------------------------- the run

/// Mean and deviation of every feature over the training rows, each clip centred first where the
/// network does so with its windows.
void fit_normalisation(LstmNetwork& network, const ClipList& clips, std::size_t num_features) {
    std::vector<double> sum(num_features);
    std::vector<double> square_sum(num_features);
    double count = 0.0;
    for (const ClipFeatures* clip : clips) {
        const Rows& rows = clip->rows;
        std::vector<double> centre(num_features);
        if (network->options().centre_window) {
            for (std::size_t i = 0; i < rows.values.size(); ++i) {
                centre[i % num_features] += rows.values[i];
            }
            for (double& value : centre) {
                value /= static_cast<double>(rows.num_rows);
            }
        }
        for (std::size_t i = 0; i < rows.values.size(); ++i) {
            const double value = rows.values[i] - centre[i % num_features];
            sum[i % num_features] += value;
            square_sum[i % num_features] += value * value;
        }
        count += static_cast<double>(rows.num_rows);
    }
    std::vector<float> mean(num_features);
    std::vector<float> deviation(num_features);
    for (std::size_t i = 0; i < num_features; ++i) {
        const double average = sum[i] / count;
        mean[i] = static_cast<float>(average);
        deviation[i] = static_cast<float>(
            std::sqrt(std::max(1e-6, square_sum[i] / count - average * average)));
    }
    network->set_normalisation(mean, deviation);
}

void copy_parameters(LstmNetwork& from, LstmNetwork& to) {
    import_tensors(*to, export_tensors(*from));
}

/// Everything that changes from epoch to epoch. Random numbers are drawn anew from seed and epoch,
/// so they need no place in a checkpoint.
struct RunState {
    LstmNetwork network;
    LstmNetwork average;
    LstmNetwork best;
    torch::optim::AdamW optimizer;
    std::int64_t epoch = 0;
    std::int64_t step = 0;
    std::int64_t best_epoch = 0;
    double best_ua = -1.0;

    RunState(const LstmOptions& options, const Recipe& recipe)
        : network(options),
          average(options),
          best(options),
          optimizer(
              network->parameters(),
              torch::optim::AdamWOptions(recipe.learning_rate).weight_decay(recipe.weight_decay)) {}

    void save(const std::filesystem::path& path) const {
        torch::serialize::OutputArchive archive;
        const auto put = [&archive](const char* name, const auto& part) {
            torch::serialize::OutputArchive inner;
            part.save(inner);
            archive.write(name, inner);
        };
        put("network", *network);
        put("average", *average);
        put("best", *best);
        put("optimizer", optimizer);
        archive.write("counters",
                      torch::tensor({static_cast<double>(epoch), static_cast<double>(step),
                                     static_cast<double>(best_epoch), best_ua},
                                    torch::kFloat64));
        const std::filesystem::path beside = path.string() + ".part";
        archive.save_to(beside.string());
        std::filesystem::rename(beside, path);
    }

    void load(const std::filesystem::path& path, torch::Device device) {
        torch::serialize::InputArchive archive;
        archive.load_from(path.string(), device);
        const auto get = [&archive](const char* name, auto& part) {
            torch::serialize::InputArchive inner;
            archive.read(name, inner);
            part.load(inner);
        };
        get("network", *network);
        get("average", *average);
        get("best", *best);
        get("optimizer", optimizer);
        torch::Tensor counters;
        archive.read("counters", counters);
        counters = counters.to(torch::kCPU);
        const auto* values = counters.data_ptr<double>();
        epoch = static_cast<std::int64_t>(values[0]);
        step = static_cast<std::int64_t>(values[1]);
        best_epoch = static_cast<std::int64_t>(values[2]);
        best_ua = values[3];
    }
};

void set_learning_rate(torch::optim::Optimizer& optimizer, double rate) {
    for (auto& group : optimizer.param_groups()) {
        group.options().set_lr(rate);
    }
}

/// Linear warm-up over the first epoch, then a cosine down to nothing.
double scheduled_rate(const Recipe& recipe, std::int64_t step, std::size_t batches_per_epoch) {
    const auto warm_up = static_cast<double>(batches_per_epoch);
    const double all = warm_up * recipe.epochs;
    const auto at = static_cast<double>(step);
    if (at < warm_up) {
        return recipe.learning_rate * (at + 1.0) / warm_up;
    }
    return recipe.learning_rate * 0.5 * (1.0 + std::cos(M_PI * (at - warm_up) / (all - warm_up)));
}

double train_epoch(RunState& state, Sampler& sampler, const Recipe& recipe, torch::Device device,
                   const TrainerEnvironment& environment) {
    const std::uint64_t epoch_seed =
        recipe.seed * 1000003 + static_cast<std::uint64_t>(state.epoch);
    torch::manual_seed(epoch_seed);
    std::mt19937_64 random(epoch_seed);
    const std::size_t batches = sampler.batches_per_epoch();
    double loss_sum = 0.0;
    state.network->train();
    for (std::size_t i = 0; i < batches; ++i) {
        set_learning_rate(state.optimizer, scheduled_rate(recipe, state.step, batches));
        Batch batch = sampler.next(random);
        if (recipe.mixup > 0.0) {
            mix_up(batch, recipe.mixup, random);
        }
        const auto logits =
            state.network->forward(batch.rows.to(device), batch.num_rows.to(device));
        // A corpus says nothing of labels it does not have.
        const auto allowed = batch.allowed.to(device);
        const auto log_scores = logits.masked_fill(allowed == 0, -1e4).log_softmax(1) * allowed;
        const auto loss = -(batch.targets.to(device) * log_scores).sum(1).mean();
        state.optimizer.zero_grad();
        loss.backward();
        torch::nn::utils::clip_grad_norm_(state.network->parameters(), recipe.clip_gradient);
        state.optimizer.step();
        ++state.step;
        loss_sum += loss.item<double>();

        const torch::NoGradGuard no_grad;
        const double decay =
            std::min(recipe.average_decay, (1.0 + static_cast<double>(state.step)) /
                                               (10.0 + static_cast<double>(state.step)));
        auto averages = state.average->parameters();
        const auto parameters = state.network->parameters();
        for (std::size_t p = 0; p < averages.size(); ++p) {
            averages[p].mul_(decay).add_(parameters[p], 1.0 - decay);
        }
        environment.on_batch(static_cast<int>(state.epoch) + 1, i + 1, batches,
                             loss_sum / static_cast<double>(i + 1));
    }
    ++state.epoch;
    return loss_sum / static_cast<double>(batches);
}

torch::Device training_device(const std::string& wanted) {
    if (wanted == "auto") {
        return torch::cuda::is_available() ? torch::kCUDA : torch::kCPU;
    }
    return torch::Device(wanted);
}

void prepare_run_folder(const std::filesystem::path& folder, const ordered_json& config) {
    std::filesystem::create_directories(folder);
    const auto path = folder / "recipe.json";
    std::ifstream in(path);
    if (in) {
        const auto found = ordered_json::parse(in, nullptr, false);
        if (found != config) {
            throw std::runtime_error("run folder " + folder.string() +
                                     " holds a run of another recipe: " + found.dump() +
                                     ", this one is " + config.dump());
        }
        return;
    }
    std::ofstream(path) << config.dump(2) << '\n';
}

}  // namespace

ordered_json Recipe::to_json() const {
    return {{"seed", seed},
            {"epochs", epochs},
            {"batch", batch},
            {"learning_rate", learning_rate},
            {"weight_decay", weight_decay},
            {"label_smoothing", label_smoothing},
            {"mixup", mixup},
            {"dropout", dropout},
            {"clip_gradient", clip_gradient},
            {"average_decay", average_decay},
            {"patience", patience},
            {"min_crop_rows", min_crop_rows},
            {"max_crop_rows", max_crop_rows},
            {"rows_per_step", rows_per_step},
            {"centre_window", centre_window}};
}

Bundle train(const std::vector<ClipFeatures>& clips, const dsp::FeatureSpec& spec,
             const std::set<std::string>& validation_speakers,
             const std::set<std::string>& test_speakers, const Recipe& recipe,
             const TrainerEnvironment& environment) {
    torch::set_num_threads(environment.threads);
    ClipList training;
    ClipList validation;
    for (const ClipFeatures& clip : clips) {
        if (validation_speakers.contains(clip.clip.speaker)) {
            validation.push_back(&clip);
        } else if (!test_speakers.contains(clip.clip.speaker)) {
            training.push_back(&clip);
        }
    }
    if (training.empty() || validation.empty()) {
        throw std::runtime_error(
            "training needs clips of training and of validation speakers, got " +
            std::to_string(training.size()) + " and " + std::to_string(validation.size()));
    }
    std::map<std::string, int> clips_by_corpus;
    for (const ClipFeatures* clip : training) {
        ++clips_by_corpus[clip->clip.corpus];
    }
    const ordered_json config{{"recipe", recipe.to_json()},
                              {"features", model::to_json(spec)},
                              {"validation_speakers", validation_speakers},
                              {"test_speakers", test_speakers},
                              {"training_clips", clips_by_corpus}};
    prepare_run_folder(environment.run_folder, config);

    const torch::Device device = training_device(environment.device);
    const std::size_t num_features = spec.num_features();
    LstmOptions options;
    options.num_features = static_cast<std::int64_t>(num_features);
    options.num_labels = static_cast<std::int64_t>(kEmotions.size());
    options.rows_per_step = recipe.rows_per_step;
    options.dropout = recipe.dropout;
    options.centre_window = recipe.centre_window;

    torch::manual_seed(recipe.seed);
    RunState state(options, recipe);
    const auto checkpoint = environment.run_folder / "last.pt";
    if (std::filesystem::exists(checkpoint)) {
        state.load(checkpoint, device);
    } else {
        fit_normalisation(state.network, training, num_features);
        copy_parameters(state.network, state.average);
        copy_parameters(state.network, state.best);
    }
    state.network->to(device);
    state.average->to(device);
    state.best->to(device);

    const auto corpus_labels = labels_by_corpus(clips);
    Sampler sampler(training, corpus_labels, num_features, recipe);
    std::ofstream log(environment.run_folder / "log.csv", std::ios::app);
    if (state.epoch == 0) {
        log << "epoch,loss,validation_ua,seconds\n";
    }
    while (state.epoch < recipe.epochs && state.epoch - state.best_epoch < recipe.patience) {
        if (environment.stop.stop_requested()) {
            return {};
        }
        const auto begin = std::chrono::steady_clock::now();
        const double loss = train_epoch(state, sampler, recipe, device, environment);
        const double ua =
            mean_ua(answer(state.average, validation, corpus_labels, num_features, device, 1.0F));
        if (ua > state.best_ua) {
            state.best_ua = ua;
            state.best_epoch = state.epoch;
            copy_parameters(state.average, state.best);
        }
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
        state.save(checkpoint);
        log << state.epoch << ',' << loss << ',' << ua << ',' << taken.count() << std::endl;
        environment.on_epoch(
            {static_cast<int>(state.epoch), recipe.epochs, loss, ua, state.best_ua, taken.count()});
    }

    Bundle bundle;
    bundle.name = "lstm";
    bundle.labels = emotion_names();
    bundle.features = spec;
    bundle.network = to_json(options);
    bundle.temperature = fit_temperature(state.best, validation, num_features, device);
    bundle.tensors = export_tensors(*state.best);
    return bundle;
}

std::vector<CorpusResult> evaluate(const Bundle& bundle, const std::vector<ClipFeatures>& clips,
                                   const std::set<std::string>& speakers, int threads) {
    torch::set_num_threads(threads);
    LstmNetwork network(lstm_options_from_json(bundle.network));
    import_tensors(*network, bundle.tensors);
    ClipList chosen;
    for (const ClipFeatures& clip : clips) {
        if (speakers.contains(clip.clip.speaker)) {
            chosen.push_back(&clip);
        }
    }
    return answer(network, chosen, labels_by_corpus(clips), bundle.features.num_features(),
                  torch::kCPU, bundle.temperature);
}

}  // namespace emotiond::model
