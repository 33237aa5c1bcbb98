#include "model/training/trainer.hpp"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <numbers>
#include <random>
#include <stdexcept>

#include "model/classifier.hpp"
#include "model/feature_spec_json.hpp"
#include "model/network.hpp"
#include "model/timeline.hpp"
#include "model/training/metrics.hpp"
#include "model/training/sampler.hpp"

namespace emotiond::model {
namespace {

using ClipList = std::vector<const ClipFeatures*>;
using NetworkPtr = std::shared_ptr<Network>;
using nlohmann::ordered_json;

/// While it lives, matrix products and convolutions are done in bfloat16.
class MixedPrecision {
 public:
    MixedPrecision(bool wanted, torch::Device device) : wanted_(wanted), type_(device.type()) {
        set(wanted_);
    }
    ~MixedPrecision() { set(false); }
    MixedPrecision(const MixedPrecision&) = delete;
    MixedPrecision& operator=(const MixedPrecision&) = delete;

 private:
    void set(bool on) {
        if (!wanted_) {
            return;
        }
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
        at::autocast::set_autocast_dtype(type_, torch::kBFloat16);
        at::autocast::set_autocast_enabled(type_, on);
#else
        if (type_ == torch::kCUDA) {
            at::autocast::set_autocast_gpu_dtype(torch::kBFloat16);
            at::autocast::set_enabled(on);
        } else {
            at::autocast::set_autocast_cpu_dtype(torch::kBFloat16);
            at::autocast::set_cpu_enabled(on);
        }
#endif
        if (!on) {
            at::autocast::clear_cache();
        }
    }
    bool wanted_;
    torch::DeviceType type_;
};

// ---------------------------------------------------------------------------------- answers

/// Logits of every window of a clip, in one forward pass, on the CPU.
Logits window_logits(Network& network, const ClipFeatures& clip, torch::Device device) {
    const auto num_features = static_cast<std::size_t>(network.options().num_features);
    std::vector<std::span<const float>> windows;
    for (const ClipWindow& window : clip.windows) {
        windows.emplace_back(clip.rows.values.data() + window.first_row * num_features,
                             window.num_rows * num_features);
    }
    const WindowBatch batch = make_batch(windows, num_features);
    const Logits logits = network.forward(batch.rows.to(device), batch.num_rows.to(device));
    return {logits.emotions.to(torch::kCPU),
            logits.speech.defined() ? logits.speech.to(torch::kCPU) : torch::Tensor(),
            {}};
}

/// [windows][width] averaged as classify_recording does. speech: [windows], probabilities; where
/// none is of speech, or where it is undefined, all windows count.
std::vector<float> mean_over_windows(const torch::Tensor& values, const torch::Tensor& speech,
                                     const ClipFeatures& clip) {
    const auto table = values.contiguous();
    const auto width = static_cast<std::size_t>(table.size(1));
    std::vector<TimelineEntry> entries;
    for (std::size_t i = 0; i < clip.windows.size(); ++i) {
        TimelineEntry entry;
        entry.voiced = clip.windows[i].voiced;
        entry.num_rows = clip.windows[i].num_rows;
        if (speech.defined()) {
            entry.speech = speech[static_cast<std::int64_t>(i)].item<float>();
        }
        const float* row = table.data_ptr<float>() + i * width;
        entry.scores.assign(row, row + width);
        entries.push_back(std::move(entry));
    }
    Scores mean = overall_scores(entries);
    return mean.empty() ? mean_over_windows(values, {}, clip) : mean;
}

/// [windows] probabilities; undefined where the network does not tell.
torch::Tensor speech_of(const Logits& logits) {
    return logits.speech.defined() ? logits.speech.sigmoid() : torch::Tensor();
}

/// speech: speech_of(logits).
std::vector<float> clip_scores(const Logits& logits, const torch::Tensor& speech, float temperature,
                               const ClipFeatures& clip) {
    return mean_over_windows((logits.emotions / temperature).softmax(1), speech, clip);
}

ClipAnswer answer_clip(Network& network, const ClipFeatures& clip, torch::Device device,
                       float temperature) {
    const Logits logits = window_logits(network, clip, device);
    const torch::Tensor speech = speech_of(logits);
    ClipAnswer answer;
    answer.scores = clip_scores(logits, speech, temperature, clip);
    answer.uncalibrated = clip_scores(logits, speech, 1.0F, clip);
    if (speech.defined()) {
        answer.speech = mean_over_windows(speech.unsqueeze(1), {}, clip).front();
    }
    return answer;
}

/// UA among the labels that each corpus has, mean over corpora.
double validation_ua(Network& network, const ClipList& clips,
                     const std::map<std::string, LabelSet>& corpus_labels, torch::Device device) {
    const torch::NoGradGuard no_grad;
    network.eval();
    std::map<std::string, ConfusionMatrix> matrices;
    for (const ClipFeatures* clip : clips) {
        if (!clip->is_speech) {
            continue;
        }
        const LabelSet& known = corpus_labels.at(clip->clip.corpus);
        Scores scores = answer_clip(network, *clip, device, 1.0F).scores;
        for (std::size_t label = 0; label < scores.size(); ++label) {
            scores[label] = known[label] ? scores[label] : -1.0F;
        }
        matrices.try_emplace(clip->clip.corpus, scores.size())
            .first->second.add(clip->clip.label, best_label(scores));
    }
    double sum = 0.0;
    for (const auto& [corpus, matrix] : matrices) {
        sum += matrix.unweighted_accuracy();
    }
    return matrices.empty() ? 0.0 : sum / static_cast<double>(matrices.size());
}

/// The temperature with the least negative log-likelihood of the clips' verdicts.
/// Source: Guo et al. 2017.
float fit_temperature(Network& network, const ClipList& clips, torch::Device device) {
    const torch::NoGradGuard no_grad;
    network.eval();
    struct Heard {
        const ClipFeatures* clip;
        Logits logits;
        torch::Tensor speech;
    };
    std::vector<Heard> heard;
    for (const ClipFeatures* clip : clips) {
        if (clip->is_speech) {
            const Logits logits = window_logits(network, *clip, device);
            heard.push_back({clip, logits, speech_of(logits)});
        }
    }
    float best = 1.0F;
    double best_loss = std::numeric_limits<double>::max();
    for (float temperature = 0.25F; temperature <= 4.0F && !heard.empty(); temperature *= 1.02F) {
        double loss = 0.0;
        for (const auto& [clip, logits, speech] : heard) {
            const auto scores = clip_scores(logits, speech, temperature, *clip);
            loss -= std::log(std::max(scores[clip->clip.label], 1e-9F));
        }
        if (loss < best_loss) {
            best_loss = loss;
            best = temperature;
        }
    }
    return best;
}

// ---------------------------------------------------------------------------------- the run

/// Mean and deviation of every feature over the audible rows of the training clips, each clip
/// centred first where the network reads nothing but centred windows.
void fit_normalisation(Network& network, const ClipList& clips) {
    const auto num_features = static_cast<std::size_t>(network.options().num_features);
    std::vector<double> sum(num_features);
    std::vector<double> square_sum(num_features);
    double count = 0.0;
    for (const ClipFeatures* clip : clips) {
        if (!clip->is_speech) {
            continue;
        }
        const Rows& rows = clip->rows;
        const std::span<const float> values(rows.values.data() + rows.begin * num_features,
                                            (rows.end - rows.begin) * num_features);
        const auto num_rows = static_cast<double>(rows.end - rows.begin);
        std::vector<double> centre(num_features);
        if (network.options().reads_centred_rows()) {
            for (std::size_t i = 0; i < values.size(); ++i) {
                centre[i % num_features] += static_cast<double>(values[i]) / num_rows;
            }
        }
        for (std::size_t i = 0; i < values.size(); ++i) {
            const double value = values[i] - centre[i % num_features];
            sum[i % num_features] += value;
            square_sum[i % num_features] += value * value;
        }
        count += num_rows;
    }
    std::vector<float> mean(num_features);
    std::vector<float> deviation(num_features);
    for (std::size_t i = 0; i < num_features; ++i) {
        const double average = sum[i] / count;
        mean[i] = static_cast<float>(average);
        deviation[i] = static_cast<float>(
            std::sqrt(std::max(1e-6, square_sum[i] / count - average * average)));
    }
    network.set_normalisation(mean, deviation);
}

void copy_state(const Network& from, Network& to) {
    import_tensors(to, export_tensors(from));
}

/// Everything that changes from epoch to epoch. Random numbers are drawn anew from seed and epoch,
/// so they need no place in a checkpoint.
struct RunState {
    NetworkPtr network;
    NetworkPtr average;
    NetworkPtr best;
    torch::optim::AdamW optimizer;
    std::int64_t epoch = 0;
    std::int64_t step = 0;
    std::int64_t best_epoch = 0;
    double best_ua = -1.0;

