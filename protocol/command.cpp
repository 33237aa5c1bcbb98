#include "protocol/command.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

namespace emotiond::protocol {

namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 4;
/// What a client may say is matched against every stream, so it is kept short.
constexpr std::size_t kMaxListed = 64;
constexpr std::size_t kMaxNameBytes = 128;
constexpr std::int64_t kMaxIntervalMs = 24LL * 60 * 60 * 1000;

/// Why a field does not fit. Stays inside this file.
struct Misfit {
    std::string message;
};

std::string shortened(const Json& value) {
    constexpr std::size_t kMaxShown = 60;
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() <= kMaxShown ? text : text.substr(0, kMaxShown) + "...";
}

[[noreturn]] void misfit(const std::string& field, const std::string& expected, const Json& got) {
    throw Misfit{"'" + field + "' must be " + expected + ", got " + shortened(got)};
}

/// Errors: Misfit for a field that none of the names is.
void only(const Json& object, std::initializer_list<std::string_view> names) {
    for (const auto& [key, value] : object.items()) {
        if (std::ranges::find(names, key) == names.end()) {
            std::string known;
            for (const std::string_view name : names) {
                known += (known.empty() ? "'" : ", '") + std::string(name) + "'";
            }
            throw Misfit{"unknown field " + shortened(key) + ", expected some of " + known};
        }
    }
}

std::string text(const Json& object, const std::string& field) {
    const auto found = object.find(field);
    if (found == object.end()) {
        throw Misfit{"'" + field + "' is missing"};
    }
    if (!found->is_string()) {
        misfit(field, "a text", *found);
    }
    return found->get<std::string>();
}

std::string short_text(const Json& object, const std::string& field) {
    std::string result = text(object, field);
    if (result.size() > kMaxNameBytes) {
        throw Misfit{"'" + field + "' has more than 128 bytes"};
    }
    return result;
}

std::vector<std::string> texts(const Json& value, const std::string& field) {
    std::vector<std::string> result;
    if (value.is_array() && value.size() > kMaxListed) {
        throw Misfit{"'" + field + "' has more than 64 elements"};
    }
    for (const Json& element : value.is_array() ? value : Json::array({value})) {
        if (!element.is_string()) {
            misfit(field, "a list of texts", value);
        }
        if (element.get_ref<const std::string&>().size() > kMaxNameBytes) {
            throw Misfit{"'" + field + "' has an element of more than 128 bytes"};
        }
        result.push_back(element.get<std::string>());
    }
    return result;
}

std::uint64_t count(const Json& object, const std::string& field) {
    const auto found = object.find(field);
    if (found == object.end()) {
        throw Misfit{"'" + field + "' is missing"};
    }
    if (!found->is_number_unsigned()) {
        misfit(field, "a whole number from 0 on", *found);
    }
    return found->get<std::uint64_t>();
}

std::vector<EventType> types(const Json& value) {
    std::vector<EventType> result;
    for (const std::string& name : texts(value, "types")) {
        const auto type = event_type_from(name);
        if (!type) {
            misfit("types", std::string("some of ") + kEventTypeNames, name);
        }
        result.push_back(*type);
    }
    return result;
}

std::chrono::milliseconds min_interval(const Json& object) {
    const std::uint64_t ms = count(object, "min_interval_ms");
    if (ms > kMaxIntervalMs) {
        misfit("min_interval_ms", "at most a day", ms);
    }
    return std::chrono::milliseconds(ms);
}

Overflow overflow(const std::string& name) {
    if (name == "drop_oldest") {
        return Overflow::DropOldest;
    }
    if (name == "latest_only") {
        return Overflow::LatestOnly;
    }
    if (name == "disconnect") {
        return Overflow::Disconnect;
    }
    misfit("on_overflow", "drop_oldest, latest_only or disconnect", name);
}

std::vector<Position> positions(const Json& value) {
    std::vector<Position> result;
    for (const Json& element : value.is_array() ? value : Json::array({value})) {
        if (!element.is_object()) {
            misfit("resume", "a list of objects", value);
        }
        only(element, {"epoch", "stream", "after_seq"});
        result.push_back({short_text(element, "epoch"), short_text(element, "stream"),
                          count(element, "after_seq")});
    }
    return result;
}

Subscribe subscribe(const Json& json) {
    only(json,
         {"type", "request_id", "streams", "types", "min_interval_ms", "on_overflow", "resume"});
    Subscribe command;
    if (json.contains("streams")) {
        command.streams = texts(json["streams"], "streams");
    }
    if (json.contains("types")) {
        command.types = types(json["types"]);
    }
    if (json.contains("min_interval_ms")) {
        command.min_interval = min_interval(json);
    }
    if (json.contains("on_overflow")) {
        command.on_overflow = overflow(text(json, "on_overflow"));
    }
    if (json.contains("resume")) {
        command.resume = positions(json["resume"]);
    }
    return command;
}

std::optional<ControlAction> control_action(std::string_view type) {
    for (const ControlAction action :
         {ControlAction::Pause, ControlAction::Resume, ControlAction::Object}) {
        if (type == to_text(action)) {
            return action;
        }
    }
    return std::nullopt;
}

ControlCommand control(ControlAction action, const Json& json) {
    ControlCommand command{.action = action, .streams = {}, .reason = {}};
    if (action == ControlAction::Resume) {
        only(json, {"type", "request_id", "streams", "reason", "lift_objection"});
        if (json.contains("lift_objection")) {
            if (!json["lift_objection"].is_boolean()) {
                misfit("lift_objection", "true or false", json["lift_objection"]);
            }
            command.lift_objection = json["lift_objection"].get<bool>();
        }
    } else {
        only(json, {"type", "request_id", "streams", "reason"});
    }
    if (!json.contains("streams")) {
        throw Misfit{"'streams' is missing"};
    }
    for (std::string& name : texts(json["streams"], "streams")) {
        if (std::ranges::find(command.streams, name) == command.streams.end()) {
            command.streams.push_back(std::move(name));
        }
    }
    if (command.streams.empty()) {
        throw Misfit{"'streams' names no stream"};
    }
    command.reason = text(json, "reason");
    if (command.reason.size() > kMaxReasonBytes) {
        throw Misfit{"'reason' has more than 500 bytes"};
    }
    if (command.reason.find_first_not_of(" \t\r\n") == std::string::npos) {
        throw Misfit{"'reason' is empty: it stands in the audit log"};
    }
    return command;
}

decltype(Command::body) body(const Json& json, const std::string& type) {
    if (type == "subscribe") {
        return subscribe(json);
    }
    if (type == "auth") {
        only(json, {"type", "request_id", "token"});
        return Auth{text(json, "token")};
    }
    if (const auto action = control_action(type)) {
        return control(*action, json);
    }
    only(json, {"type", "request_id"});
    if (type == "unsubscribe") {
        return Unsubscribe{};
    }
    if (type == "ping") {
        return Ping{};
    }
    return Close{};
}

bool is_command(std::string_view type) {
    constexpr std::string_view kTypes[]{"auth", "subscribe", "unsubscribe", "ping", "close"};
    return std::ranges::find(kTypes, type) != std::end(kTypes) || control_action(type);
}

/// Nothing where the text is no JSON, or nested too deeply.
std::optional<Json> parse(std::string_view text) {
    bool too_deep = false;
    Json json = Json::parse(
        text,
        [&](int depth, Json::parse_event_t, const Json&) {
            too_deep = too_deep || depth > kMaxDepth;
            return !too_deep;
        },
        false);
    if (too_deep || json.is_discarded()) {
        return std::nullopt;
    }
    return json;
}

}  // namespace

