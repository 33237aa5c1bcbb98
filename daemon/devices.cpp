#include "daemon/devices.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "daemon/sound_cards.hpp"
#include "daemon/thread_name.hpp"

namespace emotiond::daemon {
namespace {

std::vector<std::string> card_ids() {
    std::vector<std::string> ids;
    for (const SoundCard& card : sound_cards()) {
        ids.push_back(std::to_string(card.number) + " " + card.id);
    }
    return ids;
}

}  // namespace

Devices::Devices(const Options& options, Listener listener)
    : options_(options), listener_(std::move(listener)) {}

Devices::~Devices() {
    thread_.request_stop();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Devices::add(const std::string& id, const SourceSpec& source) {
    const std::scoped_lock lock(mutex_);
    Line line;
    line.id = id;
    line.source = source;
    lines_.push_back(std::move(line));
    changed_.notify_all();
}

void Devices::remove(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    if (const Line* line = find(id); line != nullptr && line->feed) {
        line->feed->end();
    }
    std::erase_if(lines_, [&](const Line& line) { return line.id == id; });
    for (OpenDevice& device : open_) {
        std::erase(device.ids, id);
        if (device.ids.empty()) {
            close_later(device, "");
        }
    }
    std::erase_if(open_, [](const OpenDevice& device) { return device.capture == nullptr; });
    changed_.notify_all();
}

std::vector<std::string> Devices::open() {
    pass();
    std::vector<std::string> refusals;
    const std::scoped_lock lock(mutex_);
    for (const Line& line : lines_) {
        if (!line.refusal.empty()) {
            refusals.push_back(line.refusal);
        }
    }
    return refusals;
}

void Devices::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) {
        name_this_thread("devices");
        run(stop);
    });
}

void Devices::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        pass();
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, kPass, [] { return false; });
    }
}

void Devices::pass() {
    std::vector<OpenDevice> closing;
    {
        const std::scoped_lock lock(mutex_);
        closing.swap(closing_);
    }
    closing.clear();  // may take its time
    const std::vector<Line> due = due_lines();
    if (due.empty()) {
        return;
    }
    std::map<int, std::pair<InputDevice, std::vector<Line>>> wanted;
    try {
        look_again_where_that_helps(due);
    } catch (const DeviceError& error) {
        for (const Line& line : due) {
            refuse(line, error.what());
        }
        return;
    }
    for (const Line& line : due) {
        try {
            const InputDevice device = find_device(line.source);
            wanted.try_emplace(device.index, device, std::vector<Line>{})
                .first->second.second.push_back(line);
        } catch (const DeviceError& error) {
            refuse(line, error.what());
        }
    }
    for (auto& [index, claim] : wanted) {
        if (!close_if_open(index)) {
            open_device(claim.first, std::move(claim.second));
        }
    }
}

InputDevice Devices::find_device(const SourceSpec& source) const {
    InputDevice device = portaudio_->find_input(source);
    const int channel = source.channel.value_or(0);
    if (channel >= device.channels) {
        throw DeviceError("device '" + device.name + "' has " + std::to_string(device.channels) +
                          " channels, #" + std::to_string(channel) +
                          " is not one of them (they count from 0)");
    }
    return device;
}

/// One open device serves all channels that name it: where it is open for others, it is closed, and
/// opened for all of them in the next pass.
bool Devices::close_if_open(int device_index) {
    const std::scoped_lock lock(mutex_);
    const auto device = std::ranges::find_if(open_, [&](const OpenDevice& candidate) {
        return candidate.capture->device_index() == device_index;
    });
    if (device == open_.end()) {
        return false;
    }
    close_later(*device, "its device is opened again for another channel");
    open_.erase(device);
    return true;
}

std::vector<Devices::Line> Devices::due_lines() {
    const std::scoped_lock lock(mutex_);
    const auto now = Clock::now();
    std::vector<Line> due;
    std::ranges::copy_if(lines_, std::back_inserter(due), [&](const Line& line) {
        return !muted_ && !line.open && line.next_attempt <= now &&
               (!line.feed || line.feed->loss_told());
    });
    return due;
}

/// PortAudio does not see what was plugged in after it began. It is begun anew where no device is
/// open, and where one is, only when the kernel has other cards than before.
void Devices::look_again_where_that_helps(const std::vector<Line>& due) {
    const bool was_refused =
        std::ranges::any_of(due, [](const Line& line) { return !line.refusal.empty(); });
    if (!was_refused && portaudio_) {
        return;
    }
    std::vector<std::string> cards = card_ids();
    std::vector<OpenDevice> closing;
    {
        const std::scoped_lock lock(mutex_);
        if (portaudio_ && !open_.empty() && cards == cards_) {
            return;
        }
        for (OpenDevice& device : open_) {
            close_later(device, "sound cards have changed: all devices are opened again");
        }
        open_.clear();
        closing.swap(closing_);
    }
    closing.clear();
    portaudio_.reset();
    portaudio_ = std::make_unique<PortAudio>();
    cards_ = std::move(cards);
}

