#pragma once

#include <array>
#include <string_view>

namespace emotiond::model {

/// The eight emotions of RAVDESS, in the order of its codes 01 to 08.
inline constexpr std::array<std::string_view, 8> kEmotions{
    "neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"};

/// Stands where a label does for a window that holds no speech. No bundle may have a label so
/// named.
inline constexpr std::string_view kNoSpeechLabel = "no_speech";

}  // namespace emotiond::model
