#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/files.hpp"

namespace emotiond::test {

/// An empty folder for the running test.
inline std::filesystem::path scratch_folder() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    const auto path = std::filesystem::path(testing::TempDir()) /
                      (std::string("emotiond-") + info->test_suite_name() + "-" + info->name());
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
    return path;
}

inline std::string clip(const std::string& name) {
    return std::string(EMOTIOND_SOURCE_DIR) + "/tests/data/clips/" + name;
}

inline std::string bundled_model() {
    return EMOTIOND_SOURCE_DIR "/model/pretrained/default.safetensors";
}

}  // namespace emotiond::test
