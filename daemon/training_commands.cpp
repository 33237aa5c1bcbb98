#include "daemon/training_commands.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): <csignal> has no sigaction
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>

#include "daemon/exit_codes.hpp"
#include "model/labels.hpp"
#include "model/training/corpus.hpp"
#include "model/training/speaker_split.hpp"

namespace emotiond::daemon {
namespace {

using nlohmann::ordered_json;

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

/// A line that is drawn over on a terminal, and kept only at its last state elsewhere.
class ProgressLine {
 public:
    void draw(const std::string& text) {
        if (is_terminal_) {
            std::fprintf(stderr, "\r\033[K%s", text.c_str());
            std::fflush(stderr);
        }
    }
    void keep(const std::string& text) {
        std::fprintf(stderr, "%s%s\n", is_terminal_ ? "\r\033[K" : "", text.c_str());
    }

 private:
    bool is_terminal_ = isatty(STDERR_FILENO) == 1;
};

std::string format(const char* pattern, auto... values) {
    char text[256];
    std::snprintf(text, sizeof text, pattern, values...);
    return text;
}

std::string bar(std::size_t done, std::size_t all) {
    constexpr std::size_t kWidth = 24;
    const std::size_t filled = all == 0 ? 0 : done * kWidth / all;
    return "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "]";
}

dsp::FeatureSpec feature_spec(const TrainingOptions& options) {
    dsp::FeatureSpec spec;
    spec.remove_dc = true;
    spec.pre_emphasis = 0.97F;
    spec.window = dsp::WindowShape::Hamming;
    spec.num_mels = options.num_mels;
    spec.num_coeffs = options.num_coeffs;
    spec.low_hz = 20.0F;
    spec.validate();
    return spec;
}

struct Data {
    std::vector<model::Corpus> corpora;
    std::vector<model::ClipFeatures> clips;
};

Data load_data(const TrainingOptions& options, const dsp::FeatureSpec& spec) {
    Data data;
    ProgressLine line;
    for (const auto& folder : options.data) {
        data.corpora.push_back(model::read_corpus(folder));
        const model::Corpus& corpus = data.corpora.back();
        line.keep(corpus.name + ": " + std::to_string(corpus.clips.size()) + " clips by " +
                  corpus.layout);
        for (const std::string& skipped : corpus.skipped) {
            line.keep(corpus.name + ": skipped, " + skipped);
        }
        for (const std::string& note : corpus.notes) {
            line.keep(corpus.name + ": " + note);
        }
    }
    for (const std::string& told : model::assign_labels(data.corpora, model::default_labels())) {
        line.keep(told);
    }
    model::require_distinct_speakers(data.corpora);
    std::vector<model::Clip> clips;
    for (const model::Corpus& corpus : data.corpora) {
        clips.insert(clips.end(), corpus.clips.begin(), corpus.clips.end());
    }
    auto loaded = model::load_clips(
        clips, spec, dsp::WindowOptions{}, options.recipe.seed,
        [&](std::size_t done, std::size_t all) {
            line.draw("features " + bar(done, all) + format(" %zu/%zu clips", done, all));
        });
    for (const std::string& problem : loaded.problems) {
        line.keep("left out: " + problem);
    }
    line.keep(
        format("features of %zu clips, %zu left out", loaded.clips.size(), loaded.problems.size()));
    data.clips = std::move(loaded.clips);
    return data;
}

/// `epoch` lines and a bar within the epoch, with the time left.
model::TrainerEnvironment environment(const TrainingOptions& options,
                                      const std::filesystem::path& folder, ProgressLine& line,
                                      double& epoch_seconds) {
    model::TrainerEnvironment environment;
    environment.run_folder = folder;
    environment.device = options.device;
    environment.threads = options.threads;
    environment.stop = interrupt().get_token();
    const int epochs = options.recipe.epochs;
    environment.on_batch = [&line, &epoch_seconds, epochs](int epoch, std::size_t done,
                                                           std::size_t all, double loss) {
        const double left = epoch_seconds * (epochs - epoch + 1 -
                                             static_cast<double>(done) / static_cast<double>(all));
        line.draw(format("epoch %d/%d ", epoch, epochs) + bar(done, all) +
                  format(" loss %.3f, at most %.0f min left", loss, left / 60.0));
    };
    environment.on_epoch = [&line, &epoch_seconds](const model::EpochReport& report) {
        epoch_seconds = report.seconds;
        line.keep(format("epoch %d/%d  loss %.3f  validation UA %.1f %%  best %.1f %%  %.1f s",
                         report.epoch, report.epochs, report.loss, 100.0 * report.validation_ua,
                         100.0 * report.best_ua, report.seconds));
    };
    return environment;
}

void print_results(const std::string& title, const ordered_json& results) {
    std::printf("%-34s %6s %6s %6s %6s  %s\n", title.c_str(), "UA %", "WA %", "F1 %", "clips",
                "UA % among the corpus's labels");
    for (const ordered_json& row : results) {
        const ordered_json& all = row.at("all_labels");
        std::printf("%-34s %6.1f %6.1f %6.1f %6zu  %.1f\n",
                    row.at("name").get<std::string>().c_str(), 100.0 * all.at("ua").get<double>(),
                    100.0 * all.at("wa").get<double>(), 100.0 * all.at("macro_f1").get<double>(),
                    all.at("clips").get<std::size_t>(),
                    100.0 * row.at("corpus_labels").at("ua").get<double>());
    }
}

ordered_json to_json(const std::string& name, const model::CorpusResult& result) {
    const std::vector<std::string> labels(model::kEmotions.begin(), model::kEmotions.end());
    return {{"name", name},
            {"corpus", result.corpus},
            {"all_labels", result.all_labels.to_json(labels)},
            {"corpus_labels", result.corpus_labels.to_json(labels)}};
}

void write_json(const std::filesystem::path& path, const ordered_json& json) {
    std::ofstream out(path);
    out << json.dump(2) << '\n';
    if (!out.flush()) {
        throw std::runtime_error("cannot write " + path.string());
    }
}

}  // namespace