    RunState(const NetworkOptions& options, const Recipe& recipe)
        : network(make_network(options)),
          average(make_network(options)),
          best(make_network(options)),
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

    /// Moves the average towards the network, its buffers (batch normalisation's) included.
    void update_average(double most_decay) {
        const torch::NoGradGuard no_grad;
        const auto steps = static_cast<double>(step);
        const double decay = std::min(most_decay, (1.0 + steps) / (10.0 + steps));
        const auto blend = [decay](std::vector<torch::Tensor> averages,
                                   const std::vector<torch::Tensor>& latest) {
            for (std::size_t i = 0; i < averages.size(); ++i) {
                if (averages[i].is_floating_point()) {
                    averages[i].mul_(decay).add_(latest[i], 1.0 - decay);
                } else {
                    averages[i].copy_(latest[i]);
                }
            }
        };
        blend(average->parameters(), network->parameters());
        blend(average->buffers(), network->buffers());
    }
};

void set_learning_rate(torch::optim::Optimizer& optimizer, double rate) {
    for (auto& group : optimizer.param_groups()) {
        group.options().set_lr(rate);
    }
}

/// Linear warm-up over two epochs under a cosine that ends at nothing.
double scheduled_rate(const Recipe& recipe, std::int64_t step, std::size_t batches_per_epoch) {
    const auto warm_up = 2.0 * static_cast<double>(batches_per_epoch);
    const double all = static_cast<double>(batches_per_epoch) * recipe.epochs;
    const auto at = static_cast<double>(step);
    return recipe.learning_rate * std::min(1.0, (at + 1.0) / warm_up) * 0.5 *
           (1.0 + std::cos(std::numbers::pi * at / all));
}

struct TorchCrops {
    torch::Tensor rows;
    torch::Tensor num_rows;
    torch::Tensor targets;
    torch::Tensor allowed;
    torch::Tensor speech;
    Mixing mixing;
};

/// Views of the crops; copies on another device than the CPU.
TorchCrops on_device(Crops& crops, std::size_t num_features, torch::Device device) {
    const auto batch = static_cast<std::int64_t>(crops.num_rows.size());
    const auto view = [&](std::vector<float>& values, std::vector<std::int64_t> shape) {
        return torch::from_blob(values.data(), shape).to(device);
    };
    const auto whole = [&](std::vector<std::int64_t>& values) {
        return torch::from_blob(values.data(), {batch}, torch::kInt64).to(device);
    };
    return {view(crops.rows, {batch, static_cast<std::int64_t>(crops.max_rows),
                              static_cast<std::int64_t>(num_features)}),
            whole(crops.num_rows),
            view(crops.targets, {batch, static_cast<std::int64_t>(crops.targets.size()) / batch}),
            view(crops.allowed, {batch, static_cast<std::int64_t>(crops.allowed.size()) / batch}),
            view(crops.speech, {batch}),
            {crops.share, whole(crops.partner), whole(crops.blank_from), whole(crops.blank_rows)}};
}

/// What a corpus does not have it says nothing of.
torch::Tensor among_allowed(const torch::Tensor& logits, const torch::Tensor& allowed) {
    return logits.masked_fill((allowed == 0).logical_and(allowed.sum(1, true) > 0), -1e4);
}

/// Source: Hinton et al. 2015; teachers that see the student's own crops: Beyer et al. 2022.
torch::Tensor with_teachers(const TorchCrops& crops, const std::vector<NetworkPtr>& teachers,
                            const Recipe& recipe) {
    if (teachers.empty()) {
        return crops.targets;
    }
    const torch::NoGradGuard no_grad;
    torch::Tensor sum;
    for (const NetworkPtr& teacher : teachers) {
        const auto logits = teacher->forward(crops.rows, crops.num_rows, &crops.mixing).emotions;
        const auto scores = among_allowed(logits.to(torch::kFloat32), crops.allowed)
                                .div(recipe.teacher_temperature)
                                .softmax(1);
        sum = sum.defined() ? sum + scores : scores;
    }
    const auto answer = sum / static_cast<double>(teachers.size()) * crops.speech.unsqueeze(1);
    return (1.0 - recipe.teacher_weight) * crops.targets + recipe.teacher_weight * answer;
}

double train_epoch(RunState& state, Sampler& sampler, const std::vector<NetworkPtr>& teachers,
                   const Recipe& recipe, torch::Device device,
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
        Crops drawn = sampler.next(random);
        const TorchCrops crops = on_device(drawn, recipe.features.num_features(), device);
        Logits logits;
        torch::Tensor targets;
        {
            const MixedPrecision mixed(recipe.bfloat16, device);
            targets = with_teachers(crops, teachers, recipe);
            logits = state.network->forward(crops.rows, crops.num_rows, &crops.mixing);
        }
        auto loss = torch::zeros({}, device);
        for (const torch::Tensor& expert : logits.experts) {
            const auto log_scores =
                among_allowed(expert.to(torch::kFloat32), crops.allowed).log_softmax(1);
            loss = loss -
                   (targets * log_scores * crops.allowed).sum() / crops.speech.sum().clamp_min(1);
        }
        if (logits.speech.defined()) {
            loss =
                loss + recipe.speech_weight * torch::binary_cross_entropy_with_logits(
                                                  logits.speech.to(torch::kFloat32), crops.speech);
        }
        state.optimizer.zero_grad();
        loss.backward();
        torch::nn::utils::clip_grad_norm_(state.network->parameters(), recipe.clip_gradient);
        state.optimizer.step();
        ++state.step;
        loss_sum += loss.item<double>();
        state.update_average(recipe.average_decay);
        environment.on_batch(static_cast<int>(state.epoch) + 1, i + 1, batches,
                             loss_sum / static_cast<double>(i + 1));
    }
    ++state.epoch;
    return loss_sum / static_cast<double>(batches);
}

torch::Device training_device(const std::string& name) {
    const DeviceName wanted = parse_device(name);
    const bool available = torch::cuda::is_available();
    if (wanted.cuda && !available) {
        throw std::runtime_error("device " + name + " was asked for, but there is no CUDA device");
    }
    if ((wanted.cuda || wanted.automatic) && available) {
        return {torch::kCUDA, static_cast<torch::DeviceIndex>(wanted.index)};
    }
    return torch::kCPU;
}

void prepare_run_folder(const std::filesystem::path& folder, const ordered_json& config) {
    std::filesystem::create_directories(folder);
    const auto path = folder / "run.json";
    std::ifstream in(path);
    if (in) {
        const auto found = ordered_json::parse(in, nullptr, false);
        if (found != config) {
            throw std::runtime_error("run folder " + folder.string() +
                                     " holds another run, which becomes this one by " +
                                     ordered_json::diff(found, config).dump());
        }
        return;
    }
    std::ofstream out(path);
    out << config.dump(2) << '\n';
    if (!out.flush()) {
        throw std::runtime_error("cannot write " + path.string());
    }
}

/// What makes a run what it is: another recipe, other clips or teachers are another run.
ordered_json run_config(const std::vector<ClipFeatures>& clips, std::span<const Role> roles,
                        const Recipe& recipe, const TrainerEnvironment& environment) {
    std::map<std::string, std::map<std::string, int>> counts;
    std::uint32_t hash = 2166136261U;  // FNV-1a, over who is what
    constexpr const char* kNames[] = {"unused", "train", "validation", "test"};
    for (std::size_t i = 0; i < clips.size(); ++i) {
        const Clip& clip = clips[i].clip;
        ++counts[clips[i].is_speech ? clip.corpus : "no speech"]
                [kNames[static_cast<std::size_t>(roles[i])]];
        for (const char c : clip.path.filename().string() + kNames[static_cast<int>(roles[i])]) {
            hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
        }
    }
    ordered_json teachers = ordered_json::array();
    for (const Bundle& teacher : environment.teachers) {
        teachers.push_back(teacher.id);
    }
    return {
        {"recipe", recipe.to_json()}, {"clips", counts}, {"roles", hash}, {"teachers", teachers}};
}

NetworkPtr network_of(const Bundle& bundle) {
    NetworkPtr network = make_network(NetworkOptions::from_json(bundle.network));
    import_tensors(*network, bundle.tensors);
    network->eval();
    return network;
}

std::vector<NetworkPtr> load_teachers(const TrainerEnvironment& environment, const Recipe& recipe,
                                      torch::Device device) {
    std::vector<NetworkPtr> teachers;
    for (const Bundle& bundle : environment.teachers) {
        if (bundle.features != recipe.features || bundle.labels != recipe.labels) {
            throw std::runtime_error("teacher " + bundle.id +
                                     " has other features or labels than the recipe: " +
                                     model::to_json(bundle.features).dump() + ", expected " +
                                     model::to_json(recipe.features).dump());
        }
        teachers.push_back(network_of(bundle));
        teachers.back()->to(device);
    }
    return teachers;
}

/// One line an epoch, for people's spreadsheets and for programs.
class EpochLog {
 public:
    EpochLog(const std::filesystem::path& folder, bool anew)
        : csv_(folder / "log.csv", anew ? std::ios::trunc : std::ios::app),
          jsonl_(folder / "log.jsonl", anew ? std::ios::trunc : std::ios::app) {
        if (anew) {
            csv_ << "epoch,loss,validation_ua,seconds\n";
        }
    }
    void add(const EpochReport& report) {
        csv_ << report.epoch << ',' << report.loss << ',' << report.validation_ua << ','
             << report.seconds << std::endl;
        jsonl_ << ordered_json{{"epoch", report.epoch},
                               {"loss", report.loss},
                               {"validation_ua", report.validation_ua},
                               {"seconds", report.seconds}}
                      .dump()
               << std::endl;
    }

