#include "daemon/config.hpp"

#include <spdlog/common.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <type_traits>

#include <toml++/toml.h>

#include "daemon/alert_toml.hpp"
#include "daemon/channel_toml.hpp"
#include "daemon/shortest_text.hpp"
#include "daemon/source_spec.hpp"
#include "protocol/endpoint.hpp"

namespace emotiond::daemon {
namespace {

/// Calls visit(section, key, member) for every setting: the one list of what there is.
template <typename AnyConfig, typename Visit>
void for_each_setting(AnyConfig& config, Visit&& visit) {
    visit("audio", "sources", config.audio.sources);
    visit("audio", "rate_hz", config.audio.rate_hz);
    visit("audio", "ring_ms", config.audio.ring_ms);
    visit("audio", "speed", config.audio.speed);
    visit("audio", "loop", config.audio.loop);
    visit("analysis", "window_ms", config.analysis.window_ms);
    visit("analysis", "hop_ms", config.analysis.hop_ms);
    visit("analysis", "first_window_ms", config.analysis.first_window_ms);
    visit("analysis", "min_voiced", config.analysis.min_voiced);
    visit("analysis", "smoothing_ms", config.analysis.smoothing_ms);
    visit("analysis", "label_margin", config.analysis.label_margin);
    visit("analysis", "threads", config.analysis.threads);
    visit("model", "bundle", config.model.bundle);
    visit("model", "device", config.model.device);
    visit("model", "threads", config.model.threads);
    visit("model", "max_batch", config.model.max_batch);
    visit("model", "max_delay_ms", config.model.max_delay_ms);
    visit("model", "trust_code", config.model.trust_code);
    visit("server", "tcp", config.server.tcp);
    visit("server", "http", config.server.http);
    visit("server", "max_queue_bytes", config.server.max_queue_bytes);
    visit("server", "flush_ms", config.server.flush_ms);
    visit("server", "replay_bytes", config.server.replay_bytes);
    visit("server", "idle_timeout_ms", config.server.idle_timeout_ms);
    visit("server", "max_connections", config.server.max_connections);
    visit("server", "max_connections_per_address", config.server.max_connections_per_address);
    visit("server", "compression", config.server.compression);
    visit("server", "tls_certificate", config.server.tls_certificate);
    visit("server", "tls_key", config.server.tls_key);
    visit("server", "tokens", config.server.tokens);
    visit("server", "insecure", config.server.insecure);
    visit("server", "origins", config.server.origins);
    visit("history", "path", config.history.path);
    visit("history", "max_age_h", config.history.max_age_h);
    visit("history", "max_mb", config.history.max_mb);
    visit("audit", "path", config.audit.path);
    visit("overload", "high_ms", config.overload.high_ms);
    visit("overload", "calm_s", config.overload.calm_s);
    visit("log", "level", config.log.level);
}

using Strings = std::vector<std::string>;

template <typename Member>
const char* type_name() {
    if constexpr (std::is_same_v<Member, bool>) {
        return "true or false";
    } else if constexpr (std::is_same_v<Member, std::int64_t>) {
        return "a whole number";
    } else if constexpr (std::is_same_v<Member, double>) {
        return "a number";
    } else if constexpr (std::is_same_v<Member, Strings>) {
        return "a list of texts";
    } else {
        return "a text in quotes";
    }
}

/// False where the node has another type.
template <typename Member>
bool assign(const toml::node& node, Member& member) {
    if constexpr (std::is_same_v<Member, Strings>) {
        const toml::array* array = node.as_array();
        if (array == nullptr) {
            return false;
        }
        Strings values;
        for (const toml::node& element : *array) {
            const auto value = element.value_exact<std::string>();
            if (!value) {
                return false;
            }
            values.push_back(*value);
        }
        member = std::move(values);
        return true;
    } else {
        // A whole number is a number too.
        const auto value = std::is_same_v<Member, double> && node.is_integer()
                               ? node.value<Member>()
                               : node.value_exact<Member>();
        if (value) {
            member = *value;
        }
        return value.has_value();
    }
}

/// False where the text is no such value.
template <typename Member>
bool assign_text(std::string_view text, Member& member) {
    if constexpr (std::is_same_v<Member, std::string>) {
        member = text;
        return true;
    } else if constexpr (std::is_same_v<Member, bool>) {
        member = text == "true";
        return text == "true" || text == "false";
    } else if constexpr (std::is_same_v<Member, Strings>) {
        member.clear();
        std::istringstream in{std::string(text)};
        for (std::string value; std::getline(in, value, ',');) {
            member.push_back(value);
        }
        return true;
    } else {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), member);
        return error == std::errc{} && end == text.data() + text.size();
    }
}

std::string place(const std::filesystem::path& path, const toml::source_region& region) {
    return path.string() + ":" + std::to_string(region.begin.line) + ": ";
}