int train_command(const TrainOptions& options) {
    const dsp::FeatureSpec spec = feature_spec(options);
    ordered_json figures;
    if (!options.figures.empty()) {
        std::ifstream in(options.figures);
        figures = ordered_json::parse(in, nullptr, false);
        if (figures.is_discarded()) {
            throw std::runtime_error("cannot read figures from " + options.figures.string());
        }
    }
    stop_on_interrupt();
    const Data data = load_data(options, spec);
    const std::set<std::string> test_speakers(options.test_speakers.begin(),
                                              options.test_speakers.end());
    model::require_known_speakers(data.corpora, test_speakers);
    const auto validation_speakers =
        model::choose_validation_speakers(data.corpora, test_speakers, options.recipe.seed);

    ProgressLine line;
    double epoch_seconds = 0.0;
    model::Bundle bundle =
        model::train(data.clips, spec, validation_speakers, test_speakers, options.recipe,
                     environment(options, options.out, line, epoch_seconds));
    if (bundle.tensors.empty()) {
        line.keep("interrupted; the same command goes on from here");
        return kExitInterrupted;
    }
    std::set<std::string> licences;
    for (const model::Corpus& corpus : data.corpora) {
        bundle.training_data.push_back(corpus.name + " (" + corpus.licence + ")");
        licences.insert(corpus.licence);
    }
    // What is in the public domain asks nothing of the weights.
    if (licences.size() > 1) {
        licences.erase("CC0-1.0");
    }
    for (const std::string& licence : licences) {
        bundle.licence += (bundle.licence.empty() ? "" : " and ") + licence;
    }
    bundle.metrics = {{"recipe", options.recipe.to_json()},
                      {"validation_speakers", validation_speakers},
                      {"speaker_independent", figures}};
    const auto path = options.bundle.empty() ? options.out / "model.safetensors" : options.bundle;
    bundle.save(path);

    ordered_json results;
    for (const auto& result :
         model::evaluate(bundle, data.clips, validation_speakers, options.threads)) {
        results.push_back(to_json(result.corpus + ", validation speakers", result));
    }
    for (const auto& result : model::evaluate(bundle, data.clips, test_speakers, options.threads)) {
        results.push_back(to_json(result.corpus + ", test speakers", result));
    }
    print_results(bundle.id, results);
    std::printf("wrote %s, temperature %.2f\n", path.c_str(),
                static_cast<double>(bundle.temperature));
    return 0;
}