 private:
    std::ofstream csv_;
    std::ofstream jsonl_;
};

}  // namespace

Bundle train(const std::vector<ClipFeatures>& clips, std::span<const Role> roles,
             const Recipe& recipe, const TrainerEnvironment& environment) {
    recipe.validate();
    torch::set_num_threads(environment.threads);
    ClipList training;
    ClipList validation;
    for (std::size_t i = 0; i < clips.size(); ++i) {
        if (roles[i] == Role::Train) {
            training.push_back(&clips[i]);
        } else if (roles[i] == Role::Validation) {
            validation.push_back(&clips[i]);
        }
    }
    const auto is_speech = [](const ClipFeatures* clip) { return clip->is_speech; };
    const auto num_training = std::ranges::count_if(training, is_speech);
    const auto num_validation = std::ranges::count_if(validation, is_speech);
    if (num_training == 0 || (recipe.patience > 0 && num_validation == 0)) {
        throw std::runtime_error("training needs clips to train on" +
                                 std::string(recipe.patience > 0 ? " and validation clips" : "") +
                                 ", got " + std::to_string(num_training) + " and " +
                                 std::to_string(num_validation) + " with speech");
    }
    prepare_run_folder(environment.run_folder, run_config(clips, roles, recipe, environment));

    const torch::Device device = training_device(environment.device);
    const std::vector<NetworkPtr> teachers = load_teachers(environment, recipe, device);
    torch::manual_seed(recipe.seed);
    RunState state(recipe.network, recipe);
    const auto checkpoint = environment.run_folder / "last.pt";
    const bool resumed = std::filesystem::exists(checkpoint);
    if (resumed) {
        state.load(checkpoint, device);
    } else {
        fit_normalisation(*state.network, training);
        copy_state(*state.network, *state.average);
        copy_state(*state.network, *state.best);
    }
    for (const NetworkPtr& network : {state.network, state.average, state.best}) {
        network->to(device);
    }

    const auto corpus_labels = labels_by_corpus(clips, recipe.labels.size());
    Sampler sampler(training, corpus_labels, recipe);
    EpochLog log(environment.run_folder, !resumed);
    while (state.epoch < recipe.epochs &&
           (recipe.patience == 0 || state.epoch - state.best_epoch < recipe.patience)) {
        if (environment.stop.stop_requested()) {
            return {};
        }
        const auto begin = std::chrono::steady_clock::now();
        const double loss = train_epoch(state, sampler, teachers, recipe, device, environment);
        const double ua = validation_ua(*state.average, validation, corpus_labels, device);
        if (ua > state.best_ua || recipe.patience == 0) {
            state.best_epoch = state.epoch;
            copy_state(*state.average, *state.best);
        }
        state.best_ua = std::max(ua, state.best_ua);
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
        state.save(checkpoint);
        const EpochReport report{
            static_cast<int>(state.epoch), recipe.epochs, loss, ua, state.best_ua, taken.count()};
        log.add(report);
        environment.on_epoch(report);
    }

    Bundle bundle;
    bundle.name = recipe.network.kind;
    bundle.labels = recipe.labels;
    bundle.features = recipe.features;
    bundle.network = recipe.network.to_json();
    bundle.temperature = fit_temperature(*state.best, validation, device);
    bundle.tensors = export_tensors(*state.best);
    return bundle;
}

std::vector<ClipAnswer> answer_clips(const Bundle& bundle,
                                     std::span<const ClipFeatures* const> clips, int threads) {
    torch::set_num_threads(threads);
    const torch::NoGradGuard no_grad;
    const NetworkPtr network = network_of(bundle);
    std::vector<ClipAnswer> answers;
    for (const ClipFeatures* clip : clips) {
        answers.push_back(answer_clip(*network, *clip, torch::kCPU, bundle.temperature));
    }
    return answers;
}

std::string libtorch_version() {
    return TORCH_VERSION;
}

}  // namespace emotiond::model
