#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemon/feed.hpp"
#include "daemon/source_spec.hpp"

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
    std::string card_id;   ///< ALSA's, of a device that is a sound card's
    std::string usb_path;  ///< the port that the card is plugged into
};

/// PortAudio, as long as this lives. It knows the devices that were there when it began: to find
/// another, make another. One thread at a time. What ALSA and JACK write to stderr meanwhile goes
/// nowhere, which is why the log has a descriptor of its own.
class PortAudio {
 public:
    /// Throws DeviceError.
    PortAudio();
    ~PortAudio();
    PortAudio(const PortAudio&) = delete;
    PortAudio& operator=(const PortAudio&) = delete;

    [[nodiscard]] std::vector<InputDevice> inputs() const;

    /// The one device that a source means: Microphone, AlsaCard or UsbPort.
    /// Throws DeviceError: no such device (it lists those there are), or more than one.
    [[nodiscard]] InputDevice find_input(const SourceSpec& source) const;

    /// The rate to open it at: `wanted_hz`, or with 0 its own, or failing that the first usual one
    /// that it takes. Throws DeviceError.
    [[nodiscard]] int choose_rate(const InputDevice& device, int channels, int wanted_hz) const;
};

/// One open device. Its callback copies samples into the feeds and does nothing else.
class PortAudioCapture {
 public:
    struct Tap {
        std::optional<int> channel;  ///< from 0; none: all channels mixed
        std::shared_ptr<Feed> feed;
    };

    /// Opens and starts the device. channels: as many as are opened, at least the highest tap's.
    /// Throws DeviceError.
    PortAudioCapture(const InputDevice& device, int rate_hz, int channels, std::vector<Tap> taps);
    /// Closes the device. A device that hangs can make this hang too.
    ~PortAudioCapture();
    PortAudioCapture(const PortAudioCapture&) = delete;
    PortAudioCapture& operator=(const PortAudioCapture&) = delete;

    /// PortAudio knows that nothing will come any more. Any thread.
    [[nodiscard]] bool is_gone() const noexcept;

    /// Since when it has brought nothing. Now and then, always the same thread.
    Feed::Clock::duration silent_for() noexcept;

    /// With the next samples, what should have come meanwhile is lost. Any thread.
    void catch_up_next() noexcept;

    /// Nothing is written into the feeds from the next callback on. Does not wait. Any thread.
    void mute() noexcept;

    /// PortAudio's, of the device.
    [[nodiscard]] int device_index() const noexcept;
    [[nodiscard]] const std::string& device_name() const noexcept;

 private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

}  // namespace emotiond::daemon