int evaluate_command(const EvaluateOptions& options) {
    const dsp::FeatureSpec spec = feature_spec(options);
    stop_on_interrupt();
    const Data data = load_data(options, spec);
    const std::vector<model::Round> rounds = model::cross_validation_rounds(data.corpora);
    std::vector<int> chosen = options.rounds;
    for (int round = 1; options.rounds.empty() && round <= static_cast<int>(rounds.size());
         ++round) {
        chosen.push_back(round);
    }

    ProgressLine line;
    // Pooled over the folds of each corpus and protocol.
    struct Pooled {
        model::CorpusResult result;
        int folds = 0;
        double ua_sum = 0.0;
    };
    std::map<std::string, Pooled> pooled;
    for (const int number : chosen) {
        if (number < 1 || number > static_cast<int>(rounds.size())) {
            throw std::runtime_error("round must be 1 to " + std::to_string(rounds.size()) +
                                     ", got " + std::to_string(number));
        }
        const model::Round& round = rounds[static_cast<std::size_t>(number) - 1];
        const auto folder = options.out / format("round-%02d", number);
        std::set<std::string> test_speakers;
        for (const model::Fold& fold : round) {
            test_speakers.insert(fold.test_speakers.begin(), fold.test_speakers.end());
        }
        const auto validation_speakers = model::choose_validation_speakers(
            data.corpora, test_speakers, options.recipe.seed + static_cast<std::uint64_t>(number));
        model::require_known_speakers(data.corpora, test_speakers);
        line.keep(format("round %d of %zu", number, rounds.size()));
        double epoch_seconds = 0.0;
        model::Bundle bundle =
            model::train(data.clips, spec, validation_speakers, test_speakers, options.recipe,
                         environment(options, folder, line, epoch_seconds));
        if (bundle.tensors.empty()) {
            line.keep("interrupted; the same command goes on from here");
            return kExitInterrupted;
        }
        for (const auto& result :
             model::evaluate(bundle, data.clips, test_speakers, options.threads)) {
            const auto fold = std::ranges::find(round, result.corpus, &model::Fold::corpus);
            const std::string name = result.corpus + " " + fold->protocol;
            const auto [entry, is_new] = pooled.try_emplace(name, Pooled{result});
            if (!is_new) {
                entry->second.result.all_labels.add(result.all_labels);
                entry->second.result.corpus_labels.add(result.corpus_labels);
            }
            ++entry->second.folds;
            entry->second.ua_sum += result.all_labels.unweighted_accuracy();
            line.keep(format("round %d: %s UA %.1f %%", number, name.c_str(),
                             100.0 * result.all_labels.unweighted_accuracy()));
        }
    }
    ordered_json results = ordered_json::array();
    for (const auto& [name, entry] : pooled) {
        ordered_json row =
            to_json(name + ", " + std::to_string(entry.folds) + " folds pooled", entry.result);
        row["folds"] = entry.folds;
        row["mean_ua_over_folds"] = entry.ua_sum / entry.folds;
        results.push_back(std::move(row));
    }
    write_json(options.out / "results.json", results);
    print_results("speaker-independent", results);
    return 0;
}

}  // namespace emotiond::daemon
