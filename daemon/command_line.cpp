#include "daemon/command_line.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "daemon/alert_toml.hpp"
#include "daemon/exit_codes.hpp"
#include "daemon/version.hpp"

namespace emotiond::daemon {
namespace {

constexpr const char* kSettingsHelp =
    "Every setting of the configuration file can be given as --section.key=value, for example\n"
    "  --server.tcp=127.0.0.1:0 --analysis.hop_ms=250 --model.device=cpu\n"
    "`emotiond check-config` prints them all; docs/configuration.md explains them.";

/// "--section.key=value", which CLI11 need not know of.
bool is_override(std::string_view argument) {
    const std::size_t dot = argument.find('.');
    return argument.starts_with("--") && dot != std::string_view::npos &&
           dot < argument.find('=') && argument.find('/') > dot;
}

void add_config_options(CLI::App& command, std::string& config_file) {
    command.add_option("-c,--config", config_file, "TOML file with settings");
    command.footer(kSettingsHelp);
}

void add_bundle_options(CLI::App& command, BundleOptions& options) {
    auto* torchscript =
        command.add_option("--torchscript", options.torchscript, "what torch.jit.save() wrote");
    auto* spec = command.add_option("--spec", options.spec,
                                    "JSON file: name, labels, features, temperature, "
                                    "uncertain_below, licence, training_data");
    auto* out = command.add_option("--out", options.out, "where the bundle goes");
    torchscript->needs(spec, out);
    spec->needs(torchscript, out);
    out->needs(torchscript, spec);
    auto* show = command.add_option("--show", options.show, "only tell what this bundle is");
    show->excludes(torchscript, spec, out);
    command.add_flag("--json", options.as_json, "show it as JSON")->needs(show);
    command.footer(
        "The module is run once to check it. TorchScript is code: pack only what you trust.\n"
        "docs/bundles.md has the whole way, from rows to a bundle.");
}

void add_features_options(CLI::App& command, FeaturesOptions& options) {
    command.add_option("file", options.file, "wav, flac, ogg or mp3");
    auto* spec = command.add_option("--spec", options.spec,
                                    "JSON file as for `emotiond bundle`: its features");
    command
        .add_option("--network", options.network,
                    "the features that this network is trained on: lstm, cnn, cnn-lstm, dnn, crnn")
        ->excludes(spec)
        ->capture_default_str();
    command
        .add_option("--format", options.format,
                    "csv or npy (default: npy where --out ends so, else csv)")
        ->check(CLI::IsMember({"csv", "npy"}));
    command.add_option("--out", options.out, "file (default: stdout)");
    command.add_flag("--print-spec", options.print_spec,
                     "print the features' specification instead, as --spec takes it");
}

void add_training_options(CLI::App& command, TrainingOptions& options) {
    command
        .add_option("--data", options.data,
                    "folders of recordings: with a manifest.csv, with the file names of RAVDESS, "
                    "CREMA-D, EmoDB, TESS or SAVEE, or with a folder for each emotion")
        ->required();
    command.add_option("--test-data", options.test_data, "such folders, never trained on");
    command.add_option("--noise", options.noise,
                       "folders of recordings without speech: to be told from speech, and to be "
                       "put under it (default: synthetic noise, and no speech output)");
    command.add_option("--rooms", options.rooms,
                       "folders of room impulse responses (default: synthetic rooms)");
    command.add_option("--out", options.out, "run folder: log, checkpoints, results, report")
        ->required();
    command
        .add_option("--cache", options.cache,
                    "where computed features are kept for the next run; empty: nowhere")
        ->capture_default_str();
    command.add_option("--network", options.network, "lstm, cnn, cnn-lstm, dnn or crnn")
        ->capture_default_str();
    command.add_option("--recipe", options.recipe,
                       "JSON file with what differs from the network's usual recipe "
                       "(docs/training.md)");
    command.add_option("--labels", options.labels, "separated by commas (default: the eight)")
        ->delimiter(',');
    command.add_option("--epochs", options.epochs,
                       "times that as many crops are drawn as there are recordings");
    command.add_option("--batch", options.batch, "crops in a batch");
    command.add_option("--learning-rate", options.learning_rate,
                       "its peak, after a warm-up of two epochs");
    command.add_option("--patience", options.patience,
                       "stop so many epochs after the best one and keep that; 0: train them all");
    command.add_option("--variants", options.variants, "augmented versions of each recording");
    command.add_flag("--bf16", options.bfloat16,
                     "mixed precision, twice as fast where the processor has it");
    command.add_option("--device", options.device, "auto, cpu or cuda:<n>")->capture_default_str();
    command.add_option("--threads", options.threads, "of libtorch")->capture_default_str();
}

/// Nobody connects, nothing is recorded and nothing is lost.
void replay_files(Config& config, const std::vector<std::string>& files) {
    config.audio.sources.clear();
    for (const std::string& file : files) {
        config.audio.sources.push_back("file:" + file);
    }
    config.audio.speed = "max";
    config.audio.loop = false;
    config.server = {};
    config.server.tcp = config.server.http = "127.0.0.1:0";
    config.server.max_queue_bytes = 1 << 30;
    config.history = {};
    config.audit = {};
    config.channels.clear();
}

void add_train_voice_options(CLI::App& command, TrainVoiceOptions& options) {
    command.add_option("--bundle", options.bundle, "the bundle that gets the detector")->required();
    command
        .add_option("--data", options.data,
                    "folders of clean speech, of the layouts that `emotiond train` takes")
        ->required();
    command.add_option("--noise", options.noise, "folders of recordings without speech");
    command.add_option("--music", options.music, "folders of music (default: synthetic music)");
    command.add_option("--rooms", options.rooms, "folders of room impulse responses");
    command.add_option("--out", options.out, "where the bundle goes")->required();
    command
        .add_option("--test-speakers", options.test_speakers,
                    "leave these out too, separated by commas; those whom the bundle's network was "
                    "validated on always are")
        ->delimiter(',');
    command.add_option("--seed", options.seed, "of the scenes and the first weights")
        ->capture_default_str();
    command.add_option("--threads", options.threads, "of libtorch")->capture_default_str();
    command.footer("All else in the bundle stays as it is. It takes a few minutes.");
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
    CommandLine line;
    std::vector<std::string> overrides;
    std::vector<std::string> arguments;
    for (int i = argc - 1; i > 0; --i) {  // CLI11 takes them from the back
        (is_override(argv[i]) ? overrides : arguments).emplace_back(argv[i]);
    }
    std::ranges::reverse(overrides);

    std::string config_file;
    std::vector<std::string> sources;
    std::string speed;
    std::string log_level;
    std::string print = "auto";
    bool loop = false;

    CLI::App app{
        "emotiond hears live voice channels and tells every subscriber which emotion they "
        "express.\nWithout a command it runs: default microphone, bundled model, events "
        "on loopback ports.",
        "emotiond"};
    app.set_version_flag("--version", "emotiond " + std::string(kVersion));
    app.require_subcommand(0, 1);
    app.footer(
        "Exit codes: 0 done, 64 wrong arguments, 69 no usable microphone, all files broken off or\n"
        "no service to watch, 78 wrong configuration, 130 training interrupted, 1 anything else.");

    CLI::App* run = app.add_subcommand("run", "Listen and serve events until SIGINT or SIGTERM");
    add_config_options(*run, config_file);
    run->add_option("-s,--source", sources,
                    "mic | mic:<device name or part of it> | alsa:<card id> | usb:<port> | "
                    "file:<path>; #<n> behind it takes one "
                    "channel, from 0. Can be given several times, each is a stream of its own");
    run->add_option("--speed", speed, "pace of files: realtime, or max for as fast as it goes")
        ->check(CLI::IsMember({"realtime", "max"}));
    run->add_flag("--loop", loop, "play files again and again");
    run->add_option("--print", print,
                    "events on stdout: none, text, json, or auto (text on a terminal)")
        ->check(CLI::IsMember({"auto", "none", "text", "json"}))
        ->capture_default_str();
    run->add_option("--log-level", log_level, "trace, debug, info, warn, error or off");

    CLI::App* devices = app.add_subcommand("devices", "List the microphones");
    devices->add_flag("--json", line.as_json, "as JSON");

    CLI::App* classify = app.add_subcommand("classify", "Tell which emotion audio files express");
    add_config_options(*classify, config_file);
    classify->add_option("files", line.files, "wav, flac, ogg or mp3")->required();
    classify->add_flag("--json", line.as_json, "one JSON object a file");

    std::string rules_file;
    CLI::App* replay = app.add_subcommand(
        "replay", "Print what a service would tell of audio files, alerts too, as fast as it goes");
    add_config_options(*replay, config_file);
    replay->add_option("files", line.files, "wav, flac, ogg or mp3; each is a stream of its own")
        ->required();
    replay->add_option("--rules", rules_file,
                       "TOML file of [[alerts]], in place of those of the settings");
    replay->add_flag("--json", line.as_json, "the messages themselves, one a line");

    CLI::App* check =
        app.add_subcommand("check-config", "Check the settings and print those in force");
    check->add_option("file,-c,--config", config_file, "TOML file with settings");
    check->footer(kSettingsHelp);

    CLI::App* bundle = app.add_subcommand(
        "bundle", "Pack a TorchScript module into a model bundle, or show what a bundle is");
    add_bundle_options(*bundle, line.bundle);

    CLI::App* features = app.add_subcommand(
        "features", "Print the feature rows of an audio file, to train a network elsewhere");
    add_features_options(*features, line.features);

    line.train.cache = default_feature_cache();
    line.evaluate.cache = default_feature_cache();
    for (int i = 0; i < argc; ++i) {
        line.train.command_line += (i > 0 ? " " : "") + std::string(argv[i]);
    }
    line.evaluate.command_line = line.train.command_line;
    CLI::App* train = app.add_subcommand("train", "Train a model bundle");
    add_training_options(*train, line.train);
    train->add_option("--seed", line.train.seed,
                      "of the first weights, crops and augmentation; another one is another run");
    train
        ->add_option("--test-speakers", line.train.test_speakers,
                     "leave these out, separated by commas, and report on them")
        ->delimiter(',');
    train->add_option("--bundle", line.train.bundle,
                      "where the bundle goes (default: model.safetensors in the run folder)");
    train->add_option("--name", line.train.name, "of the bundle (default: that of the network)");
    train->add_option("--teachers", line.train.teachers,
                      "bundles of the same recipe to learn from: an ensemble becomes one");
    train->add_option("--figures", line.train.figures,
                      "results.json of `emotiond evaluate`, to be carried in the bundle");
    train->footer("A run that was cut off goes on when the same command is given again.");

    CLI::App* train_voice = app.add_subcommand(
        "train-voice",
        "Train the voice detector of a bundle, which tells speech from other sounds");
    add_train_voice_options(*train_voice, line.train_voice);

    CLI::App* evaluate = app.add_subcommand(
        "evaluate", "Measure the recipe on speakers it was not trained on (docs/evaluation.md)");
    add_training_options(*evaluate, line.evaluate);
    evaluate
        ->add_option("--protocols", line.evaluate.protocols,
                     "P1, P2, P3, P5, PS, separated by commas")
        ->delimiter(',')
        ->capture_default_str();
    evaluate->add_option("--seeds", line.evaluate.seeds, "separated by commas")
        ->delimiter(',')
        ->capture_default_str();
    evaluate->add_option("--rounds", line.evaluate.rounds, "only these, separated by commas")
        ->delimiter(',');
    evaluate->add_option("--teachers", line.evaluate.teachers,
                         "run folder of another evaluation of the same recipe, whose networks of "
                         "all seeds teach each round");
    evaluate->footer("Rounds that the run folder holds already are not trained again.");

    CLI::App* token = app.add_subcommand(
        "token", "Make a token: its entry for the file server.tokens on stdout, itself on stderr");
    token->add_option("name", line.token.name, "whose it is, for the log")->required();
    token->add_option("--streams", line.token.streams, "globs, separated by commas")
        ->delimiter(',')
        ->capture_default_str();
    token
        ->add_option(
            "--actions", line.token.actions,
            "some of subscribe, history, erase, control, metrics, or *; separated by commas")
        ->delimiter(',')
        ->capture_default_str();
    token->footer("For example: emotiond token wallboard >> /etc/emotiond/tokens.toml");

    CLI::App* watch =
        app.add_subcommand("watch", "Show what a running emotiond tells, in the terminal");
    watch->add_option("url", line.watch.url, "of its HTTP port: ws, wss, http or https")
        ->capture_default_str();
    watch->add_option("--streams", line.watch.streams, "globs, separated by commas (default: all)")
        ->delimiter(',');
    watch->add_option("--token", line.watch.token,
                      "where the server wants one (default: $EMOTIOND_TOKEN, which other users of "
                      "the machine cannot see)");
    watch->add_option("--ca", line.watch.ca,
                      "PEM file of who signed the server's certificate (default: the system's)");
    watch->add_flag("--json", line.watch.as_json, "the messages as they come, one a line");
    watch->add_flag("--lines", line.watch.lines, "a line an event, also on a terminal");
    watch->add_option("--seconds", line.watch.seconds, "end after that long");

    CLI::App* audit = app.add_subcommand("audit", "Look at an audit log (docs/privacy.md)");
    audit->require_subcommand(1);
    CLI::App* verify = audit->add_subcommand("verify", "Tell whether its chain of hashes is whole");
    CLI::App* show = audit->add_subcommand("show", "Print its entries, and whether it is whole");
    for (CLI::App* one : {verify, show}) {
        one->add_option("file", line.audit.file, "what audit.path names")->required();
    }

    try {
        app.parse(arguments);
        if (*bundle && line.bundle.show.empty() && line.bundle.out.empty()) {
            throw CLI::RequiredError("--torchscript with --spec and --out, or --show");
        }
        if (*features && line.features.file.empty() && !line.features.print_spec) {
            throw CLI::RequiredError("file");
        }
    } catch (const CLI::ParseError& error) {
        line.command = CommandLine::Command::Nothing;
        line.exit_code = app.exit(error) == 0 ? 0 : kExitUsage;
        return line;
    }

    using Command = CommandLine::Command;
    const std::pair<CLI::App*, Command> commands[]{
        {devices, Command::Devices}, {classify, Command::Classify},
        {replay, Command::Replay},   {check, Command::CheckConfig},
        {bundle, Command::Bundle},   {features, Command::Features},
        {train, Command::Train},     {evaluate, Command::Evaluate},
        {token, Command::Token},     {watch, Command::Watch},
        {audit, Command::Audit},     {train_voice, Command::TrainVoice}};
    for (const auto& [subcommand, command] : commands) {
        if (*subcommand) {
            line.command = command;
        }
    }
    line.audit.show = show->parsed();
    if (*replay) {
        line.config.log.level = "warn";  // unless the settings say otherwise
    }
    if (!config_file.empty()) {
        line.config.read_file(config_file);
    }
    for (const std::string& argument : overrides) {
        line.config.apply_override(std::string_view(argument).substr(2));
    }
    if (!sources.empty()) {
        line.config.audio.sources = sources;
    }
    if (!speed.empty()) {
        line.config.audio.speed = speed;
    }
    if (!log_level.empty()) {
        line.config.log.level = log_level;
    }
    line.config.audio.loop |= loop;
    if (*replay) {
        replay_files(line.config, line.files);
        if (!rules_file.empty()) {
            line.config.alerts = read_alert_rules(std::filesystem::path(rules_file));
        }
    }
    line.config.validate();
    const bool to_terminal = isatty(STDOUT_FILENO) == 1;
    line.print = print == "json"                  ? PrintFormat::Json
                 : print == "text"                ? PrintFormat::Text
                 : print == "auto" && to_terminal ? PrintFormat::Text
                                                  : PrintFormat::None;
    return line;
}

}  // namespace emotiond::daemon
