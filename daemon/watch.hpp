#pragma once

#include <string>
#include <vector>

namespace emotiond::daemon {

struct WatchOptions {
    std::string url = "ws://127.0.0.1:8790";  ///< ws, wss, http or https; a path is not needed
    std::vector<std::string> streams;         ///< globs; empty: all
    std::string token;                        ///< empty: $EMOTIOND_TOKEN, else none
    std::string ca;        ///< PEM file of who signed the server's certificate; empty: the system's
    bool as_json = false;  ///< the messages as they come, one a line
    bool lines = false;    ///< a line an event also on a terminal
    double seconds = 0.0;  ///< end after that long; 0: at Ctrl-C
};

/// `emotiond watch`: what a running emotiond tells, on stdout: on a terminal a row for every stream
/// that is drawn again as it changes, else a line an event. Connects again by itself and goes on
/// where it was. Returns the exit code: 0 after Ctrl-C or the time, 69 where it never reached the
/// server, 1 where the server refused it.
int watch_command(const WatchOptions& options);

}  // namespace emotiond::daemon
