#include "tests/support/scripted_module.hpp"

#include <torch/script.h>

#include <sstream>

namespace emotiond::test {

std::string scripted_module(const std::string& source) {
    torch::jit::Module module("Scripted");
    module.define(source);
    std::ostringstream bytes;
    module.save(bytes);
    return bytes.str();
}

}  // namespace emotiond::test
