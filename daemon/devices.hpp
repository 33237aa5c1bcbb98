#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/feed.hpp"
#include "daemon/portaudio_capture.hpp"
#include "daemon/source_spec.hpp"

namespace emotiond::daemon {

/// The input devices that channels are heard through. Opens them, notices those that go away, and
/// tries again until they are back: under another number, at another port of the sound server, an
/// hour later.
///
///     channel ── Line ──┐
///     channel ── Line ──┴── Tap of one open device ── its callback ──> feeds
///
/// A feed outlives its device: it is told to have failed, and what the device would have brought
/// until it is back is lost samples of the same clock.
///
/// Opening and closing can take seconds, or forever where a sound server hangs; a thread of its own
/// does it. Devices that are open go on meanwhile.
class Devices {
 public:
    struct Options {
        int rate_hz = 0;  ///< 0: each device's own
        std::chrono::milliseconds ring{4000};
    };
    /// What the thread tells; called on it. May not call back, nor wait.
    struct Listener {
        /// The device of this channel was opened for the first time.
        std::function<void(const std::string& id, std::shared_ptr<Feed> feed)> opened;
        /// It cannot be opened, for another reason than before.
        std::function<void(const std::string& id, const std::string& reason)> refused;
    };

    Devices(const Options& options, Listener listener);
    /// Closes all devices. One that hangs can make this hang too.
    ~Devices();
    Devices(const Devices&) = delete;
    Devices& operator=(const Devices&) = delete;

    /// Any thread: the channel is heard as soon as its device is there.
    void add(const std::string& id, const SourceSpec& source);
    /// Any thread: its feed ends.
    void remove(const std::string& id);

    /// Opens what can be opened, on this thread, and returns why others could not. Before start().
    std::vector<std::string> open();
    /// Goes on in the background.
    void start();

    /// Several times a second, always the same thread: fails the feeds of devices that are gone.
    /// Never waits for a device.
    void watch();

    /// Any thread. Nothing is written into any feed from the next callback on.
    void mute();

 private:
    using Clock = Feed::Clock;

    /// One channel's claim to a device.
    struct Line {
        std::uint64_t serial = 0;  ///< which no other line has, nor one that gets its id later
        std::string id;
        SourceSpec source;
        std::shared_ptr<Feed> feed;  ///< none: never opened yet
        bool open = false;
        Clock::time_point next_attempt;
        Clock::duration backoff = kFirstBackoff;
        std::string refusal;  ///< why it was not opened the last time
    };
    struct OpenDevice {
        std::unique_ptr<PortAudioCapture> capture;
        int rate_hz = 0;
        std::vector<std::uint64_t> lines;  ///< their serials; all of them are in lines_

        [[nodiscard]] int index() const { return capture->device_index(); }
    };
    /// A device that is to be opened, and all lines that are to be heard through it.
    struct Opening {
        InputDevice device;
        int rate_hz = 0;  ///< of those heard before: their clocks go on; 0: there are none
        std::vector<Line> lines;
    };

    static constexpr std::chrono::milliseconds kFirstBackoff{250};
    static constexpr std::chrono::seconds kLongestBackoff{5};
    static constexpr std::chrono::milliseconds kPass{100};
    /// Behind so long a silence a device is told to be lost; behind the longer one it is opened
    /// again. A sound server that has just begun may need two seconds for the first samples.
    static constexpr std::chrono::milliseconds kSilenceBeforeLost{1500};
    static constexpr std::chrono::seconds kSilenceBeforeReopen{5};

    void run(const std::stop_token& stop);
    void pass();
    [[nodiscard]] std::vector<Line> closed_lines() const;
    void look_again_where_that_helps(const std::vector<Line>& due);
    std::vector<Opening> openings();
    void open_device(Opening opening);
    void accept(OpenDevice device, const std::vector<Line>& lines);
    [[nodiscard]] InputDevice find_device(const Line& line) const;
    [[nodiscard]] int rate_of_open(int device_index) const;
    bool close_if_open(int device_index);
    void refuse(const Line& line, const std::string& refusal);
    [[nodiscard]] static bool loss_is_told(const Line& line);
    [[nodiscard]] static bool is_due(const Line& line);
    // mutex_ held:
    void watch(OpenDevice& device);
    bool is_live(const OpenDevice& device);
    void revive(const OpenDevice& device);
    void fail(const OpenDevice& device, const std::string& reason);
    void close_later(OpenDevice& device, const std::string& reason);
    Line* find(std::uint64_t serial);

    Options options_;
    Listener listener_;
    std::unique_ptr<PortAudio> portaudio_;  ///< the thread's, after start(); none: it did not begin
    std::vector<std::string> cards_;        ///< that there were when it began

    mutable std::mutex mutex_;  ///< never held while a device is opened or closed
    std::condition_variable_any changed_;
    std::uint64_t newest_serial_ = 0;
    std::vector<Line> lines_;
    std::vector<OpenDevice> open_;
    std::vector<OpenDevice> closing_;
    bool muted_ = false;
    std::jthread thread_;
};

}  // namespace emotiond::daemon
