#include "model/bundle_spec.hpp"

#include <fstream>
#include <stdexcept>

#include "model/feature_spec_json.hpp"

namespace emotiond::model {
namespace {

using nlohmann::ordered_json;

/// Leaves the member as it is where the JSON has none of that name.
template <typename Member>
void read(const ordered_json& json, const char* name, Member& member) {
    const auto found = json.find(name);
    if (found == json.end()) {
        return;
    }
    try {
        member = found->template get<Member>();
    } catch (const ordered_json::exception&) {
        throw std::runtime_error(std::string(name) + " has the wrong type: " + found->dump());
    }
}

dsp::FeatureSpec read_features(const ordered_json& json) {
    ordered_json members = to_json(dsp::FeatureSpec{});
    if (!json.is_object()) {
        throw std::runtime_error("features must be an object, got " + json.dump());
    }
    for (const auto& [name, value] : json.items()) {
        if (!members.contains(name)) {
            throw std::runtime_error("features have no '" + name + "' (docs/features.md)");
        }
        members[name] = value;
    }
    return feature_spec_from_json(members);
}

}  // namespace

Bundle read_bundle_spec(const std::filesystem::path& path) {
    try {
        std::ifstream in(path);
        if (!in) {
            throw std::runtime_error("cannot be opened");
        }
        const ordered_json json = ordered_json::parse(in);
        if (!json.is_object()) {
            throw std::runtime_error("must be an object");
        }
        const ordered_json known{{"name", 0},          {"labels", 0},          {"features", 0},
                                 {"temperature", 0},   {"uncertain_below", 0}, {"licence", 0},
                                 {"training_data", 0}, {"metrics", 0}};
        for (const auto& [name, value] : json.items()) {
            if (!known.contains(name)) {
                throw std::runtime_error("'" + name + "' is not known");
            }
        }
        Bundle bundle;
        read(json, "name", bundle.name);
        read(json, "labels", bundle.labels);
        read(json, "temperature", bundle.temperature);
        read(json, "uncertain_below", bundle.uncertain_below);
        read(json, "licence", bundle.licence);
        read(json, "training_data", bundle.training_data);
        read(json, "metrics", bundle.metrics);
        bundle.features = read_features(json.value("features", ordered_json::object()));
        return bundle;
    } catch (const std::exception& error) {
        throw std::runtime_error("specification " + path.string() + ": " + error.what());
    }
}

}  // namespace emotiond::model
