#include "daemon/portaudio_capture.hpp"

#include <fcntl.h>
#include <pa_linux_alsa.h>
#include <portaudio.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <thread>

#include "daemon/sound_cards.hpp"

namespace emotiond::daemon {
namespace {

constexpr std::array kUsualRatesHz{48000, 44100, 16000, 32000, 96000, 22050, 8000, 192000};

/// Whether a thread of ours may go before all others (LimitRTPRIO=, the group `audio`, ...). Tried
/// out, as PortAudio takes some refusals for a device that does not start.
bool may_be_realtime() {
    bool granted = false;
    std::thread([&granted] {
        sched_param priority{};
        priority.sched_priority = 1;
        granted = pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) == 0;
    }).join();
    return granted;
}

/// While it lives, what the audio libraries write to stderr goes nowhere: probing every device
/// that might exist makes them complain of all that do not. Not thread-safe.
class QuietStderr {
 public:
    QuietStderr() {
        std::fflush(stderr);
        saved_ = dup(STDERR_FILENO);
        const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (nowhere >= 0) {
            dup2(nowhere, STDERR_FILENO);
            close(nowhere);
        }
    }
    ~QuietStderr() {
        std::fflush(stderr);
        if (saved_ >= 0) {
            dup2(saved_, STDERR_FILENO);
            close(saved_);
        }
    }
    QuietStderr(const QuietStderr&) = delete;
    QuietStderr& operator=(const QuietStderr&) = delete;

 private:
    int saved_ = -1;
};

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string describe(PaError error) {
    if (error == paUnanticipatedHostError) {
        const PaHostErrorInfo* info = Pa_GetLastHostErrorInfo();
        if (info != nullptr && info->errorText != nullptr && *info->errorText != '\0') {
            return info->errorText;
        }
    }
    return Pa_GetErrorText(error);
}

PaStreamParameters parameters(const InputDevice& device, int channels) {
    PaStreamParameters result{};
    result.device = device.index;
    result.channelCount = channels;
    result.sampleFormat = paFloat32 | paNonInterleaved;
    const PaDeviceInfo* info = Pa_GetDeviceInfo(device.index);
    result.suggestedLatency = info != nullptr ? info->defaultLowInputLatency : 0.02;
    return result;
}

std::string names_of(const std::vector<InputDevice>& devices) {
    std::string names;
    for (const InputDevice& device : devices) {
        names += (names.empty() ? "'" : ", '") + device.name + "'";
    }
    return names.empty() ? "none" : names;
}

InputDevice find_by_name(const std::vector<InputDevice>& devices, const std::string& name) {
    const auto matching = [&](const auto& matches) {
        std::vector<InputDevice> found;
        std::ranges::copy_if(devices, std::back_inserter(found), matches);
        return found;
    };
    std::vector<InputDevice> matches = matching([&](const InputDevice& device) {
        return name.empty() ? device.is_default : device.name == name;
    });
    if (matches.empty() && !name.empty()) {
        matches = matching([part = lower(name)](const InputDevice& device) {
            return lower(device.name).find(part) != std::string::npos;
        });
    }
    if (matches.size() == 1) {
        return matches.front();
    }
    if (name.empty()) {
        throw DeviceError(
            "no microphone: PortAudio finds no default input (inputs: " + names_of(devices) +
            "). Plug one in, choose one with --source mic:<name> (emotiond devices "
            "lists them), or replay a file with --source file:<path>");
    }
    if (matches.empty()) {
        throw DeviceError("no input device is named '" + name + "' (inputs: " + names_of(devices) +
                          ")");
    }
    throw DeviceError("'" + name + "' means several input devices: " + names_of(matches) +
                      "; alsa:<card id> or usb:<port> tell equal ones apart (emotiond devices "
                      "lists them)");
}

InputDevice find_by_card(const std::vector<InputDevice>& devices, const SourceSpec& source) {
    const bool by_port = source.kind == SourceSpec::Kind::UsbPort;
    const auto name = by_port ? &InputDevice::usb_path : &InputDevice::card_id;
    // The first device of a card is the one that people mean.
    const auto device = std::ranges::find(devices, source.name, name);
    if (device != devices.end()) {
        return *device;
    }
    std::string there;
    for (const InputDevice& other : devices) {
        if (!(other.*name).empty()) {
            there += (there.empty() ? "" : ", ") + other.*name;
        }
    }
    throw DeviceError("no sound card with inputs is " + std::string(by_port ? "usb:" : "alsa:") +
                      source.name + " (there are: " + (there.empty() ? "none" : there) + ")");
}

/// "Headset: USB Audio (hw:1,0)" is the first device of card 1.
const SoundCard* card_of(const std::string& device_name, const std::vector<SoundCard>& cards) {
    const auto card = std::ranges::find_if(cards, [&](const SoundCard& candidate) {
        return device_name.find("(hw:" + std::to_string(candidate.number) + ",") !=
               std::string::npos;
    });
    return card == cards.end() ? nullptr : &*card;
}

}  // namespace

