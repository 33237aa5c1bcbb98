#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace emotiond::daemon {

/// One `--source`: where one channel's voice comes from.
struct SourceSpec {
    enum class Kind {
        Microphone,  ///< name: of a device, or a part of it; empty: the default
        AlsaCard,    ///< name: ALSA's id of a card
        UsbPort,     ///< name: of the port that a card is plugged into, "1-2.3"
        File         ///< name: the path
    };

    static constexpr int kMaxChannel = 255;

    Kind kind = Kind::Microphone;
    std::string name;
    std::optional<int> channel;  ///< from 0; none: a device as mono, a file mixed to one

    bool operator==(const SourceSpec&) const = default;

    /// text: `mic`, `mic:<name or part of it>`, `alsa:<card id>`, `usb:<port>`, `file:<path>`, each
    /// with `#<channel>` behind it.
    /// Throws std::invalid_argument that says what was expected.
    static SourceSpec parse(std::string_view text);

    /// Short and made of letters, digits, '-', '_' and '.': "mic", "headset-1", "call".
    [[nodiscard]] std::string stream_name() const;
};

/// stream_name() of each; what would be there twice gets "-2", "-3", ...
std::vector<std::string> unique_stream_names(const std::vector<SourceSpec>& sources);

}  // namespace emotiond::daemon
