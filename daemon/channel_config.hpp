#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/source_spec.hpp"

namespace emotiond::daemon {

/// One voice that the service hears: an entry of `[[channels]]`, or a source of `audio.sources`.
struct ChannelConfig {
    std::string id;                    ///< the stream's name
    std::string source;                ///< as SourceSpec::parse() takes it
    std::optional<int> channel;        ///< of the source, from 0, where the source does not say it
    std::string role = "unspecified";  ///< `customer`, `agent` or `unspecified`
    std::map<std::string, std::string> labels;
    bool mixed = false;      ///< both parties of a call are on it
    bool disclosed = false;  ///< who speaks has been told
    std::string exception;   ///< why an agent's or a mixed channel may be analysed all the same
    std::string priority = "normal";  ///< `normal`, or `low`: paused first under overload

    bool operator==(const ChannelConfig&) const = default;

    /// Throws std::invalid_argument that names the key, what is allowed and what was got.
    void validate() const;

    /// Of a valid one.
    [[nodiscard]] SourceSpec source_spec() const;
};

/// One channel for each source, named after it. Throws std::invalid_argument.
std::vector<ChannelConfig> channels_of(const std::vector<std::string>& sources);

}  // namespace emotiond::daemon