PortAudio::PortAudio() {
    // A JACK server that nobody runs is not to be started by looking for it.
    setenv("JACK_NO_START_SERVER", "1", 0);
    const QuietStderr quiet;
    if (const PaError error = Pa_Initialize(); error != paNoError) {
        throw DeviceError("cannot start PortAudio: " + describe(error));
    }
}

PortAudio::~PortAudio() {
    Pa_Terminate();
}

std::vector<InputDevice> PortAudio::inputs() const {
    std::vector<InputDevice> devices;
    const std::vector<SoundCard> cards = sound_cards();
    const PaDeviceIndex count = Pa_GetDeviceCount();
    for (PaDeviceIndex index = 0; index < count; ++index) {
        const PaDeviceInfo* info = Pa_GetDeviceInfo(index);
        if (info == nullptr || info->maxInputChannels < 1) {
            continue;
        }
        const PaHostApiInfo* host_api = Pa_GetHostApiInfo(info->hostApi);
        const SoundCard* card = card_of(info->name, cards);
        devices.push_back({index, info->name, host_api != nullptr ? host_api->name : "",
                           info->maxInputChannels, info->defaultSampleRate,
                           index == Pa_GetDefaultInputDevice(), card != nullptr ? card->id : "",
                           card != nullptr ? card->usb_path : ""});
    }
    return devices;
}

InputDevice PortAudio::find_input(const SourceSpec& source) const {
    const std::vector<InputDevice> devices = inputs();
    return source.kind == SourceSpec::Kind::Microphone ? find_by_name(devices, source.name)
                                                       : find_by_card(devices, source);
}

int PortAudio::choose_rate(const InputDevice& device, int channels, int wanted_hz) const {
    const QuietStderr quiet;
    const PaStreamParameters input = parameters(device, channels);
    const auto takes = [&](int rate_hz) {
        return Pa_IsFormatSupported(&input, nullptr, rate_hz) == paFormatIsSupported;
    };
    const int first_hz = wanted_hz != 0 ? wanted_hz : static_cast<int>(std::lround(device.rate_hz));
    if (takes(first_hz)) {
        return first_hz;
    }
    std::string usable;
    for (const int rate_hz : kUsualRatesHz) {
        if (takes(rate_hz)) {
            if (wanted_hz == 0) {
                return rate_hz;
            }
            usable += (usable.empty() ? "" : ", ") + std::to_string(rate_hz);
        }
    }
    throw DeviceError("device '" + device.name + "' refuses " + std::to_string(first_hz) +
                      " Hz with " + std::to_string(channels) + " channels; it takes: " +
                      (usable.empty() ? "none of the usual rates" : usable + " Hz"));
}

/// What the callback touches: made before it starts, owned until it has stopped.
struct PortAudioCapture::Stream {
    PaStream* handle = nullptr;
    int device_index = 0;
    std::string device_name;
    int rate_hz = 0;
    std::size_t channels = 0;
    std::vector<Tap> taps;
    std::array<float, 1024> mixed{};
    Feed::Clock::time_point taken_at;  ///< when the callback before came
    std::atomic<std::uint64_t> callbacks{0};
    std::atomic<bool> finished{false};
    std::atomic<bool> is_behind{true};
    std::atomic<bool> muted{false};
    std::uint64_t callbacks_seen = 0;
    Feed::Clock::time_point progressed_at;
    /// Real-time safe: copies samples, counts, reads a clock.
    void take(const float* const* input, std::size_t frames, bool overflowed) noexcept {
        const auto now = Feed::Clock::now();
        if (overflowed && callbacks.load(std::memory_order_relaxed) > 0) {
            tell_loss(now - taken_at - taps.front().feed->time_of(frames));
        }
        taken_at = now;
        if (is_behind.exchange(false, std::memory_order_relaxed)) {
            for (const Tap& tap : taps) {
                tap.feed->catch_up(frames);
            }
        }
        for (const Tap& tap : taps) {
            if (tap.channel) {
                tap.feed->write({input[*tap.channel], frames});
            } else if (channels == 1) {
                tap.feed->write({input[0], frames});
            } else {
                mix(input, frames, *tap.feed);
            }
        }
        callbacks.fetch_add(1, std::memory_order_relaxed);
    }

