#include "model/bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>

#include "tests/dsp/signals.hpp"
#include "tests/model/scratch.hpp"

namespace emotiond::model {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using namespace std::string_literals;

Bundle small_bundle() {
    Bundle bundle;
    bundle.name = "test";
    bundle.labels = {"neutral", "angry"};
    bundle.features.num_mels = 20;
    bundle.network = {{"kind", "none"}};
    bundle.temperature = 1.5F;
    bundle.uncertain_below = 0.25F;
    bundle.training_data = {"nothing (CC0-1.0)"};
    bundle.licence = "CC0-1.0";
    bundle.metrics = {{"ua", 0.5}};
    bundle.tensors["a"] = {{2, 3}, {1, 2, 3, 4, 5, 6}};
    bundle.tensors["b"] = {{1}, {-0.5F}};
    return bundle;
}

std::string complaint(const std::filesystem::path& path) {
    try {
        Bundle::load(path);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

/// A file of the format with this text put in place of another.
std::string replaced(std::string bytes, const std::string& from, const std::string& to) {
    const std::size_t at = bytes.find(from);
    EXPECT_NE(at, std::string::npos);
    EXPECT_EQ(from.size(), to.size());
    return bytes.replace(at, from.size(), to);
}

TEST(Bundle, ComesBackAsItWasSaved) {
    const auto path = test::scratch_folder() / "a.safetensors";
    Bundle saved = small_bundle();
    saved.save(path);
    const Bundle loaded = Bundle::load(path);
    EXPECT_EQ(loaded.name, saved.name);
    EXPECT_EQ(loaded.labels, saved.labels);
    EXPECT_EQ(loaded.features, saved.features);
    EXPECT_EQ(loaded.network, saved.network);
    EXPECT_EQ(loaded.temperature, saved.temperature);
    EXPECT_EQ(loaded.uncertain_below, saved.uncertain_below);
    EXPECT_EQ(loaded.torchscript, "");
    EXPECT_EQ(loaded.training_data, saved.training_data);
    EXPECT_EQ(loaded.licence, saved.licence);
    EXPECT_EQ(loaded.metrics, saved.metrics);
    ASSERT_EQ(loaded.tensors.size(), 2U);
    EXPECT_EQ(loaded.tensors.at("a").shape, saved.tensors.at("a").shape);
    EXPECT_EQ(loaded.tensors.at("a").values, saved.tensors.at("a").values);
    EXPECT_EQ(loaded.id, saved.id);
    EXPECT_THAT(loaded.id, testing::MatchesRegex("test-[0-9a-f]{8}"));
}

TEST(Bundle, ComesBackWithEveryFeatureThereIs) {
    const auto path = test::scratch_folder() / "a.safetensors";
    Bundle saved = small_bundle();
    saved.features = test::with_all_features(saved.features);
    saved.features.delta_order = 2;
    saved.save(path);
    EXPECT_EQ(Bundle::load(path).features, saved.features);
}

Bundle bundle_with_voice() {
    Bundle bundle = small_bundle();
    VoiceModel& voice = bundle.voice.emplace();
    voice.weights.num_features = bundle.features.num_features();
    voice.weights.num_units = 8;
    voice.weights.input.assign(24 * voice.weights.num_features, 0.25F);
    voice.weights.input_bias.assign(24, 0.5F);
    voice.weights.recurrent.assign(24 * 8, -0.25F);
    voice.weights.recurrent_bias.assign(24, -0.5F);
    voice.weights.output.assign(8, 2.0F);
    voice.weights.output_bias = -1.0F;
    voice.training_data = {"somebody (CC0-1.0)"};
    voice.metrics = {{"auroc", 0.75}};
    return bundle;
}

TEST(Bundle, CarriesAVoiceDetectorBesideTheNetwork) {
    const auto path = test::scratch_folder() / "a.safetensors";
    Bundle saved = bundle_with_voice();
    saved.save(path);
    const Bundle loaded = Bundle::load(path);
    ASSERT_TRUE(loaded.voice);
    EXPECT_EQ(loaded.voice->weights, saved.voice->weights);
    EXPECT_EQ(loaded.voice->training_data, saved.voice->training_data);
    EXPECT_EQ(loaded.voice->metrics, saved.voice->metrics);
    EXPECT_EQ(loaded.voice_weights(), &loaded.voice->weights);
    EXPECT_EQ(loaded.tensors.size(), 2U);
    EXPECT_EQ(loaded.tensors.at("a").values, saved.tensors.at("a").values);
    EXPECT_EQ(loaded.num_parameters(), small_bundle().num_parameters());
    EXPECT_EQ(loaded.id, saved.id);
}

TEST(Bundle, WithoutAVoiceDetectorIsWhatEarlierBuildsRead) {
    const auto folder = test::scratch_folder();
    Bundle without = small_bundle();
    without.save(folder / "a");
    EXPECT_EQ(Bundle::load(folder / "a").voice_weights(), nullptr);
    EXPECT_THAT(test::read_bytes(folder / "a"), HasSubstr(R"("version":"2")"));
    Bundle with = bundle_with_voice();
    with.save(folder / "b");
    EXPECT_THAT(test::read_bytes(folder / "b"), HasSubstr(R"("version":"3")"));
}

TEST(Bundle, RefusesAVoiceDetectorThatDoesNotFit) {
    const auto path = test::scratch_folder() / "a.safetensors";
    Bundle bundle = bundle_with_voice();
    bundle.features.num_coeffs = 12;
    bundle.save(path);
    EXPECT_THAT(complaint(path), HasSubstr("has a voice detector for rows of 13 features, its own "
                                           "have 12"));
    bundle = bundle_with_voice();
    bundle.voice->weights.recurrent.pop_back();
    EXPECT_THROW(bundle.validate(), std::runtime_error);
}

TEST(Bundle, CarriesTheBytesOfATorchScriptModule) {
    const auto folder = test::scratch_folder();
    Bundle saved = small_bundle();
    saved.tensors.clear();
    saved.torchscript = "PK\0\xff any bytes, an odd number"s;
    ASSERT_EQ(saved.torchscript.size() % 2, 1U);
    saved.save(folder / "a");
    const Bundle loaded = Bundle::load(folder / "a");
    EXPECT_EQ(loaded.torchscript, saved.torchscript);
    EXPECT_TRUE(loaded.tensors.empty());
    EXPECT_EQ(loaded.id, saved.id);
    EXPECT_EQ(loaded.num_parameters(), 0U);

    const std::string whole = test::read_bytes(folder / "a");
    for (std::size_t behind_end = 1; behind_end <= saved.torchscript.size(); ++behind_end) {
        std::string damaged = whole;
        damaged[whole.size() - behind_end] ^= 4;
        test::write_bytes(folder / "damaged", damaged);
        EXPECT_THAT(complaint(folder / "damaged"), HasSubstr("is damaged: SHA-256"));
    }
    test::write_bytes(folder / "cut", whole.substr(0, whole.size() - 1));
    EXPECT_THAT(complaint(folder / "cut"), HasSubstr("is truncated"));

    saved.torchscript.back() ^= 4;
    saved.save(folder / "b");
    EXPECT_NE(saved.id, loaded.id);
}

TEST(Bundle, TheIdChangesWithTheContent) {
    const auto folder = test::scratch_folder();
    Bundle one = small_bundle();
    Bundle other = small_bundle();
    other.tensors["b"].values[0] = 0.5F;
    one.save(folder / "1");
    other.save(folder / "2");
    EXPECT_NE(one.id, other.id);
}

TEST(Bundle, EveryTruncationIsRefused) {
    const auto folder = test::scratch_folder();
    small_bundle().save(folder / "a");
    const std::string whole = test::read_bytes(folder / "a");
    for (std::size_t size = 0; size < whole.size(); size += 7) {
        test::write_bytes(folder / "cut", whole.substr(0, size));
        EXPECT_THAT(complaint(folder / "cut"),
                    AllOf(HasSubstr("cut"),
                          AnyOf(HasSubstr("is truncated"), HasSubstr("is not a model bundle"))))
            << size << " of " << whole.size() << " bytes";
    }
}

TEST(Bundle, EveryFlippedBitIsRefused) {
    const auto folder = test::scratch_folder();
    small_bundle().save(folder / "a");
    const std::string whole = test::read_bytes(folder / "a");
    // The header's padding is white space that says nothing; all else is watched.
    for (std::size_t at = 0; at < whole.size(); at += 3) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 4);
        if (whole[at] == ' ') {
            continue;
        }
        test::write_bytes(folder / "damaged", damaged);
        EXPECT_NE(complaint(folder / "damaged"), "") << "byte " << at << " '" << whole[at] << "'";
    }
}

TEST(Bundle, AnotherFormatVersionIsNamed) {
    const auto folder = test::scratch_folder();
    small_bundle().save(folder / "a");
    test::write_bytes(folder / "b", replaced(test::read_bytes(folder / "a"), R"("version":"2")",
                                             R"("version":"7")"));
    EXPECT_THAT(complaint(folder / "b"),
                HasSubstr("has format version 7, this build reads versions 2 and 3"));
}

TEST(Bundle, AnotherSafetensorsFileIsNamedAsSuch) {
    const auto path = test::scratch_folder() / "other";
    const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}      )";
    std::string bytes(8, '\0');
    bytes[0] = static_cast<char>(header.size());
    test::write_bytes(path, bytes + header + std::string(4, '\0'));
    EXPECT_THAT(complaint(path), HasSubstr("not a model bundle of emotiond"));
}