void Devices::open_device(const InputDevice& device, std::vector<Line> lines) {
    int channels = 1;
    int rate_hz = options_.rate_hz;
    for (const Line& line : lines) {
        channels = std::max(channels, line.source.channel.value_or(0) + 1);
        if (line.feed) {
            rate_hz = line.feed->rate_hz();  // its clock goes on
        }
    }
    std::vector<std::string> opened_first;
    try {
        rate_hz = portaudio_->choose_rate(device, channels, rate_hz);
        std::vector<PortAudioCapture::Tap> taps;
        std::vector<std::string> ids;
        for (Line& line : lines) {
            if (!line.feed) {
                const auto ring = static_cast<std::size_t>(rate_hz * options_.ring.count() / 1000);
                line.feed = std::make_shared<Feed>(line.id, rate_hz, ring, false);
                opened_first.push_back(line.id);
            }
            taps.push_back({line.source.channel, line.feed});
            ids.push_back(line.id);
        }
        auto capture =
            std::make_unique<PortAudioCapture>(device, rate_hz, channels, std::move(taps));
        const std::scoped_lock lock(mutex_);
        open_.push_back({std::move(capture), {}});
        for (const Line& opened : lines) {
            Line* line = find(opened.id);
            if (line == nullptr) {
                continue;  // removed meanwhile
            }
            line->feed = opened.feed;
            line->open = true;
            line->backoff = kFirstBackoff;
            line->refusal.clear();
            open_.back().ids.push_back(line->id);
        }
        if (muted_) {
            open_.back().capture->mute();
        }
    } catch (const DeviceError& error) {
        for (const Line& line : lines) {
            refuse(line, error.what());
        }
        return;
    }
    for (const Line& line : lines) {
        spdlog::info("stream {}: device '{}' opened at {} Hz", line.id, device.name, rate_hz);
        if (std::ranges::find(opened_first, line.id) != opened_first.end()) {
            listener_.opened(line.id, line.feed);
        }
    }
}

void Devices::refuse(const Line& refused, const std::string& refusal) {
    {
        const std::scoped_lock lock(mutex_);
        Line* line = find(refused.id);
        if (line == nullptr) {
            return;
        }
        line->next_attempt = Clock::now() + line->backoff;
        line->backoff = std::min<Clock::duration>(2 * line->backoff, kLongestBackoff);
        if (std::exchange(line->refusal, refusal) == refusal) {
            return;
        }
    }
    listener_.refused(refused.id, refusal);
}

void Devices::watch() {
    const std::scoped_lock lock(mutex_);
    for (OpenDevice& device : open_) {
        watch(device);
    }
    std::erase_if(open_, [](const OpenDevice& device) { return device.capture == nullptr; });
}

void Devices::watch(OpenDevice& device) {
    const std::string name = "device '" + device.capture->device_name() + "'";
    const auto silent_for = device.capture->silent_for();
    if (device.capture->is_gone()) {
        close_later(device, name + " is gone");
    } else if (silent_for > kSilenceBeforeReopen) {
        close_later(device, name + " has brought no audio for 5 s");
    } else if (silent_for > kSilenceBeforeLost && !device.is_lost) {
        fail(device, name + " has brought no audio for 1.5 s");
        device.capture->catch_up_next();
        device.is_lost = true;
    } else if (silent_for < kSilenceBeforeLost && device.is_lost) {
        revive(device);
    }
}

/// As soon as all of its losses have been told.
void Devices::revive(OpenDevice& device) {
    for (const std::string& id : device.ids) {
        const Line* line = find(id);
        if (line != nullptr && line->feed->state() == Feed::State::Lost &&
            !line->feed->loss_told()) {
            return;
        }
    }
    for (const std::string& id : device.ids) {
        if (const Line* line = find(id)) {
            line->feed->revive();
        }
    }
    device.is_lost = false;
}

void Devices::fail(const OpenDevice& device, const std::string& reason) {
    for (const std::string& id : device.ids) {
        const Line* line = find(id);
        if (line == nullptr) {
            continue;
        }
        // One whose loss has been told may have brought samples since.
        if (line->feed->state() != Feed::State::Lost || line->feed->loss_told()) {
            line->feed->fail(reason);
        }
    }
}

void Devices::close_later(OpenDevice& device, const std::string& reason) {
    device.capture->mute();
    fail(device, reason);
    for (const std::string& id : device.ids) {
        if (Line* line = find(id)) {
            line->open = false;
            line->next_attempt = Clock::now() + kFirstBackoff;
        }
    }
    closing_.push_back({std::move(device.capture), {}});
    changed_.notify_all();
}

void Devices::mute() {
    const std::scoped_lock lock(mutex_);
    muted_ = true;
    for (const OpenDevice& device : open_) {
        device.capture->mute();
    }
}

Devices::Line* Devices::find(const std::string& id) {
    const auto line = std::ranges::find(lines_, id, &Line::id);
    return line == lines_.end() ? nullptr : &*line;
}

}  // namespace emotiond::daemon