/// "; did you mean X?" for the known name with the fewest edits, where they are few.
std::string suggestion(std::string_view unknown, const Strings& known) {
    const auto distance = [](std::string_view a, std::string_view b) {
        std::vector<std::size_t> row(b.size() + 1);
        for (std::size_t j = 0; j <= b.size(); ++j) {
            row[j] = j;
        }
        for (std::size_t i = 1; i <= a.size(); ++i) {
            std::size_t diagonal = row[0];
            row[0] = i;
            for (std::size_t j = 1; j <= b.size(); ++j) {
                const std::size_t swap = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = std::min({swap, row[j] + 1, row[j - 1] + 1});
            }
        }
        return row[b.size()];
    };
    std::string best;
    std::size_t best_distance = 4;
    for (const std::string& name : known) {
        if (const std::size_t edits = distance(unknown, name); edits < best_distance) {
            best = name;
            best_distance = edits;
        }
    }
    return best.empty() ? "" : "; did you mean '" + best + "'?";
}

Strings known_names(std::string_view section) {
    Strings names;
    Config config;
    for_each_setting(config, [&](const char* of, const char* key, const auto&) {
        const std::string name = section.empty() ? of : key;
        if ((section.empty() || section == of) && std::ranges::find(names, name) == names.end()) {
            names.push_back(name);
        }
    });
    return names;
}

void require_range(const char* key, std::int64_t got, std::int64_t min, std::int64_t max) {
    if (got < min || got > max) {
        throw ConfigError(std::string(key) + " must be " + std::to_string(min) + " to " +
                          std::to_string(max) + ", got " + std::to_string(got));
    }
}

/// Runs a check of another room and names the key in its complaint.
template <typename Check>
void require(const char* key, Check&& check) {
    try {
        check();
    } catch (const std::exception& error) {
        throw ConfigError(std::string(key) + ": " + error.what());
    }
}

}  // namespace

void require_safe_endpoint(const std::string& what, const std::string& endpoint,
                           const Config::Server& server) {
    const auto address = protocol::parse_endpoint(endpoint).address();
    const bool is_safe = !server.tls_certificate.empty() && !server.tokens.empty();
    if (!address.is_loopback() && !is_safe && !server.insecure) {
        throw ConfigError(what + " = \"" + endpoint +
                          "\" can be reached from other machines: that needs "
                          "server.tls_certificate and server.tokens, or server.insecure = true "
                          "where a proxy or a firewall stands before it");
    }
}

void Config::read_file(const std::filesystem::path& path) {
    toml::table file;
    try {
        file = toml::parse_file(path.string());
    } catch (const toml::parse_error& error) {
        const bool has_place = error.source().begin.line > 0;
        throw ConfigError((has_place ? place(path, error.source()) : path.string() + ": ") +
                          std::string(error.description()));
    }
    if (const toml::node* node = file.get("channels")) {
        channels = read_channels(*node, path);
        file.erase("channels");
    }
    if (const toml::node* node = file.get("alerts")) {
        alerts = read_alert_rules(*node, path);
        file.erase("alerts");
    }
    for (const auto& [section_key, section_node] : file) {
        const std::string_view section = section_key.str();
        const Strings keys = known_names(section);
        if (keys.empty()) {
            throw ConfigError(place(path, section_node.source()) + "unknown section '" +
                              std::string(section) + "'" + suggestion(section, known_names("")));
        }
        const toml::table* table = section_node.as_table();
        if (table == nullptr) {
            throw ConfigError(place(path, section_node.source()) + "'" + std::string(section) +
                              "' must be a section: [" + std::string(section) + "]");
        }
        for (const auto& [key, node] : *table) {
            if (std::ranges::find(keys, key.str()) == keys.end()) {
                throw ConfigError(place(path, key.source()) + "unknown key '" +
                                  std::string(key.str()) + "' in [" + std::string(section) + "]" +
                                  suggestion(key.str(), keys));
            }
        }
    }
    for_each_setting(*this, [&](const char* section, const char* key, auto& member) {
        const auto node = file[section][key];
        if (node && !assign(*node.node(), member)) {
            throw ConfigError(place(path, node.node()->source()) + section + "." + key +
                              " must be " + type_name<std::remove_reference_t<decltype(member)>>());
        }
    });
}

void Config::apply_override(std::string_view assignment) {
    const std::size_t equals = assignment.find('=');
    const std::string name(assignment.substr(0, equals));
    if (equals == std::string_view::npos) {
        throw ConfigError("--" + name + " needs a value: --" + name + "=VALUE");
    }
    const std::string_view value = assignment.substr(equals + 1);
    bool known = false;
    Strings names;
    for_each_setting(*this, [&](const char* section, const char* key, auto& member) {
        names.push_back(std::string(section) + "." + key);
        if (names.back() != name) {
            return;
        }
        known = true;
        if (!assign_text(value, member)) {
            throw ConfigError("--" + name + " must be " +
                              type_name<std::remove_reference_t<decltype(member)>>() + ", got '" +
                              std::string(value) + "'");
        }
    });
    if (!known) {
        throw ConfigError("unknown setting --" + name + suggestion(name, names));
    }
}