/// The bundle in `bytes` with another manifest, signed anew: what another build might have written.
std::string with_manifest(const std::string& bytes,
                          const std::function<void(nlohmann::ordered_json&)>& change) {
    using nlohmann::ordered_json;
    std::uint64_t header_size = 0;
    std::memcpy(&header_size, bytes.data(), sizeof header_size);
    ordered_json header = ordered_json::parse(bytes.substr(8, header_size));
    const std::string data = bytes.substr(8 + header_size);
    ordered_json metadata = header["__metadata__"];
    ordered_json index = header;
    index.erase("__metadata__");

    ordered_json manifest = ordered_json::parse(metadata["manifest"].get<std::string>());
    change(manifest);
    const std::string signed_text = manifest.dump() + index.dump() + data;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), digest);
    std::string hex;
    for (const unsigned char byte : digest) {
        char text[3];
        std::snprintf(text, sizeof text, "%02x", byte);
        hex += text;
    }
    header["__metadata__"]["manifest"] = manifest.dump();
    header["__metadata__"]["sha256"] = hex;
    const std::string header_text = header.dump();
    header_size = header_text.size();
    return std::string(reinterpret_cast<const char*>(&header_size), sizeof header_size) +
           header_text + data;
}

TEST(Bundle, FeaturesThatThisBuildComputesOtherwiseAreRefusedWithTheSpecification) {
    const auto folder = test::scratch_folder();
    small_bundle().save(folder / "a");
    const std::string bytes = test::read_bytes(folder / "a");
    test::write_bytes(folder / "same", with_manifest(bytes, [](auto&) {}));
    EXPECT_EQ(complaint(folder / "same"), "");
    // As if "pre_emphasis" had meant something else when the rows of the probe were made.
    test::write_bytes(folder / "other", with_manifest(bytes, [](auto& manifest) {
                          manifest["features"]["pre_emphasis"] = 0.97;
                      }));
    EXPECT_THAT(complaint(folder / "other"),
                AllOf(HasSubstr("was trained on other features than this build computes"),
                      HasSubstr(R"("pre_emphasis":0.97)")));
}

