#pragma once

#include <memory>

#include "model/classifier.hpp"

namespace emotiond::test {

/// The model that comes with the program, on the CPU.
inline std::shared_ptr<model::Classifier> bundled_classifier() {
    return std::make_shared<model::Classifier>(
        model::Bundle::load(EMOTIOND_SOURCE_DIR "/model/pretrained/default.safetensors"),
        model::Classifier::Options{"cpu", 1});
}

}  // namespace emotiond::test
