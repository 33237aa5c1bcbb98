#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>

#include "daemon/bundle_commands.hpp"
#include "daemon/command_line.hpp"
#include "daemon/commands.hpp"
#include "daemon/config.hpp"
#include "daemon/exit_codes.hpp"
#include "daemon/portaudio_capture.hpp"
#include "daemon/service.hpp"
#include "daemon/tokens.hpp"
#include "daemon/training_commands.hpp"
#include "daemon/watch.hpp"

namespace {

using namespace emotiond::daemon;

int run(const CommandLine& line) {
    Service service(line.config, line.print);
    return service.run();
}

int dispatch(const CommandLine& line) {
    switch (line.command) {
        case CommandLine::Command::Run: return run(line);
        case CommandLine::Command::Devices: return devices_command(line.as_json);
        case CommandLine::Command::Classify:
            return classify_command(line.config, line.files, line.as_json);
        case CommandLine::Command::CheckConfig: return check_config_command(line.config);
        case CommandLine::Command::Bundle: return bundle_command(line.bundle);
        case CommandLine::Command::Features: return features_command(line.features);
        case CommandLine::Command::Train: return train_command(line.train);
        case CommandLine::Command::Evaluate: return evaluate_command(line.evaluate);
        case CommandLine::Command::Token: return token_command(line.token);
        case CommandLine::Command::Watch: return watch_command(line.watch);
        case CommandLine::Command::Nothing: break;
    }
    return line.exit_code;
}

int fail(const std::exception& error, int exit_code) {
    std::fprintf(stderr, "emotiond: %s\n", error.what());
    return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        // stdout belongs to what was asked for, the log goes to stderr.
        spdlog::set_default_logger(spdlog::stderr_color_mt("emotiond"));
        spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %v");
        const CommandLine line = parse_command_line(argc, argv);
        spdlog::set_level(spdlog::level::from_str(line.config.log.level));
        return dispatch(line);
    } catch (const ConfigError& error) {
        return fail(error, kExitConfig);
    } catch (const DeviceError& error) {
        return fail(error, kExitUnavailable);
    } catch (const std::exception& error) {
        return fail(error, kExitFailure);
    }
}