std::string_view to_text(ControlAction action) {
    switch (action) {
        case ControlAction::Pause: return "pause";
        case ControlAction::Resume: return "resume_analysis";
        case ControlAction::Object: break;
    }
    return "object";
}

std::variant<Command, CommandError> decode_command(std::string_view bytes) {
    const std::optional<Json> json = parse(bytes);
    if (!json || !json->is_object()) {
        return CommandError{{}, "bad_json", "expected a JSON object such as {\"type\":\"ping\"}"};
    }
    std::string request_id;
    try {
        if (json->contains("request_id")) {
            request_id = text(*json, "request_id");
            if (request_id.size() > kMaxRequestIdBytes) {
                request_id.clear();
                throw Misfit{"'request_id' has more than 128 bytes"};
            }
        }
        const std::string type = text(*json, "type");
        if (!is_command(type)) {
            return CommandError{request_id, "unknown_command",
                                "unknown type " + shortened(type) +
                                    ", expected auth, subscribe, unsubscribe, ping, close, "
                                    "pause, resume_analysis or object"};
        }
        return Command{request_id, body(*json, type)};
    } catch (const Misfit& error) {
        return CommandError{request_id, "bad_command", error.message};
    }
}

std::variant<Subscribe, CommandError> subscribe_from_query(
    const std::map<std::string, std::string>& query) {
    try {
        Json json = Json::object();
        for (const auto& [name, value] : query) {
            if (name == "streams" || name == "types") {
                std::istringstream in(value);
                Json& list = json[name] = Json::array();
                for (std::string element; std::getline(in, element, ',');) {
                    list.push_back(element);
                }
            } else if (name == "min_interval_ms") {
                std::uint64_t ms = 0;
                const auto [end, error] =
                    std::from_chars(value.data(), value.data() + value.size(), ms);
                const bool is_number = error == std::errc{} && end == value.data() + value.size();
                json[name] = is_number ? Json(ms) : Json(value);
            } else if (name == "on_overflow") {
                json[name] = value;
            } else {
                throw Misfit{"unknown parameter " + shortened(name) +
                             ", expected some of 'streams', 'types', 'min_interval_ms', "
                             "'on_overflow'"};
            }
        }
        return subscribe(json);
    } catch (const Misfit& error) {
        return CommandError{{}, "bad_request", error.message};
    }
}

}  // namespace emotiond::protocol
