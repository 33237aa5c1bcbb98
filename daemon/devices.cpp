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
    line.serial = ++newest_serial_;
    line.id = id;
    line.source = source;
    lines_.push_back(std::move(line));
    changed_.notify_all();
}

void Devices::remove(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    const auto line = std::ranges::find(lines_, id, &Line::id);
    if (line == lines_.end()) {
        return;
    }
    if (line->feed) {
        line->feed->end();
    }
    for (OpenDevice& device : open_) {
        std::erase(device.lines, line->serial);
        if (device.lines.empty()) {
            close_later(device, "");
        }
    }
    std::erase_if(open_, [](const OpenDevice& device) { return device.capture == nullptr; });
    lines_.erase(line);
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
    std::vector<Line> due = closed_lines();
    std::erase_if(due, [](const Line& line) { return !is_due(line); });
    if (due.empty()) {
        return;
    }
    try {
        look_again_where_that_helps(due);
    } catch (const DeviceError& error) {
        for (const Line& line : due) {
            refuse(line, error.what());
        }
        return;
    }
    for (Opening& opening : openings()) {
        if (!close_if_open(opening.device.index)) {
            open_device(std::move(opening));
        }
    }
}

/// A device is opened once for all lines that mean it, those included that it was closed for: each
/// that came later would have it closed again. One that was refused keeps to its own time.
std::vector<Devices::Opening> Devices::openings() {
    std::map<int, Opening> by_device;
    for (const Line& line : closed_lines()) {
        if (!line.refusal.empty() && !is_due(line)) {
            continue;
        }
        try {
            const InputDevice device = find_device(line);
            const auto entry = by_device.try_emplace(device.index, Opening{device, 0, {}}).first;
            Opening& opening = entry->second;
            if (line.feed) {
                if (opening.rate_hz != 0 && opening.rate_hz != line.feed->rate_hz()) {
                    continue;  // the rate of the first is tried first
                }
                opening.rate_hz = line.feed->rate_hz();
            }
            opening.lines.push_back(line);
        } catch (const DeviceError& error) {
            refuse(line, error.what());
        }
    }
    std::vector<Opening> openings;
    for (auto& [index, opening] : by_device) {
        if (std::ranges::any_of(opening.lines, is_due) &&
            std::ranges::all_of(opening.lines, loss_is_told)) {
            openings.push_back(std::move(opening));
        }
    }
    return openings;
}

InputDevice Devices::find_device(const Line& line) const {
    InputDevice device = portaudio_->find_input(line.source);
    const int channel = line.source.channel.value_or(0);
    if (channel >= device.channels) {
        throw DeviceError("device '" + device.name + "' has " + std::to_string(device.channels) +
                          " channels, #" + std::to_string(channel) +
                          " is not one of them (they count from 0)");
    }
    const int open_hz = rate_of_open(device.index);
    if (line.feed && open_hz != 0 && open_hz != line.feed->rate_hz()) {
        throw DeviceError("device '" + device.name + "' is open at " + std::to_string(open_hz) +
                          " Hz for other channels, and this one goes on at " +
                          std::to_string(line.feed->rate_hz()) + " Hz");
    }
    return device;
}

/// One open device serves all channels that name it: where it is open for others, it is closed, and
/// opened for all of them once their loss has been told.
bool Devices::close_if_open(int device_index) {
    const std::scoped_lock lock(mutex_);
    const auto device = std::ranges::find(open_, device_index, &OpenDevice::index);
    if (device == open_.end()) {
        return false;
    }
    close_later(*device, "its device is opened again for another channel");
    open_.erase(device);
    return true;
}

/// 0: it is not open.
int Devices::rate_of_open(int device_index) const {
    const std::scoped_lock lock(mutex_);
    const auto device = std::ranges::find(open_, device_index, &OpenDevice::index);
    return device == open_.end() ? 0 : device->rate_hz;
}

std::vector<Devices::Line> Devices::closed_lines() const {
    const std::scoped_lock lock(mutex_);
    std::vector<Line> closed;
    std::ranges::copy_if(lines_, std::back_inserter(closed),
                         [this](const Line& line) { return !muted_ && !line.open; });
    return closed;
}

bool Devices::loss_is_told(const Line& line) {
    return !line.feed || line.feed->loss_told();
}

