#include "model/training/file_name_codes.hpp"

#include <array>
#include <map>
#include <regex>

#include "model/training/emotion_names.hpp"

namespace emotiond::model {
namespace {

using CodeTable = std::map<std::string, std::string>;

std::optional<std::smatch> match(const std::string& text, const std::regex& form) {
    std::smatch parts;
    if (!std::regex_match(text, parts, form)) {
        return std::nullopt;
    }
    return parts;
}

/// The meaning of a code; where it has none, the clip gets a problem.
std::string decode(const CodeTable& table, const std::string& code, const char* what,
                   CodedClip& clip) {
    const auto found = table.find(code);
    if (found != table.end()) {
        return found->second;
    }
    if (clip.problem.empty()) {
        clip.problem = "unknown " + std::string(what) + " code '" + code + "'";
    }
    return "";
}

/// modality-channel-emotion-intensity-statement-repetition-actor
std::optional<CodedClip> read_ravdess(const std::filesystem::path& file) {
    static const std::regex kForm(R"((\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d))");
    static const CodeTable kModalities{
        {"01", "sound and picture"}, {"02", "picture"}, {"03", "sound"}};
    static const CodeTable kChannels{{"01", "speech"}, {"02", "song"}};
    static const CodeTable kEmotionCodes{{"01", "neutral"}, {"02", "calm"},     {"03", "happy"},
                                         {"04", "sad"},     {"05", "angry"},    {"06", "fearful"},
                                         {"07", "disgust"}, {"08", "surprised"}};
    static const CodeTable kIntensities{{"01", "normal"}, {"02", "strong"}};
    static const CodeTable kStatements{{"01", "kids"}, {"02", "dogs"}};
    static const CodeTable kRepetitions{{"01", "rep1"}, {"02", "rep2"}};
    const std::string stem = file.stem().string();
    const auto parts = match(stem, kForm);
    if (!parts) {
        return std::nullopt;
    }
    CodedClip clip;
    const std::string modality = decode(kModalities, (*parts)[1], "modality", clip);
    const std::string channel = decode(kChannels, (*parts)[2], "vocal channel", clip);
    clip.emotion = decode(kEmotionCodes, (*parts)[3], "emotion", clip);
    clip.intensity = decode(kIntensities, (*parts)[4], "intensity", clip);
    const std::string statement = decode(kStatements, (*parts)[5], "statement", clip);
    clip.utterance = statement + "_" + decode(kRepetitions, (*parts)[6], "repetition", clip);
    const int actor = std::stoi((*parts)[7]);
    if (actor < 1 || actor > 24) {
        clip.problem = "unknown actor '" + (*parts)[7].str() + "'";
    }
    clip.speaker = "ravdess_" + (*parts)[7].str();
    clip.sex = actor % 2 == 1 ? "male" : "female";
    clip.language = "en";
    if (modality == "picture") {
        clip.problem = "picture without sound (modality 02)";
    } else if (channel == "song") {
        clip.problem = "song, not speech (vocal channel 02)";
    }
    return clip;
}

/// actor_sentence_emotion_level; the level of one file in the corpus is "X".
std::optional<CodedClip> read_crema_d(const std::filesystem::path& file) {
    static const std::regex kForm("(1\\d{3})_([A-Z]{3})_([A-Z]{3})_([A-Z]{1,2})");
    static const CodeTable kEmotionCodes{{"ANG", "angry"}, {"DIS", "disgust"}, {"FEA", "fearful"},
                                         {"HAP", "happy"}, {"NEU", "neutral"}, {"SAD", "sad"}};
    static const CodeTable kLevels{
        {"LO", "low"}, {"MD", "medium"}, {"HI", "high"}, {"XX", ""}, {"X", ""}};
    const std::string stem = file.stem().string();
    const auto parts = match(stem, kForm);
    if (!parts) {
        return std::nullopt;
    }
    CodedClip clip;
    clip.speaker = "cremad_" + (*parts)[1].str();
    clip.utterance = (*parts)[2];
    clip.emotion = decode(kEmotionCodes, (*parts)[3], "emotion", clip);
    clip.intensity = decode(kLevels, (*parts)[4], "level", clip);
    clip.language = "en";
    return clip;
}

/// speaker, text, first letter of the German word, version
std::optional<CodedClip> read_emodb(const std::filesystem::path& file) {
    static const std::regex kForm(R"((\d\d)([ab]\d\d)([A-Z])([a-z]?))");
    static const CodeTable kEmotionCodes{{"W", "angry"},   {"L", "bored"}, {"E", "disgust"},
                                         {"A", "fearful"}, {"F", "happy"}, {"T", "sad"},
                                         {"N", "neutral"}};
    static const CodeTable kSexes{
        {"03", "male"}, {"08", "female"}, {"09", "female"}, {"10", "male"}, {"11", "male"},
        {"12", "male"}, {"13", "female"}, {"14", "female"}, {"15", "male"}, {"16", "female"}};
    const std::string stem = file.stem().string();
    const auto parts = match(stem, kForm);
    if (!parts) {
        return std::nullopt;
    }
    CodedClip clip;
    clip.speaker = "emodb_" + (*parts)[1].str();
    clip.sex = decode(kSexes, (*parts)[1], "speaker", clip);
    clip.utterance = (*parts)[2];
    clip.emotion = decode(kEmotionCodes, (*parts)[3], "emotion", clip);
    clip.language = "de";
    return clip;
}

/// speaker_word_emotion; copies of the corpus have "OA_bite_neutral.wav" for one of "OAF".
std::optional<CodedClip> read_tess(const std::filesystem::path& file) {
    static const std::regex kForm("(OAF?|YAF)_([A-Za-z]+)_([A-Za-z]+)");
    static const CodeTable kEmotionCodes{
        {"angry", "angry"},     {"disgust", "disgust"}, {"fear", "fearful"}, {"happy", "happy"},
        {"neutral", "neutral"}, {"ps", "surprised"},    {"sad", "sad"}};
    const std::string stem = file.stem().string();
    const auto parts = match(stem, kForm);
    if (!parts) {
        return std::nullopt;
    }
    CodedClip clip;
    clip.speaker = (*parts)[1] == "YAF" ? "tess_YAF" : "tess_OAF";
    clip.sex = "female";
    clip.utterance = to_lower((*parts)[2].str());
    clip.emotion = decode(kEmotionCodes, to_lower((*parts)[3].str()), "emotion", clip);
    clip.language = "en";
    return clip;
}

/// speaker_emotion+sentence, or the speaker as a folder
std::optional<CodedClip> read_savee(const std::filesystem::path& file) {
    static const std::regex kForm(R"((DC|JE|JK|KL)_([a-z]{1,2})(\d\d))");
    static const CodeTable kEmotionCodes{{"a", "angry"},     {"d", "disgust"}, {"f", "fearful"},
                                         {"h", "happy"},     {"n", "neutral"}, {"sa", "sad"},
                                         {"su", "surprised"}};
    const std::string in_folder =
        file.parent_path().filename().string() + "_" + file.stem().string();
    const std::string stem = file.stem().string();
    auto parts = match(stem, kForm);
    if (!parts) {
        parts = match(in_folder, kForm);
    }
    if (!parts) {
        return std::nullopt;
    }
    CodedClip clip;
    clip.speaker = "savee_" + (*parts)[1].str();
    clip.sex = "male";
    clip.utterance = (*parts)[2].str() + (*parts)[3].str();
    clip.emotion = decode(kEmotionCodes, (*parts)[2], "emotion", clip);
    clip.language = "en";
    return clip;
}

constexpr std::array<FileNameCode, 5> kCodes{{
    {"RAVDESS", "03-01-06-01-02-01-12.wav", read_ravdess},
    {"CREMA-D", "1001_DFA_ANG_XX.wav", read_crema_d},
    {"EmoDB", "03a01Fa.wav", read_emodb},
    {"TESS", "OAF_back_angry.wav", read_tess},
    {"SAVEE", "DC_a01.wav or DC/a01.wav", read_savee},
}};

}  // namespace

std::span<const FileNameCode> file_name_codes() {
    return kCodes;
}

}  // namespace emotiond::model
