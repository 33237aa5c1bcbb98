#include "daemon/training_commands.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): <csignal> has no sigaction

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>
#include <thread>

#include "daemon/exit_codes.hpp"
#include "daemon/training_data.hpp"
#include "daemon/version.hpp"
#include "model/training/degradations.hpp"
#include "model/training/metrics.hpp"
#include "model/training/published_figures.hpp"
#include "model/training/report.hpp"
#include "model/training/speaker_split.hpp"
#include "model/training/trainer.hpp"

namespace emotiond::daemon {
namespace {

using nlohmann::ordered_json;

/// Who is tested is the same for every seed, so that networks of several seeds can be put together
/// and can teach one another. Who validates changes with the seed in an evaluation, so that
/// together they have heard all whom they may hear.
constexpr std::uint64_t kSplitSeed = 1;

/// Ctrl-C asks for an end after the current epoch, a second one ends at once.
std::stop_source& interrupt() {
    static std::stop_source source;
    return source;
}

void stop_on_interrupt() {
    interrupt();  // made before a signal handler needs it
    struct sigaction action {};
    action.sa_handler = [](int) { interrupt().request_stop(); };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

/// `epoch` lines and a bar within the epoch, with the time left.
model::TrainerEnvironment environment(const TrainingOptions& options, const model::Recipe& recipe,
                                      const std::filesystem::path& folder, ProgressLine& line) {
    model::TrainerEnvironment environment;
    environment.run_folder = folder;
    environment.device = options.device;
    environment.threads = options.threads;
    environment.stop = interrupt().get_token();
    const auto epoch_seconds = std::make_shared<double>(0.0);
    environment.on_batch = [&line, epoch_seconds, epochs = recipe.epochs](
                               int epoch, std::size_t done, std::size_t all, double loss) {
        const double left = *epoch_seconds * (epochs - epoch + 1 -
                                              static_cast<double>(done) / static_cast<double>(all));
        line.draw(format("epoch %d/%d ", epoch, epochs) + bar(done, all) +
                  format(" loss %.3f, at most %.0f min left", loss, left / 60.0));
    };
    environment.on_epoch = [&line, epoch_seconds](const model::EpochReport& report) {
        *epoch_seconds = report.seconds;
        line.keep(format("epoch %d/%d  loss %.3f  validation UA %.1f %%  best %.1f %%  %.1f s",
                         report.epoch, report.epochs, report.loss, 100.0 * report.validation_ua,
                         100.0 * report.best_ua, report.seconds));
    };
    return environment;
}

std::vector<model::Role> roles_of(const model::Round& round,
                                  const std::vector<model::ClipFeatures>& features,
                                  const std::set<std::string>& validation_speakers,
                                  std::uint64_t seed) {
    std::vector<model::Clip> clips;
    clips.reserve(features.size());
    for (const model::ClipFeatures& one : features) {
        clips.push_back(one.clip);
    }
    auto roles = model::roles_in(round, clips, validation_speakers, seed);
    for (std::size_t i = 0; i < features.size(); ++i) {
        if (!features[i].is_speech) {
            roles[i] = is_test_source(clips[i].speaker) ? model::Role::Test : model::Role::Train;
        }
    }
    return roles;
}

/// What the folders of a corpus say (train, val, test), and validation where no speaker can be
/// spared for it: every tenth clip of such a corpus, which is told.
void complete_roles(const std::vector<model::ClipFeatures>& clips, std::vector<model::Role>& roles,
                    ProgressLine& line) {
    std::map<std::string, std::size_t> training;
    std::set<std::string> validated;
    for (std::size_t i = 0; i < clips.size(); ++i) {
        const model::Clip& clip = clips[i].clip;
        if (clip.split == "test" || clip.split == "val") {
            roles[i] = clip.split == "test" ? model::Role::Test : model::Role::Validation;
        }
        if (roles[i] == model::Role::Validation) {
            validated.insert(clip.corpus);
        }
    }
    for (std::size_t i = 0; i < clips.size(); ++i) {
        const std::string& corpus = clips[i].clip.corpus;
        if (clips[i].is_speech && roles[i] == model::Role::Train && !validated.contains(corpus) &&
            ++training[corpus] % 10 == 0) {
            roles[i] = model::Role::Validation;
        }
    }
    for (const auto& [corpus, count] : training) {
        line.keep(corpus +
                  ": no speaker to spare for validation, so every tenth clip is used; the "
                  "figures are too good");
    }
}

std::vector<const model::ClipFeatures*> clips_in_role(const std::vector<model::ClipFeatures>& clips,
                                                      std::span<const model::Role> roles,
                                                      model::Role role, bool is_speech) {
    std::vector<const model::ClipFeatures*> chosen;
    for (std::size_t i = 0; i < clips.size(); ++i) {
        if (roles[i] == role && clips[i].is_speech == is_speech) {
            chosen.push_back(&clips[i]);
        }
    }
    return chosen;
}

/// Takes out the clips whose label was not trained on: nobody could answer it. A corpus that this
/// leaves with fewer labels is told under a name of its own; returns the names.
std::map<std::string, std::string> keep_shared_labels(
    std::vector<const model::ClipFeatures*>& tested, const std::vector<model::ClipFeatures>& clips,
    std::span<const model::Role> roles, model::PredictionSet& set) {
    std::set<std::size_t> trained;
    for (std::size_t i = 0; i < clips.size(); ++i) {
        if (roles[i] == model::Role::Train && clips[i].is_speech) {
            trained.insert(clips[i].clip.label);
        }
    }
    std::erase_if(tested, [&](const model::ClipFeatures* clip) {
        return !trained.contains(clip->clip.label);
    });
    std::map<std::string, std::string> names;
    for (const auto& [corpus, labels] : std::map(set.corpus_labels)) {
        std::vector<std::size_t> shared;
        std::ranges::copy_if(labels, std::back_inserter(shared),
                             [&](std::size_t label) { return trained.contains(label); });
        names[corpus] = shared == labels
                            ? corpus
                            : corpus + ", " + std::to_string(shared.size()) + " shared labels";
        set.corpus_labels[names[corpus]] = shared;
    }
    return names;
}

void add_predictions(model::PredictionSet& set, const model::Bundle& bundle,
                     std::span<const model::ClipFeatures* const> clips,
                     const std::map<std::string, std::string>& protocol_of,
                     const std::map<std::string, std::string>& name_of, const std::string& fold,
                     std::uint64_t seed, int threads, std::vector<double>* speech = nullptr) {
    const auto answers = model::answer_clips(bundle, clips, threads);
    for (std::size_t i = 0; i < clips.size(); ++i) {
        const model::Clip& clip = clips[i]->clip;
        set.predictions.push_back({protocol_of.at(clip.corpus), fold, name_of.at(clip.corpus),
                                   clip.speaker, clip.path.filename().string(), seed, clip.label,
                                   answers[i].scores, answers[i].uncalibrated});
        if (speech != nullptr) {
            speech->push_back(answers[i].speech);
        }
    }
}

/// The score that four in five answers to the validation clips reach; 0 where there are none.
float uncertain_below(const model::Bundle& bundle,
                      std::span<const model::ClipFeatures* const> validation, int threads) {
    std::vector<model::Answer> answers;
    const auto found = model::answer_clips(bundle, validation, threads);
    for (std::size_t i = 0; i < validation.size(); ++i) {
        answers.push_back(model::answer_to({found[i].scores, validation[i]->clip.label}));
    }
    const auto point =
        model::point_at_coverage(model::risk_coverage_curve(answers), model::kDefaultCoverage);
    return point ? static_cast<float>(point->threshold) : 0.0F;
}

void write_text(const std::filesystem::path& path, const std::string& text) {
    std::ofstream out(path);
    out << text;
    if (!out.flush()) {
        throw std::runtime_error("cannot write " + path.string());
    }
}

std::string machine() {
    std::ifstream cpuinfo("/proc/cpuinfo");
    std::string line;
    while (std::getline(cpuinfo, line)) {
        if (line.starts_with("model name")) {
            return line.substr(line.find(':') + 2) + ", " +
                   std::to_string(std::thread::hardware_concurrency()) + " processors, libtorch " +
                   model::libtorch_version();
        }
    }
    return "libtorch " + model::libtorch_version();
}

model::TrainingCurve read_curve(const std::filesystem::path& log, const std::string& round,
                                std::uint64_t seed) {
    model::TrainingCurve curve{round, seed, {}};
    std::ifstream in(log);
    std::string text;
    while (std::getline(in, text)) {
        const auto epoch = ordered_json::parse(text, nullptr, false);
        if (!epoch.is_discarded()) {
            curve.epochs.push_back({epoch.at("epoch").get<int>(), epoch.at("loss").get<double>(),
                                    epoch.at("validation_ua").get<double>()});
        }
    }
    return curve;
}

/// The networks that another evaluation trained for this round, of all its seeds.
std::vector<model::Bundle> teachers_of_round(const std::filesystem::path& run,
                                             const std::string& round) {
    std::vector<model::Bundle> teachers;
    if (run.empty()) {
        return teachers;
    }
    for (const auto& entry : std::filesystem::directory_iterator(run)) {
        const auto path = entry.path() / round / "model.safetensors";
        if (std::filesystem::exists(path)) {
            teachers.push_back(model::Bundle::load(path));
        }
    }
    if (teachers.empty()) {
        throw std::runtime_error("no network of round " + round + " in " + run.string() +
                                 ", expected seed-*/" + round + "/model.safetensors");
    }
    std::ranges::sort(teachers, {}, &model::Bundle::id);
    return teachers;
}

/// The mean answer of all seeds, as one model would give that holds them all.
void add_ensemble(model::PredictionSet& set, std::size_t num_seeds) {
    if (num_seeds < 2) {
        return;
    }
    std::map<std::array<std::string, 4>, model::Prediction> mean;
    for (const model::Prediction& one : set.predictions) {
        auto [entry, is_new] =
            mean.try_emplace({one.protocol, one.fold, one.corpus, one.clip}, one);
        if (!is_new) {
            for (std::size_t i = 0; i < one.scores.size(); ++i) {
                entry->second.scores[i] += one.scores[i];
                entry->second.uncalibrated[i] += one.uncalibrated[i];
            }
        }
    }
    for (auto& [key, prediction] : mean) {
        for (auto* scores : {&prediction.scores, &prediction.uncalibrated}) {
            for (float& score : *scores) {
                score /= static_cast<float>(num_seeds);
            }
        }
        prediction.protocol += " ensemble of " + std::to_string(num_seeds);
        prediction.seed = 0;
        set.predictions.push_back(prediction);
    }
}

}  // namespace

int train_command(const TrainOptions& options) {
    const model::Recipe recipe = options.make_recipe();
    ordered_json figures;
    if (!options.figures.empty()) {
        std::ifstream in(options.figures);
        figures = ordered_json::parse(in, nullptr, false);
        if (figures.is_discarded()) {
            throw std::runtime_error("cannot read figures from " + options.figures.string());
        }
    }
    stop_on_interrupt();
    ProgressLine line;
    const TrainingData data = load_training_data(options, recipe, line);
    model::Round round{"train", {}, data.test_only, false};
    const std::set<std::string> test_speakers(options.test_speakers.begin(),
                                              options.test_speakers.end());
    model::require_known_speakers(data.corpora, test_speakers);
    for (const model::Corpus& corpus : data.corpora) {
        round.folds.push_back({corpus.name, "held out", test_speakers});
    }
    const auto validation_speakers =
        model::choose_validation_speakers(data.corpora, test_speakers, kSplitSeed);
    auto roles = roles_of(round, data.clips, validation_speakers, kSplitSeed);
    complete_roles(data.clips, roles, line);

    auto training = environment(options, recipe, options.out, line);
    for (const auto& teacher : options.teachers) {
        training.teachers.push_back(model::Bundle::load(teacher));
    }
    model::Bundle bundle = model::train(data.clips, roles, recipe, training);
    if (bundle.tensors.empty()) {
        line.keep("interrupted; the same command goes on from here");
        return kExitInterrupted;
    }
    const auto validation = clips_in_role(data.clips, roles, model::Role::Validation, true);
    bundle.name = options.name.empty() ? bundle.name : options.name;
    bundle.training_data = data.sources;
    bundle.licence = data.licence;
    bundle.uncertain_below = uncertain_below(bundle, validation, options.threads);
    bundle.metrics = {{"recipe", recipe.to_json()},
                      {"validation_speakers", validation_speakers},
                      {"speaker_independent", figures}};
    const auto path = options.bundle.empty() ? options.out / "model.safetensors" : options.bundle;
    bundle.save(path);

    model::ReportInput report;
    report.predictions.labels = recipe.labels;
    report.predictions.corpus_labels = model::corpus_labels(data.corpora);
    std::map<std::string, std::string> protocol_of;
    std::map<std::string, std::string> name_of;
    for (const auto& [role, name] : {std::pair{model::Role::Validation, "validation speakers"},
                                     std::pair{model::Role::Test, "test speakers"}}) {
        for (const model::Corpus& corpus : data.corpora) {
            protocol_of[corpus.name] = name;
            name_of[corpus.name] = corpus.name;
        }
        add_predictions(report.predictions, bundle, clips_in_role(data.clips, roles, role, true),
                        protocol_of, name_of, "", recipe.seed, options.threads);
    }
    report.title = bundle.id;
    report.curves.push_back(read_curve(options.out / "log.jsonl", "train", recipe.seed));
    report.uncertain_below = bundle.uncertain_below;
    report.configuration = recipe.to_json();
    report.version = kVersion;
    report.command_line = options.command_line;
    report.machine = machine();
    const model::Summary summary = model::summarize(report);
    write_text(options.out / "report.html", model::html_report(report, summary));
    std::printf("%s", model::text_tables(summary).c_str());
    std::printf("wrote %s, %zu parameters, temperature %.2f, uncertain below %.2f, licence %s\n",
                path.c_str(), bundle.num_parameters(), static_cast<double>(bundle.temperature),
                static_cast<double>(bundle.uncertain_below), bundle.licence.c_str());
    return 0;
}

int evaluate_command(const EvaluateOptions& options) {
    const auto begin = std::chrono::steady_clock::now();
    model::Recipe recipe = options.make_recipe();
    stop_on_interrupt();
    ProgressLine line;
    const TrainingData data = load_training_data(options, recipe, line);
    std::vector<std::string> protocols;
    bool degraded = false;
    for (const std::string& protocol : options.protocols) {
        degraded |= protocol == "P5";
        protocols.push_back(protocol == "P5" ? "P1" : protocol);  // P5 asks the networks of P1
    }
    std::ranges::sort(protocols);
    protocols.erase(std::ranges::unique(protocols).begin(), protocols.end());
    std::vector<model::Round> rounds = model::rounds_of(data.corpora, protocols, data.test_only);
    if (!options.rounds.empty()) {
        std::erase_if(rounds, [&](const model::Round& round) {
            return std::ranges::find(options.rounds, round.name) == options.rounds.end();
        });
        if (rounds.empty()) {
            throw std::runtime_error("there is no round of the names given");
        }
    }
    std::map<std::string, std::vector<model::ClipFeatures>> degraded_clips;
    if (degraded) {
        for (const auto& [name, degrade] : model::degradations(data.test_noise)) {
            degraded_clips[name] = load_degraded(data, options, recipe, name, degrade, line);
        }
    }

    model::ReportInput report;
    report.predictions.labels = recipe.labels;
    report.predictions.corpus_labels = model::corpus_labels(data.corpora);
    std::vector<double> speech;
    std::vector<double> no_speech;
    std::size_t num_parameters = 0;
    std::size_t number = 0;
    for (const std::uint64_t seed : options.seeds) {
        recipe.seed = seed;
        for (const model::Round& round : rounds) {
            line.keep(format("round %s of seed %llu (%zu of %zu)", round.name.c_str(),
                             static_cast<unsigned long long>(seed), ++number,
                             rounds.size() * options.seeds.size()));
            std::set<std::string> test_speakers;
            std::map<std::string, std::string> protocol_of;
            for (const model::Fold& fold : round.folds) {
                test_speakers.insert(fold.test_speakers.begin(), fold.test_speakers.end());
                protocol_of[fold.corpus] = fold.protocol;
            }
            std::vector<model::Corpus> trained_on;
            std::ranges::copy_if(data.corpora, std::back_inserter(trained_on),
                                 [&](const model::Corpus& corpus) {
                                     return !round.not_trained_on.contains(corpus.name);
                                 });
            const auto validation_speakers =
                round.by_clip ? std::set<std::string>{}
                              : model::choose_validation_speakers(trained_on, test_speakers, seed);
            const auto roles = roles_of(round, data.clips, validation_speakers, kSplitSeed);
            const auto folder = options.out / ("seed-" + std::to_string(seed)) / round.name;
            auto training = environment(options, recipe, folder, line);
            training.teachers = teachers_of_round(options.teachers, round.name);
            model::Bundle bundle = model::train(data.clips, roles, recipe, training);
            if (bundle.tensors.empty()) {
                line.keep("interrupted; the same command goes on from here");
                return kExitInterrupted;
            }
            bundle.training_data = data.sources;
            bundle.licence = data.licence;
            bundle.save(folder / "model.safetensors");
            num_parameters = bundle.num_parameters();
            report.curves.push_back(read_curve(folder / "log.jsonl", round.name, seed));
            auto tested = clips_in_role(data.clips, roles, model::Role::Test, true);
            const auto name_of = keep_shared_labels(tested, data.clips, roles, report.predictions);
            add_predictions(report.predictions, bundle, tested, protocol_of, name_of, round.name,
                            seed, options.threads, &speech);
            for (const auto& answer : model::answer_clips(
                     bundle, clips_in_role(data.clips, roles, model::Role::Test, false),
                     options.threads)) {
                no_speech.push_back(answer.speech);
            }
            for (const auto& [name, clips] : degraded_clips) {
                std::vector<const model::ClipFeatures*> asked;
                for (const model::ClipFeatures& clip : clips) {
                    if (test_speakers.contains(clip.clip.speaker)) {
                        asked.push_back(&clip);
                    }
                }
                auto degraded_protocol = protocol_of;
                for (auto& [corpus, protocol] : degraded_protocol) {
                    protocol = "P5 " + name;
                }
                add_predictions(report.predictions, bundle, asked, degraded_protocol, name_of,
                                round.name, seed, options.threads);
            }
        }
    }
    model::write_predictions(report.predictions, options.out / "predictions.csv");
    add_ensemble(report.predictions, options.seeds.size());

    report.title = recipe.network.kind + ", " + std::to_string(num_parameters) + " parameters";
    report.published = model::published_figures();
    report.configuration = recipe.to_json();
    report.version = kVersion;
    report.command_line = options.command_line;
    report.machine = machine();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    report.seconds = taken.count();
    const model::Summary summary = model::summarize(report);
    ordered_json json = model::json_report(report, summary);
    json["parameters"] = num_parameters;
    if (const auto area = model::auroc(speech, no_speech)) {
        json["speech_auroc"] = *area;
    }
    write_text(options.out / "results.json", json.dump(2) + "\n");
    write_text(options.out / "report.html", model::html_report(report, summary));
    write_text(options.out / "tables.md", model::markdown_tables(summary));
    std::printf("%s\n%s", report.title.c_str(), model::text_tables(summary).c_str());
    if (const auto area = model::auroc(speech, no_speech)) {
        std::printf("speech against %zu recordings without: AUROC %.4f\n",
                    no_speech.size() / rounds.size() / options.seeds.size(), *area);
    }
    std::printf("%s; %.0f s; report: %s\n", report.machine.c_str(), taken.count(),
                (options.out / "report.html").c_str());
    return 0;
}

}  // namespace emotiond::daemon
