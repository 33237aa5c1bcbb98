#include "model/device_name.hpp"

#include <charconv>
#include <stdexcept>
#include <system_error>

namespace emotiond::model {

DeviceName parse_device(const std::string& name) {
    if (name == "auto" || name == "cpu") {
        return {name == "auto", false, 0};
    }
    if (name == "cuda") {
        return {false, true, 0};
    }
    const std::string prefix = "cuda:";
    DeviceName device{false, true, 0};
    const char* end = name.data() + name.size();
    if (name.starts_with(prefix) && name.size() > prefix.size()) {
        const auto [stopped, error] =
            std::from_chars(name.data() + prefix.size(), end, device.index);
        if (error == std::errc{} && stopped == end && device.index >= 0 && device.index < 128) {
            return device;
        }
    }
    throw std::runtime_error("device must be auto, cpu, cuda or cuda:<n>, got '" + name + "'");
}

}  // namespace emotiond::model