TEST(Bundle, AFeatureSpecificationThatIsNotKnownIsRefused) {
    const auto folder = test::scratch_folder();
    small_bundle().save(folder / "a");
    const std::string bytes = test::read_bytes(folder / "a");
    const auto message = [&](const std::function<void(nlohmann::ordered_json&)>& change) {
        test::write_bytes(folder / "b", with_manifest(bytes, change));
        return complaint(folder / "b");
    };
    EXPECT_THAT(message([](auto& manifest) { manifest["features"]["window"] = "kaiser"; }),
                HasSubstr(R"(window has no such value: "kaiser")"));
    EXPECT_THAT(message([](auto& manifest) { manifest["features"]["pitch"] = true; }),
                HasSubstr("1 unknown members"));
    EXPECT_THAT(message([](auto& manifest) { manifest["features"].erase("num_mels"); }),
                HasSubstr("num_mels is missing"));
    EXPECT_THAT(message([](auto& manifest) { manifest["features"]["hop_samples"] = 0; }),
                HasSubstr("hop_samples must be"));
    EXPECT_THAT(message([](auto& manifest) { manifest.erase("labels"); }), HasSubstr("labels"));
}

/// A file that begins with a header of this text.
std::string with_header(const std::string& text) {
    const std::uint64_t size = text.size();
    return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
}

