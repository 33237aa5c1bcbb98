#include "model/bundle.hpp"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <stdexcept>
#include <utility>

#include "dsp/feature_extractor.hpp"
#include "model/feature_spec_json.hpp"
#include "model/labels.hpp"

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");

namespace emotiond::model {
namespace {

using nlohmann::ordered_json;

constexpr const char* kFormat = "emotiond-bundle";
constexpr const char* kModule = "torchscript";  // the one entry of bytes
constexpr const char* kVoice = "voice.";        // the beginning of the detector's tensors
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 31;
constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{1} << 24;
constexpr std::size_t kMaxDimensions = 8;

std::string sha256_hex(std::initializer_list<std::string_view> parts) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    bool ok = context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1;
    for (const std::string_view part : parts) {
        ok = ok && EVP_DigestUpdate(context, part.data(), part.size()) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(context, digest.data(), &size) == 1;
    EVP_MD_CTX_free(context);
    if (!ok) {
        throw std::runtime_error("SHA-256 failed in OpenSSL");
    }
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
        constexpr const char* kDigits = "0123456789abcdef";
        hex += kDigits[digest[i] >> 4];
        hex += kDigits[digest[i] & 15];
    }
    return hex;
}

/// The first row of a fixed signal that has all before it that it depends on of other rows but for
/// deltas, by this build. A bundle remembers the row that it was trained with, so that a change of
/// the feature code cannot pass unnoticed behind equal specifications.
std::vector<float> probe_row(const dsp::FeatureSpec& spec) {
    // No more than that row waits for: a specification from outside may ask for long rows.
    std::size_t passed_over = spec.lookbehind_rows() - spec.lookahead_rows();
    const std::size_t rows = 2 * spec.lookahead_rows() + 1 + passed_over;
    std::vector<float> samples(static_cast<std::size_t>(spec.frame_samples) +
                               spec.lookahead_samples() +
                               rows * static_cast<std::size_t>(spec.hop_samples));
    std::uint32_t noise = 1;
    for (float& sample : samples) {
        noise = noise * 1664525U + 1013904223U;
        sample = static_cast<float>(noise >> 8) / static_cast<float>(1U << 24) - 0.5F;
    }
    dsp::FeatureExtractor extractor(spec);
    std::vector<float> probe;
    const auto keep_one = [&](std::span<const float> row) {
        if (passed_over > 0) {
            --passed_over;
        } else if (probe.empty()) {
            probe.assign(row.begin(), row.end());
        }
    };
    extractor.push(samples, keep_one);
    extractor.finish(keep_one);
    return probe;
}

/// Discarded where it is no JSON, or nested deeper than any header of ours: a parser, and even more
/// the writer, would go as deep.
ordered_json parse_json(std::string_view text) {
    constexpr int kMaxDepth = 16;
    bool too_deep = false;
    ordered_json json = ordered_json::parse(
        text,
        [&too_deep](int depth, ordered_json::parse_event_t, ordered_json&) {
            too_deep = too_deep || depth > kMaxDepth;
            return !too_deep;
        },
        false);
    return too_deep ? ordered_json(ordered_json::value_t::discarded) : json;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
    throw std::runtime_error("model bundle " + path.string() + ": " + why);
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    if (!in) {
        refuse(path, "cannot be opened");
    }
    const auto size = static_cast<std::uint64_t>(in.tellg());
    if (size > kMaxFileBytes) {
        refuse(path, "is larger than " + std::to_string(kMaxFileBytes) + " bytes");
    }
    std::string bytes(size, '\0');
    in.seekg(0);
    in.read(bytes.data(), static_cast<std::streamsize>(size));
    if (!in) {
        refuse(path, "cannot be read");
    }
    return bytes;
}

/// The bytes that an entry of the header speaks of; throws std::runtime_error where it does not fit
/// the data.
std::string_view bytes_of(const ordered_json& entry, std::uint64_t size, std::string_view data) {
    const auto offsets = entry.at("data_offsets").get<std::array<std::uint64_t, 2>>();
    if (offsets[0] > offsets[1] || offsets[1] > data.size() || offsets[1] - offsets[0] != size) {
        throw std::runtime_error("does not fit the data: " + entry.dump());
    }
    return data.substr(offsets[0], size);
}

std::string read_module(const ordered_json& entry, std::string_view data) {
    const auto shape = entry.at("shape").get<std::vector<std::uint64_t>>();
    if (entry.at("dtype") != "U8" || shape.size() != 1) {
        throw std::runtime_error("is not a row of bytes: " + entry.dump());
    }
    return std::string(bytes_of(entry, shape[0], data));
}

/// Reads one entry of the header; throws std::runtime_error where it does not fit the data.
Tensor read_tensor(const ordered_json& entry, std::string_view data) {
    if (entry.at("dtype") != "F32") {
        throw std::runtime_error("has dtype " + entry.at("dtype").dump() + ", expected \"F32\"");
    }
    Tensor tensor;
    tensor.shape = entry.at("shape").get<std::vector<std::int64_t>>();
    if (tensor.shape.size() > kMaxDimensions) {
        throw std::runtime_error("has too many dimensions");
    }
    std::uint64_t count = 1;
    for (const std::int64_t extent : tensor.shape) {
        if (extent < 1 || static_cast<std::uint64_t>(extent) > kMaxFileBytes / count) {
            throw std::runtime_error("has an impossible shape " + entry.at("shape").dump());
        }
        count *= static_cast<std::uint64_t>(extent);
    }
    const std::string_view bytes = bytes_of(entry, count * sizeof(float), data);
    tensor.values.resize(count);
    std::memcpy(tensor.values.data(), bytes.data(), bytes.size());
    return tensor;
}

std::map<std::string, Tensor> tensors_of(const dsp::VoiceDetector::Weights& weights) {
    const auto features = static_cast<std::int64_t>(weights.num_features);
    const auto units = static_cast<std::int64_t>(weights.num_units);
    const std::string voice = kVoice;
    return {{voice + "input.bias", {{3 * units}, weights.input_bias}},
            {voice + "input.weight", {{3 * units, features}, weights.input}},
            {voice + "output.bias", {{1}, {weights.output_bias}}},
            {voice + "output.weight", {{1, units}, weights.output}},
            {voice + "recurrent.bias", {{3 * units}, weights.recurrent_bias}},
            {voice + "recurrent.weight", {{3 * units, units}, weights.recurrent}}};
}

/// Takes the tensors of the detector out of those of the network.
dsp::VoiceDetector::Weights take_voice_weights(std::map<std::string, Tensor>& tensors) {
    const auto take = [&](const char* name) {
        auto node = tensors.extract(std::string(kVoice) + name);
        if (node.empty()) {
            throw std::runtime_error("tensor " + std::string(kVoice) + name + " is missing");
        }
        return std::move(node.mapped());
    };
    Tensor input = take("input.weight");
    dsp::VoiceDetector::Weights weights;
    weights.num_features = input.shape.empty() ? 0 : static_cast<std::size_t>(input.shape.back());
    weights.input = std::move(input.values);
    weights.input_bias = take("input.bias").values;
    weights.recurrent = take("recurrent.weight").values;
    weights.recurrent_bias = take("recurrent.bias").values;
    weights.output = take("output.weight").values;
    weights.num_units = weights.output.size();
    weights.output_bias = take("output.bias").values.front();
    return weights;
}

void require_same_features(const Bundle& bundle, const std::vector<float>& trained_row) {
    const std::vector<float> row = probe_row(bundle.features);
    float largest = 0.0F;
    for (std::size_t i = 0; i < row.size() && i < trained_row.size(); ++i) {
        largest = std::max(largest, std::abs(row[i] - trained_row[i]));
    }
    constexpr float kTolerance = 2e-2F;
    if (row.size() != trained_row.size() || !(largest < kTolerance)) {
        throw std::runtime_error(
            "was trained on other features than this build computes: " +
            std::to_string(trained_row.size()) + " against " + std::to_string(row.size()) +
            " per row, largest difference " + std::to_string(largest) +
            " on the probe; its specification: " + to_json(bundle.features).dump() +
            "; this build's answer to it: " + ordered_json(row).dump());
    }
}

}  // namespace

