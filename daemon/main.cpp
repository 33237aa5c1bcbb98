#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "daemon/audit_command.hpp"
#include "daemon/bundle_commands.hpp"
#include "daemon/command_line.hpp"
#include "daemon/commands.hpp"
#include "daemon/config.hpp"
#include "daemon/exit_codes.hpp"
#include "daemon/log.hpp"
#include "daemon/portaudio_capture.hpp"
#include "daemon/service.hpp"
#include "daemon/tokens.hpp"
#include "daemon/training_commands.hpp"
#include "daemon/voice_command.hpp"
#include "daemon/watch.hpp"

namespace {

using namespace emotiond::daemon;

int run(const CommandLine& line, Service::Reread reread) {
    Service service(line.config, line.print, std::move(reread));
    return service.run();
}

int dispatch(const CommandLine& line, Service::Reread reread) {
    switch (line.command) {
        case CommandLine::Command::Run: return run(line, std::move(reread));
        case CommandLine::Command::Devices: return devices_command(line.as_json);
        case CommandLine::Command::Classify:
            return classify_command(line.config, line.files, line.as_json);
        case CommandLine::Command::Replay: return replay_command(line.config, line.as_json);
        case CommandLine::Command::CheckConfig: return check_config_command(line.config);
        case CommandLine::Command::Bundle: return bundle_command(line.bundle);
        case CommandLine::Command::Features: return features_command(line.features);
        case CommandLine::Command::Train: return train_command(line.train);
        case CommandLine::Command::TrainVoice: return train_voice_command(line.train_voice);
        case CommandLine::Command::Evaluate: return evaluate_command(line.evaluate);
        case CommandLine::Command::Token: return token_command(line.token);
        case CommandLine::Command::Watch: return watch_command(line.watch);
        case CommandLine::Command::Audit: return audit_command(line.audit);
        case CommandLine::Command::Nothing: break;
    }
    return line.exit_code;
}

int fail(const std::exception& error, int exit_code) {
    log_failure(error.what());
    return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        open_log();
        const CommandLine line = parse_command_line(argc, argv);
        spdlog::set_level(spdlog::level::from_str(line.config.log.level));
        return dispatch(line, [argc, argv] { return parse_command_line(argc, argv).config; });
    } catch (const ConfigError& error) {
        return fail(error, kExitConfig);
    } catch (const DeviceError& error) {
        return fail(error, kExitUnavailable);
    } catch (const std::exception& error) {
        return fail(error, kExitFailure);
    }
}