TEST(Bundle, AHeaderThatIsNestedWithoutEndIsRefused) {
    const auto path = test::scratch_folder() / "deep";
    constexpr int kDepth = 200000;
    test::write_bytes(
        path, with_header("{\"a\":" + std::string(kDepth, '[') + std::string(kDepth, ']') + "}"));
    EXPECT_THAT(complaint(path), HasSubstr("its header is not JSON"));
}

/// Seeds that are refused at the door for their version teach a fuzzer nothing.
TEST(Bundle, TheFuzzersSeedsGetAsFarAsTheyShould) {
    const std::filesystem::path corpus = EMOTIOND_SOURCE_DIR "/tests/fuzz/bundle_corpus";
    EXPECT_EQ(Bundle::load(corpus / "whole").tensors.at("a.weight").values,
              (std::vector<float>{0.5F, 0.0F, 3.0F}));
    EXPECT_THAT(Bundle::load(corpus / "torchscript").torchscript, HasSubstr("any bytes"));
    EXPECT_NE(Bundle::load(corpus / "voice").voice_weights(), nullptr);
    const std::pair<const char*, const char*> refused[]{
        {"other_version", "has format version 1"},
        {"tensor_outside", "is truncated"},
        {"tensor_of_another_size", "tensor a does not fit the data"},
        {"tensor_shape_overflows", "tensor a has an impossible shape"},
        {"tensor_of_halves", "tensor a has dtype"},
        {"torchscript_outside", "is truncated"},
        {"torchscript_backwards", "tensor torchscript does not fit the data"},
        {"torchscript_of_floats", "tensor torchscript is not a row of bytes"},
        {"torchscript_of_two_dimensions", "tensor torchscript is not a row of bytes"},
        {"voice_of_other_rows", "has a voice detector for rows of 31 features, its own have 32"},
        {"voice_of_twelve_units", "units in a multiple of 8"},
        {"voice_of_another_kind", "has a voice detector of kind \"lstm\""},
        {"voice_without_its_output", "tensor voice.output.weight is missing"},
        {"voice_missing", "key 'voice' not found"},
        {"temperature_zero", "a temperature above 0"},
        {"uncertain_beyond_one", "uncertain_below from 0 to 1"},
        {"features_unknown", "window has no such value"},
        {"features_delta", "was trained on other features"},
    };
    for (const auto& [seed, why] : refused) {
        EXPECT_THAT(complaint(corpus / seed), HasSubstr(why)) << seed;
    }
}

TEST(Bundle, TheBundledModelLoadsAndSaysWhereItComesFrom) {
    const Bundle bundle = Bundle::load(test::bundled_model());
    EXPECT_EQ(bundle.labels.size(), 8U);
    EXPECT_EQ(bundle.licence, "CC-BY-NC-SA-4.0");
    EXPECT_EQ(bundle.training_data.size(), 3U);
    EXPECT_FALSE(bundle.metrics.at("speaker_independent").empty());
    ASSERT_TRUE(bundle.voice);
    EXPECT_THAT(bundle.voice->training_data, testing::Contains(HasSubstr("ravdess")));
    EXPECT_FALSE(bundle.voice->metrics.at("held_out_speakers").empty());
}

}  // namespace
}  // namespace emotiond::model
