#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace emotiond::model {

/// The name that this program has for an emotion: "fearful" for "Fear", "surprised" for "ps".
/// Any case; empty where the word is none of them.
std::string_view canonical_emotion(std::string_view word);

/// The different emotions that the words of a name tell, by their canonical names: "sad" of
/// "OAF_Sad", "1-sadness" and "sad01"; none of "Actor_01". Words are runs of letters, and begin
/// anew where an upper-case letter follows a lower-case one.
std::vector<std::string_view> emotions_in_name(std::string_view name);

/// ASCII letters in lower case, the rest as it is.
std::string to_lower(std::string_view text);

}  // namespace emotiond::model