void Config::validate() const {
    if (audio.sources.empty() && channels.empty()) {
        throw ConfigError("audio.sources must name at least one source, for example \"mic\"");
    }
    for (const std::string& source : audio.sources) {
        require("audio.sources", [&] { SourceSpec::parse(source); });
    }
    if (audio.rate_hz != 0) {
        require_range("audio.rate_hz", audio.rate_hz, 8000, 192000);
    }
    require_range("audio.ring_ms", audio.ring_ms, 100, 60000);
    if (audio.speed != "realtime" && audio.speed != "max") {
        throw ConfigError("audio.speed must be realtime or max, got '" + audio.speed + "'");
    }
    require("analysis", [&] { window_options().validate(); });
    if (!(analysis.min_voiced >= 0.0 && analysis.min_voiced <= 1.0)) {
        throw ConfigError("analysis.min_voiced must be 0 to 1, got " +
                          std::to_string(analysis.min_voiced));
    }
    require_range("analysis.smoothing_ms", analysis.smoothing_ms, 0, 60000);
    if (!(analysis.label_margin >= 0.0 && analysis.label_margin <= 1.0)) {
        throw ConfigError("analysis.label_margin must be 0 to 1, got " +
                          std::to_string(analysis.label_margin));
    }
    require("model.device", [&] { model::parse_device(model.device); });
    require_range("model.threads", model.threads, 1, 256);
    require_range("model.max_batch", model.max_batch, 1, 4096);
    require_range("model.max_delay_ms", model.max_delay_ms, 0, 1000);
    require_range("analysis.threads", analysis.threads, 1, 64);
    require_range("overload.high_ms", overload.high_ms, 10, 60000);
    require_range("overload.calm_s", overload.calm_s, 1, 3600);
    require("server.tcp", [&] { protocol::parse_endpoint(server.tcp); });
    require("server.http", [&] { protocol::parse_endpoint(server.http); });
    require_range("server.max_queue_bytes", server.max_queue_bytes, 4096, 1 << 30);
    require_range("server.flush_ms", server.flush_ms, 0, 60000);
    require_range("server.replay_bytes", server.replay_bytes, 0, 1 << 30);
    require_range("server.idle_timeout_ms", server.idle_timeout_ms, 1000, 3600000);
    require_range("server.max_connections", server.max_connections, 1, 1000000);
    require_range("server.max_connections_per_address", server.max_connections_per_address, 1,
                  1000000);
    require_range("history.max_age_h", history.max_age_h, 1, 24 * 3660);
    require_range("history.max_mb", history.max_mb, 1, 1 << 20);
    if (server.tls_certificate.empty() != server.tls_key.empty()) {
        throw ConfigError("server.tls_certificate and server.tls_key belong together");
    }
    for (const std::string& origin : server.origins) {
        if (!origin.starts_with("http://") && !origin.starts_with("https://")) {
            throw ConfigError("server.origins must be like https://desk.example, got '" + origin +
                              "'");
        }
    }
    require_safe_endpoint("server.tcp", server.tcp, server);
    require_safe_endpoint("server.http", server.http, server);
    if (spdlog::level::from_str(log.level) == spdlog::level::off && log.level != "off") {
        throw ConfigError("log.level must be trace, debug, info, warn, error or off, got '" +
                          log.level + "'");
    }
}

std::vector<ChannelConfig> Config::all_channels() const {
    return channels.empty() ? channels_of(audio.sources) : channels;
}

dsp::WindowOptions Config::window_options() const {
    using std::chrono::milliseconds;
    return {milliseconds(analysis.window_ms), milliseconds(analysis.hop_ms),
            milliseconds(std::min(analysis.first_window_ms, analysis.window_ms))};
}

model::Smoother::Options Config::smoother_options() const {
    model::Smoother::Options options;
    options.time_constant = std::chrono::milliseconds(analysis.smoothing_ms);
    options.label_margin = static_cast<float>(analysis.label_margin);
    options.uncertain_margin = options.label_margin / 2;
    // Overload may leave only every fourth window.
    options.memory = std::max(options.memory, 5 * std::chrono::milliseconds(analysis.hop_ms));
    return options;
}

model::Classifier::Options Config::classifier_options() const {
    return {model.device, static_cast<int>(model.threads), model.trust_code};
}

std::string Config::to_toml() const {
    std::ostringstream out;
    std::string current;
    for_each_setting(*this, [&](const char* section, const char* key, const auto& member) {
        if (current != section) {
            out << (current.empty() ? "" : "\n") << "[" << section << "]\n";
            current = section;
        }
        using Member = std::remove_cvref_t<decltype(member)>;
        out << key << " = ";
        if constexpr (std::is_same_v<Member, Strings>) {
            toml::array values;
            for (const std::string& value : member) {
                values.push_back(value);
            }
            out << values;
        } else if constexpr (std::is_same_v<Member, double>) {
            out << shortest_text(member);
        } else {
            out << toml::value<Member>(member);
        }
        out << "\n";
    });
    if (!channels.empty()) {
        out << "\n" << daemon::to_toml(channels);
    }
    if (!alerts.empty()) {
        out << "\n" << daemon::to_toml(alerts);
    }
    return out.str();
}

}  // namespace emotiond::daemon
