#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemon/feed.hpp"

namespace emotiond::daemon {

/// A microphone that is not there or cannot be used. Ends the program with exit code 69
/// (EX_UNAVAILABLE).
class DeviceError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct InputDevice {
    int index = 0;  ///< PortAudio's, for this process only
    std::string name;
    std::string host_api;
    int channels = 0;
    double rate_hz = 0.0;  ///< the device's own
    bool is_default = false;
};

/// PortAudio, as long as this lives. The noise that ALSA and JACK make while probing is kept off
/// stderr.
class PortAudio {
 public:
    /// Throws DeviceError.
    PortAudio();
    ~PortAudio();
    PortAudio(const PortAudio&) = delete;
    PortAudio& operator=(const PortAudio&) = delete;

    [[nodiscard]] std::vector<InputDevice> inputs() const;

    /// name: empty for the default input, a device's name, or a part of it (case aside).
    /// Throws DeviceError: no such device (it lists those there are), or more than one.
    [[nodiscard]] InputDevice find_input(const std::string& name) const;

    /// The rate to open it at: `wanted_hz`, or with 0 its own, or failing that the first usual one
    /// that it takes. Throws DeviceError.
    [[nodiscard]] int choose_rate(const InputDevice& device, int channels, int wanted_hz) const;
};

/// One open device. Its callback copies samples into the feeds and does nothing else.
class PortAudioCapture {
 public:
    struct Tap {
        std::optional<int> channel;  ///< from 0; none: all channels mixed
        Feed* feed = nullptr;
    };

    /// Opens and starts the device. channels: as many as are opened, at least the highest tap's.
    /// Throws DeviceError.
    PortAudioCapture(const InputDevice& device, int rate_hz, int channels, std::vector<Tap> taps);
    /// Closes the device. A device that hangs can make this hang too.
    ~PortAudioCapture();
    PortAudioCapture(const PortAudioCapture&) = delete;
    PortAudioCapture& operator=(const PortAudioCapture&) = delete;

    /// Network thread, now and then: fails the feeds of a device that is gone or has brought
    /// nothing for two seconds.
    void check_alive();

    /// Nothing is written into the feeds from the next callback on. Does not wait.
    void mute() noexcept;

 private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

}  // namespace emotiond::daemon
