#pragma once

#include <string>

namespace emotiond::daemon {

/// What the configuration says about who speaks on a channel.
struct ChannelPolicy {
    std::string id;
    std::string role = "unspecified";  ///< `customer`, `agent` or `unspecified`
    bool mixed = false;                ///< both parties in one
    bool disclosed = false;            ///< those who speak were told
    std::string exception = {};        ///< why it is analysed although it would not be

    bool operator==(const ChannelPolicy&) const = default;
};

/// Whether a channel may be analysed, in words for people.
struct GateVerdict {
    bool allowed = true;
    std::string reason = {};   ///< why not, or by which exception; else empty
    std::string warning = {};  ///< what whoever runs the service must see to; else empty
};

/// Inferring the emotions of people at work is prohibited (AI Act, Art. 5(1)(f)), unless it is for
/// medical or safety reasons: an agent's channel, and one in which the agent is heard too, needs an
/// exception. Whether its reason is a good one, nobody can judge here. Who is analysed must be told
/// (Art. 50(3)); where the configuration does not say so, that is a warning and no more.
GateVerdict judge(const ChannelPolicy& channel);

}  // namespace emotiond::daemon
