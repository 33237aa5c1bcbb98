#pragma once

#include <nlohmann/json.hpp>

#include "dsp/feature_spec.hpp"

namespace emotiond::model {

/// Every member by its name, enumerators in snake_case.
nlohmann::ordered_json to_json(const dsp::FeatureSpec& spec);

/// Members that the first bundles did not have yet may be missing and have their defaults then.
/// Throws std::runtime_error for any other missing, an unknown or ill-typed member,
/// std::invalid_argument from FeatureSpec::validate.
dsp::FeatureSpec feature_spec_from_json(const nlohmann::ordered_json& json);

}  // namespace emotiond::model
