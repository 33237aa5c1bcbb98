#pragma once

#include <string>

namespace emotiond::model {

/// Which device a name means: "auto", "cpu", "cuda" or "cuda:<n>".
struct DeviceName {
    bool automatic = false;
    bool cuda = false;  ///< asked for by name
    int index = 0;
};
/// Throws std::runtime_error for any other name.
DeviceName parse_device(const std::string& name);

}  // namespace emotiond::model
