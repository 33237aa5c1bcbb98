#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace emotiond::daemon {

/// A sound card as the kernel tells it. Its number changes with the order in which cards are
/// plugged in; its id and where it is plugged in do not.
struct SoundCard {
    int number = 0;        ///< of this boot: the N of ALSA's "hw:N,0"
    std::string id;        ///< ALSA's, for example "Headset"; udev or the driver gives it
    std::string name;      ///< for people
    std::string usb_path;  ///< the port, for example "1-2.3"; empty where it is not on USB
};

/// root: of /proc and /sys. Empty where there is no ALSA in the kernel.
std::vector<SoundCard> sound_cards(const std::filesystem::path& root = "/");

}  // namespace emotiond::daemon