bool Devices::is_due(const Line& line) {
    return line.next_attempt <= Clock::now() && loss_is_told(line);
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

void Devices::open_device(Opening opening) {
    int channels = 1;
    for (const Line& line : opening.lines) {
        channels = std::max(channels, line.source.channel.value_or(0) + 1);
    }
    try {
        const int wanted_hz = opening.rate_hz != 0 ? opening.rate_hz : options_.rate_hz;
        const int rate_hz = portaudio_->choose_rate(opening.device, channels, wanted_hz);
        std::vector<PortAudioCapture::Tap> taps;
        for (Line& line : opening.lines) {
            if (!line.feed) {
                const auto ring = static_cast<std::size_t>(rate_hz * options_.ring.count() / 1000);
                line.feed = std::make_shared<Feed>(line.id, rate_hz, ring, false);
            }
            taps.push_back({line.source.channel, line.feed});
        }
        auto capture =
            std::make_unique<PortAudioCapture>(opening.device, rate_hz, channels, std::move(taps));
        accept({std::move(capture), rate_hz, {}}, opening.lines);
    } catch (const DeviceError& error) {
        for (const Line& line : opening.lines) {
            refuse(line, error.what());
        }
    }
}

/// Opened for those lines that are still there: one that was removed meanwhile is not heard, and
/// one that came under its id may mean another channel.
void Devices::accept(OpenDevice device, const std::vector<Line>& lines) {
    const std::scoped_lock lock(mutex_);
    for (const Line& opened : lines) {
        Line* line = find(opened.serial);
        if (line == nullptr) {
            opened.feed->end();
            continue;
        }
        device.lines.push_back(line->serial);
        line->open = true;
        line->backoff = kFirstBackoff;
        line->refusal.clear();
        spdlog::info("stream {}: device '{}' opened at {} Hz", line->id,
                     device.capture->device_name(), device.rate_hz);
        if (!line->feed) {
            line->feed = opened.feed;
            // Under the lock: once remove() has returned, nothing is told of the line.
            listener_.opened(line->id, line->feed);
        }
    }
    if (device.lines.empty()) {
        close_later(device, "");
        return;
    }
    if (muted_) {
        device.capture->mute();
    }
    open_.push_back(std::move(device));
}

void Devices::refuse(const Line& refused, const std::string& refusal) {
    {
        const std::scoped_lock lock(mutex_);
        Line* line = find(refused.serial);
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
    } else if (silent_for > kSilenceBeforeLost && is_live(device)) {
        fail(device, name + " has brought no audio for 1.5 s");
        device.capture->catch_up_next();
    } else if (silent_for == Clock::duration::zero()) {  // it has brought some since the last look
        revive(device);
    }
}

bool Devices::is_live(const OpenDevice& device) {
    return std::ranges::any_of(device.lines, [this](std::uint64_t serial) {
        return find(serial)->feed->state() == Feed::State::Live;
    });
}

/// Those whose loss has been told.
void Devices::revive(const OpenDevice& device) {
    for (const std::uint64_t serial : device.lines) {
        Feed& feed = *find(serial)->feed;
        if (feed.state() == Feed::State::Lost && feed.loss_told()) {
            feed.revive();
        }
    }
}

void Devices::fail(const OpenDevice& device, const std::string& reason) {
    for (const std::uint64_t serial : device.lines) {
        Feed& feed = *find(serial)->feed;
        // One whose loss has been told may have brought samples since.
        if (feed.state() != Feed::State::Lost || feed.loss_told()) {
            feed.fail(reason);
        }
    }
}

void Devices::close_later(OpenDevice& device, const std::string& reason) {
    device.capture->mute();
    fail(device, reason);
    for (const std::uint64_t serial : device.lines) {
        Line* line = find(serial);
        line->open = false;
        line->next_attempt = Clock::now() + kFirstBackoff;
    }
    closing_.push_back(std::move(device));
    changed_.notify_all();
}

void Devices::mute() {
    const std::scoped_lock lock(mutex_);
    muted_ = true;
    for (const OpenDevice& device : open_) {
        device.capture->mute();
    }
}

Devices::Line* Devices::find(std::uint64_t serial) {
    const auto line = std::ranges::find(lines_, serial, &Line::serial);
    return line == lines_.end() ? nullptr : &*line;
}

}  // namespace emotiond::daemon