std::size_t Bundle::num_parameters() const {
    std::size_t count = 0;
    for (const auto& [tensor_name, tensor] : tensors) {
        count += tensor.values.size();
    }
    return count;
}

void Bundle::validate() const {
    if (labels.empty() || !(temperature > 0.0F) || !std::isfinite(temperature)) {
        throw std::runtime_error("needs labels and a temperature above 0");
    }
    std::set<std::string_view> known{"", kNoSpeechLabel};
    for (const std::string& label : labels) {
        if (!known.insert(label).second) {
            throw std::runtime_error("needs labels that differ and are not '" +
                                     std::string(kNoSpeechLabel) + "', got '" + label + "'");
        }
    }
    if (!(uncertain_below >= 0.0F && uncertain_below <= 1.0F)) {
        throw std::runtime_error("needs uncertain_below from 0 to 1, got " +
                                 std::to_string(uncertain_below));
    }
    if (voice) {
        try {
            voice->weights.validate();
        } catch (const std::invalid_argument& error) {
            throw std::runtime_error(error.what());
        }
        if (voice->weights.num_features != features.num_features()) {
            throw std::runtime_error(
                "has a voice detector for rows of " + std::to_string(voice->weights.num_features) +
                " features, its own have " + std::to_string(features.num_features()));
        }
    }
}

