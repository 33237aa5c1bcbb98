#include "daemon/sound_cards.hpp"

#include <fstream>
#include <regex>

namespace emotiond::daemon {
namespace {

/// The port of the USB interface that the card is on: "1-2.3:1.0" is an interface of port 1-2.3.
std::string usb_path(const std::filesystem::path& root, int number) {
    std::error_code error;
    const auto device = std::filesystem::read_symlink(
        root / "sys/class/sound" / ("card" + std::to_string(number)) / "device", error);
    static const std::regex usb_interface(R"((\d+-\d+(?:\.\d+)*):\d+\.\d+)");
    std::smatch match;
    const std::string name = device.filename().string();
    return !error && std::regex_match(name, match, usb_interface) ? match[1].str() : "";
}

}  // namespace

std::vector<SoundCard> sound_cards(const std::filesystem::path& root) {
    //  1 [Headset        ]: USB-Audio - Plantronics Headset
    static const std::regex card_line(R"(\s*(\d+) \[(\S+)\s*\]: .* - (.*))");
    std::vector<SoundCard> cards;
    std::ifstream in(root / "proc/asound/cards");
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
        if (std::regex_match(line, match, card_line)) {
            const int number = std::stoi(match[1]);
            cards.push_back({number, match[2], match[3], usb_path(root, number)});
        }
    }
    return cards;
}

}  // namespace emotiond::daemon
