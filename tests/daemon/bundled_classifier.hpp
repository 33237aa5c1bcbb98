#pragma once

#include "model/classifier.hpp"

namespace emotiond::test {

/// The model that comes with the program, on the CPU.
inline model::Classifier bundled_classifier() {
    return {model::Bundle::load(EMOTIOND_SOURCE_DIR "/model/pretrained/default.safetensors"),
            {"cpu", 1}};
}

}  // namespace emotiond::test