void Bundle::save(const std::filesystem::path& path) {
    ordered_json index;
    std::string data;
    const auto append = [&](const std::map<std::string, Tensor>& some) {
        for (const auto& [tensor_name, tensor] : some) {
            const std::size_t begin = data.size();
            data.append(reinterpret_cast<const char*>(tensor.values.data()),
                        tensor.values.size() * sizeof(float));
            index[tensor_name] = {
                {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
        }
    };
    append(tensors);
    if (voice) {
        append(tensors_of(voice->weights));
    }
    if (!torchscript.empty()) {
        const std::size_t begin = data.size();
        data += torchscript;
        index[kModule] = {{"dtype", "U8"},
                          {"shape", {torchscript.size()}},
                          {"data_offsets", {begin, data.size()}}};
    }
    ordered_json manifest{{"name", name},
                          {"labels", labels},
                          {"features", model::to_json(features)},
                          {"features_probe", probe_row(features)},
                          {"network", network},
                          {"temperature", temperature},
                          {"uncertain_below", uncertain_below},
                          {"training_data", training_data},
                          {"licence", licence},
                          {"metrics", metrics}};
    if (voice) {
        manifest["voice"] = {{"kind", "gru"},
                             {"units", voice->weights.num_units},
                             {"training_data", voice->training_data},
                             {"metrics", voice->metrics}};
    }
    // safetensors allows text only in its metadata, so the manifest is JSON inside JSON.
    const std::string manifest_text = manifest.dump();
    const std::string digest = sha256_hex({manifest_text, index.dump(), data});
    ordered_json header;
    header["__metadata__"] = {
        {"format", kFormat},
        {"version", std::to_string(voice ? kFormatVersion : kFormatVersionWithoutVoice)},
        {"sha256", digest},
        {"manifest", manifest_text}};
    for (const auto& [tensor_name, entry] : index.items()) {
        header[tensor_name] = entry;
    }
    std::string header_text = header.dump();
    header_text.resize((header_text.size() + 7) / 8 * 8, ' ');
    const std::uint64_t header_size = header_text.size();

    const std::filesystem::path beside = path.string() + ".part";
    {
        std::ofstream out(beside, std::ios::binary);
        out.write(reinterpret_cast<const char*>(&header_size), sizeof header_size);
        out << header_text << data;
        out.flush();
        if (!out) {
            refuse(beside, "cannot be written");
        }
    }
    std::filesystem::rename(beside, path);
    id = name + "-" + digest.substr(0, 8);
}

Bundle Bundle::load(const std::filesystem::path& path) {
    const std::string bytes = read_file(path);
    std::uint64_t header_size = 0;
    if (bytes.size() < sizeof header_size) {
        refuse(path, "is truncated: " + std::to_string(bytes.size()) + " bytes");
    }
    std::memcpy(&header_size, bytes.data(), sizeof header_size);
    if (header_size > kMaxHeaderBytes || bytes.size() <= sizeof header_size ||
        bytes[sizeof header_size] != '{') {
        refuse(path, "is not a model bundle (safetensors)");
    }
    if (header_size > bytes.size() - sizeof header_size) {
        refuse(path, "is truncated: its header has " + std::to_string(header_size) +
                         " bytes, the file " + std::to_string(bytes.size()));
    }
    const std::string_view header_text(bytes.data() + sizeof header_size, header_size);
    const std::string_view data = std::string_view(bytes).substr(sizeof header_size + header_size);

    ordered_json header = parse_json(header_text);
    if (header.is_discarded() || !header.is_object()) {
        refuse(path, "is damaged: its header is not JSON");
    }
    const ordered_json metadata = header.value("__metadata__", ordered_json::object());
    header.erase("__metadata__");
    const auto text = [&](const char* key) {
        const auto found = metadata.find(key);
        return found != metadata.end() && found->is_string() ? found->get<std::string>() : "";
    };
    if (text("format") != kFormat) {
        refuse(path, "is a safetensors file, but not a model bundle of emotiond");
    }
    const bool has_voice = text("version") == std::to_string(kFormatVersion);
    if (!has_voice && text("version") != std::to_string(kFormatVersionWithoutVoice)) {
        refuse(path, "has format version " + text("version") + ", this build reads versions " +
                         std::to_string(kFormatVersionWithoutVoice) + " and " +
                         std::to_string(kFormatVersion));
    }
    const std::string manifest_text = text("manifest");
    std::uint64_t data_size = 0;
    for (const auto& [tensor_name, entry] : header.items()) {
        if (entry.is_object() && entry.contains("data_offsets") &&
            entry["data_offsets"].is_array() && entry["data_offsets"].size() == 2 &&
            entry["data_offsets"][1].is_number_unsigned()) {
            data_size = std::max(data_size, entry["data_offsets"][1].get<std::uint64_t>());
        }
    }
    if (data.size() < data_size) {
        refuse(path, "is truncated: its tensors need " + std::to_string(data_size) +
                         " bytes, it holds " + std::to_string(data.size()));
    }
    const std::string digest = sha256_hex({manifest_text, header.dump(), data});
    if (digest != text("sha256")) {
        refuse(path,
               "is damaged: SHA-256 of its content is " + digest + ", expected " + text("sha256"));
    }

    Bundle bundle;
    try {
        const ordered_json manifest = parse_json(manifest_text);
        if (!manifest.is_object()) {
            throw std::runtime_error("its manifest is not JSON");
        }
        bundle.name = manifest.at("name").get<std::string>();
        bundle.labels = manifest.at("labels").get<std::vector<std::string>>();
        bundle.features = feature_spec_from_json(manifest.at("features"));
        bundle.network = manifest.at("network");
        bundle.temperature = manifest.at("temperature").get<float>();
        bundle.uncertain_below = manifest.at("uncertain_below").get<float>();
        bundle.training_data = manifest.at("training_data").get<std::vector<std::string>>();
        bundle.licence = manifest.at("licence").get<std::string>();
        bundle.metrics = manifest.at("metrics");
        for (const auto& [tensor_name, entry] : header.items()) {
            try {
                if (tensor_name == kModule) {
                    bundle.torchscript = read_module(entry, data);
                } else {
                    bundle.tensors[tensor_name] = read_tensor(entry, data);
                }
            } catch (const std::exception& error) {
                throw std::runtime_error("tensor " + tensor_name + " " + error.what());
            }
        }
        if (has_voice) {
            const ordered_json& voice = manifest.at("voice");
            if (voice.at("kind") != "gru") {
                throw std::runtime_error("has a voice detector of kind " + voice.at("kind").dump() +
                                         ", this build knows \"gru\"");
            }
            bundle.voice = {take_voice_weights(bundle.tensors),
                            voice.at("training_data").get<std::vector<std::string>>(),
                            voice.at("metrics")};
        }
        bundle.validate();
        require_same_features(bundle, manifest.at("features_probe").get<std::vector<float>>());
    } catch (const std::exception& error) {
        refuse(path, error.what());
    }
    bundle.id = bundle.name + "-" + digest.substr(0, 8);
    return bundle;
}

}  // namespace emotiond::model