    /// PortAudio says that something was lost, not how much: by how much this callback is late is
    /// taken for lost, and at least one sample, so that no overflow goes untold.
    void tell_loss(Feed::Clock::duration late) noexcept {
        const double late_s = std::clamp(std::chrono::duration<double>(late).count(), 0.0, 60.0);
        const auto missing = static_cast<std::uint64_t>(late_s * rate_hz);
        for (const Tap& tap : taps) {
            tap.feed->lose(std::max<std::uint64_t>(1, missing));
        }
    }

    void mix(const float* const* input, std::size_t frames, Feed& feed) noexcept {
        const float share = 1.0F / static_cast<float>(channels);
        for (std::size_t done = 0; done < frames;) {
            const std::size_t count = std::min(frames - done, mixed.size());
            for (std::size_t i = 0; i < count; ++i) {
                float sum = 0.0F;
                for (std::size_t channel = 0; channel < channels; ++channel) {
                    sum += input[channel][done + i];
                }
                mixed[i] = sum * share;
            }
            feed.write({mixed.data(), count});
            done += count;
        }
    }
};

PortAudioCapture::PortAudioCapture(const InputDevice& device, int rate_hz, int channels,
                                   std::vector<Tap> taps)
    : stream_(std::make_unique<Stream>()) {
    stream_->device_index = device.index;
    stream_->device_name = device.name;
    stream_->rate_hz = rate_hz;
    stream_->channels = static_cast<std::size_t>(channels);
    stream_->taps = std::move(taps);
    const auto callback = [](const void* input, void*, unsigned long frames,
                             const PaStreamCallbackTimeInfo*, PaStreamCallbackFlags flags,
                             void* user) -> int {
        auto* stream = static_cast<Stream*>(user);
        if (input != nullptr && !stream->muted.load(std::memory_order_relaxed)) {
            stream->take(static_cast<const float* const*>(input), frames,
                         (flags & paInputOverflow) != 0);
        }
        return paContinue;
    };
    const auto finished = [](void* user) {
        static_cast<Stream*>(user)->finished.store(true, std::memory_order_relaxed);
    };
    const QuietStderr quiet;
    const PaStreamParameters input = parameters(device, channels);
    PaError error = Pa_OpenStream(&stream_->handle, &input, nullptr, rate_hz,
                                  paFramesPerBufferUnspecified, paClipOff, callback, stream_.get());
    if (error == paNoError) {
        // A card wakes its thread up. Behind a sound server the thread looks again and again, and
        // would keep the server's own from running.
        if (!device.card_id.empty() && may_be_realtime()) {
            PaAlsa_EnableRealtimeScheduling(stream_->handle, 1);
        }
        Pa_SetStreamFinishedCallback(stream_->handle, finished);
        error = Pa_StartStream(stream_->handle);
        if (error != paNoError) {
            Pa_CloseStream(stream_->handle);
        }
    }
    if (error != paNoError) {
        throw DeviceError("cannot open device '" + device.name + "' at " + std::to_string(rate_hz) +
                          " Hz with " + std::to_string(channels) + " channels: " + describe(error));
    }
    stream_->progressed_at = Feed::Clock::now();  // opening may take its time
}

PortAudioCapture::~PortAudioCapture() {
    // Abort: what PortAudio still holds is not waited for, which a vanished device would never end.
    Pa_AbortStream(stream_->handle);
    Pa_CloseStream(stream_->handle);
}

void PortAudioCapture::mute() noexcept {
    stream_->muted.store(true, std::memory_order_relaxed);
}

int PortAudioCapture::device_index() const noexcept {
    return stream_->device_index;
}

const std::string& PortAudioCapture::device_name() const noexcept {
    return stream_->device_name;
}

bool PortAudioCapture::is_gone() const noexcept {
    return stream_->finished.load(std::memory_order_relaxed);
}

Feed::Clock::duration PortAudioCapture::silent_for() noexcept {
    const auto now = Feed::Clock::now();
    const std::uint64_t callbacks = stream_->callbacks.load(std::memory_order_relaxed);
    if (callbacks != stream_->callbacks_seen) {
        stream_->callbacks_seen = callbacks;
        stream_->progressed_at = now;
    }
    return now - stream_->progressed_at;
}

void PortAudioCapture::catch_up_next() noexcept {
    stream_->is_behind.store(true, std::memory_order_relaxed);
}

}  // namespace emotiond::daemon
