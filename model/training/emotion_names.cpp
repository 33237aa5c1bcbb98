#include "model/training/emotion_names.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace emotiond::model {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 26> kNames{{
    {"neutral", "neutral"},
    {"neutrality", "neutral"},
    {"calm", "calm"},
    {"calmness", "calm"},
    {"happy", "happy"},
    {"happiness", "happy"},
    {"joy", "happy"},
    {"joyful", "happy"},
    {"sad", "sad"},
    {"sadness", "sad"},
    {"angry", "angry"},
    {"anger", "angry"},
    {"fearful", "fearful"},
    {"fear", "fearful"},
    {"afraid", "fearful"},
    {"scared", "fearful"},
    {"disgust", "disgust"},
    {"disgusted", "disgust"},
    {"surprised", "surprised"},
    {"surprise", "surprised"},
    {"pleasant_surprise", "surprised"},
    {"pleasant surprise", "surprised"},
    {"pleasant_surprised", "surprised"},
    {"ps", "surprised"},
    {"bored", "bored"},
    {"boredom", "bored"},
}};

bool is_upper(char letter) {
    return letter >= 'A' && letter <= 'Z';
}

bool is_lower(char letter) {
    return letter >= 'a' && letter <= 'z';
}

}  // namespace

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& letter : lower) {
        if (is_upper(letter)) {
            letter = static_cast<char>(letter - 'A' + 'a');
        }
    }
    return lower;
}

std::string_view canonical_emotion(std::string_view word) {
    const std::string lower = to_lower(word);
    const auto* const found = std::ranges::find(
        kNames, std::string_view(lower), &std::pair<std::string_view, std::string_view>::first);
    return found == kNames.end() ? std::string_view() : found->second;
}

std::vector<std::string_view> emotions_in_name(std::string_view name) {
    std::vector<std::string_view> found;
    for (std::size_t begin = 0; begin < name.size();) {
        std::size_t end = begin;
        while (end < name.size() && (is_lower(name[end]) || is_upper(name[end])) &&
               !(end > begin && is_lower(name[end - 1]) && is_upper(name[end]))) {
            ++end;
        }
        const std::string_view emotion = canonical_emotion(name.substr(begin, end - begin));
        if (!emotion.empty() && std::ranges::find(found, emotion) == found.end()) {
            found.push_back(emotion);
        }
        begin = std::max(end, begin + 1);
    }
    return found;
}

}  // namespace emotiond::model
