#include "tests/support/scripted_module.hpp"

#include <torch/script.h>

#include <sstream>

namespace emotiond::test {

std::string scripted_module(const std::string& source, bool has_mode) {
    torch::jit::Module module("Scripted");
    if (has_mode) {
        module.register_attribute("training", c10::BoolType::get(), true);
    }
    module.define(source);
    std::ostringstream bytes;
    module.save(bytes);
    return bytes.str();
}

}  // namespace emotiond::test
