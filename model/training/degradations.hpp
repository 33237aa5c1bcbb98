#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/training/augmentation_bank.hpp"
#include "model/training/clip_features.hpp"

namespace emotiond::model {

/// What protocol P5 does to the recordings that are tested: noise at 20, 10 and 0 dB, a room, a
/// telephone line. The bank must outlive them; it should hold nothing that was trained with.
std::vector<std::pair<std::string, Degrade>> degradations(const AugmentationBank& bank);

}  // namespace emotiond::model
