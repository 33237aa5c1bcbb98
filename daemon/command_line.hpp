#pragma once

#include <string>
#include <vector>

#include "daemon/audit_command.hpp"
#include "daemon/bundle_commands.hpp"
#include "daemon/config.hpp"
#include "daemon/service.hpp"
#include "daemon/tokens.hpp"
#include "daemon/training_commands.hpp"
#include "daemon/voice_command.hpp"
#include "daemon/watch.hpp"

namespace emotiond::daemon {

/// What the command line asked for.
struct CommandLine {
    enum class Command {
        Run,
        Devices,
        Classify,
        Replay,
        CheckConfig,
        Bundle,
        Features,
        Train,
        TrainVoice,
        Evaluate,
        Token,
        Watch,
        Audit,
        Nothing
    };

    Command command = Command::Run;
    Config config;
    PrintFormat print = PrintFormat::None;
    bool as_json = false;
    std::vector<std::string> files;
    BundleOptions bundle;
    FeaturesOptions features;
    TrainOptions train;
    TrainVoiceOptions train_voice;
    EvaluateOptions evaluate;
    TokenOptions token;
    WatchOptions watch;
    AuditOptions audit;
    int exit_code = 0;  ///< of Nothing: help was printed, or what was wrong
};

/// Reads the arguments and the configuration file they name. Prints help, version and complaints
/// about the arguments themselves. Throws ConfigError for settings.
CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace emotiond::daemon
