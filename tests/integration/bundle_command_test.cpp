// A network of one's own: from rows, through a TorchScript module, to events.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "model/audio_file.hpp"
#include "model/bundle_spec.hpp"
#include "model/feature_rows.hpp"
#include "tests/integration/daemon_process.hpp"
#include "tests/integration/wire_client.hpp"
#include "tests/support/scripted_module.hpp"

namespace emotiond::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// The same logits for every window.
std::string constant_module(const std::string& logits) {
    return scripted_module(
        "def forward(self, rows, num_rows):\n"
        "  return torch.tensor(" +
        logits + ").unsqueeze(0).expand([rows.size(0), -1])\n");
}

std::string written(const std::string& name, const std::string& bytes) {
    const auto path = scratch_folder() / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
}

const std::string kSpec = R"({"name": "mine", "labels": ["neutral", "angry"],
    "uncertain_below": 0.7, "licence": "MIT", "training_data": ["calls of 2026"]})";

Finished pack(const std::string& module, const std::string& spec, const std::string& out) {
    return run_to_end({emotiond_binary(), "bundle", "--torchscript", written("m.pt", module),
                       "--spec", written("spec.json", spec), "--out", out});
}

/// A bundle whose every answer is these logits.
std::string bundle_of(const std::string& logits) {
    const std::string path = (scratch_folder() / "mine.safetensors").string();
    const Finished packed = pack(constant_module(logits), kSpec, path);
    EXPECT_EQ(packed.exit_code, 0) << packed.err;
    return path;
}

TEST(BundleCommand, PacksAModuleAndShowsWhatItIs) {
    const std::string path = (scratch_folder() / "packed.safetensors").string();
    const Finished packed = pack(constant_module("[0.0, 2.0, 3.0]"), kSpec, path);
    EXPECT_EQ(packed.exit_code, 0) << packed.err;
    EXPECT_EQ(packed.err, "");
    EXPECT_THAT(packed.out,
                AllOf(HasSubstr(": mine-"), HasSubstr("13 features a row in, 2 labels and speech"),
                      HasSubstr("a window of 3 s takes "), HasSubstr("trust_code = true")));

    const Finished shown = run_to_end({emotiond_binary(), "bundle", "--show", path});
    EXPECT_EQ(shown.exit_code, 0) << shown.err;
    EXPECT_THAT(shown.out,
                AllOf(HasSubstr("neutral, angry"), HasSubstr("MIT"), HasSubstr("calls of 2026"),
                      HasSubstr("a TorchScript module of"), HasSubstr("mfcc")));
    const json as_json =
        json::parse(run_to_end({emotiond_binary(), "bundle", "--show", path, "--json"}).out);
    EXPECT_EQ(as_json.at("licence"), "MIT");
    EXPECT_GT(as_json.at("code_bytes"), 100);
    EXPECT_EQ(as_json.at("feature_names").size(), 13U);
}

TEST(BundleCommand, ShowsTheBundledModelWithItsFigures) {
    const std::string bundled = EMOTIOND_SOURCE_DIR "/model/pretrained/default.safetensors";
    const Finished shown = run_to_end({emotiond_binary(), "bundle", "--show", bundled});
    EXPECT_EQ(shown.exit_code, 0) << shown.err;
    EXPECT_THAT(shown.out, AllOf(HasSubstr(" parameters"), HasSubstr("UA "), HasSubstr("CC-BY"),
                                 HasSubstr("code            none")));
}

TEST(BundleCommand, AModuleOfTheWrongShapeIsRefusedAndNothingWritten) {
    const auto path = scratch_folder() / "wrong.safetensors";
    const Finished packed = pack(constant_module("[0.0, 2.0, 3.0, 4.0]"), kSpec, path.string());
    EXPECT_EQ(packed.exit_code, 1);
    EXPECT_THAT(packed.err, AllOf(HasSubstr("gave [1, 4]"), HasSubstr("expected"),
                                  HasSubstr("[1, 2], or one column more for speech")));
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ(pack(constant_module("[0.0]"), R"({"name": "mine"})", path.string()).exit_code, 1);
    EXPECT_THAT(pack(constant_module("[0.0]"), R"({"name": "a b"})", path.string()).err,
                HasSubstr("name must be letters, digits"));
    EXPECT_THAT(pack("no module", kSpec, path.string()).err, HasSubstr("cannot be loaded"));
}

TEST(BundleCommand, AModuleThatDoesNotPassOverPaddingIsWarnedOf) {
    const std::string mean = scripted_module(
        "def forward(self, rows, num_rows):\n  return 20.0 * rows.mean(1)[:, :2]\n");
    const Finished packed = pack(mean, kSpec, (scratch_folder() / "mean.safetensors").string());
    EXPECT_EQ(packed.exit_code, 0);
    EXPECT_THAT(packed.err, HasSubstr("warning: scores change by up to"));
}

TEST(BundleCommand, WrongArgumentsExitWith64) {
    EXPECT_EQ(run_to_end({emotiond_binary(), "bundle"}).exit_code, 64);
    EXPECT_EQ(run_to_end({emotiond_binary(), "bundle", "--out", "x"}).exit_code, 64);
    EXPECT_EQ(run_to_end({emotiond_binary(), "bundle", "--show", "x", "--out", "y"}).exit_code, 64);
    EXPECT_EQ(run_to_end({emotiond_binary(), "features"}).exit_code, 64);
}

TEST(BundleCommand, CodeIsNotRunWithoutTrust) {
    const std::string bundle = "--model.bundle=" + bundle_of("[0.0, 2.0]");
    const std::string file = clip("13a02Ta.flac");
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"run", "--source", "file:" + file},
          std::vector<std::string>{"classify", file}, std::vector<std::string>{"check-config"}}) {
        std::vector<std::string> command{emotiond_binary()};
        command.insert(command.end(), arguments.begin(), arguments.end());
        command.push_back(bundle);
        const Finished refused = run_to_end(command);
        EXPECT_EQ(refused.exit_code, 78) << arguments.front();
        EXPECT_THAT(refused.err, AllOf(HasSubstr("holds a TorchScript module"),
                                       HasSubstr("model.trust_code = true")));
    }
    const Finished checked =
        run_to_end({emotiond_binary(), "check-config", bundle, "--model.trust_code=true"});
    EXPECT_EQ(checked.exit_code, 0) << checked.err;
    EXPECT_THAT(checked.out, HasSubstr("# licence MIT, trained on calls of 2026"));
}

std::vector<json> served(const std::string& bundle, std::string* log = nullptr) {
    const Finished finished = run_to_end(
        {emotiond_binary(), "run", "--source", "file:" + clip("13a02Ta.flac"), "--speed", "max",
         "--print", "json", "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0",
         "--model.trust_code=true", "--model.bundle=" + bundle});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    if (log != nullptr) {
        *log = finished.err;
    }
    std::vector<json> messages;
    std::istringstream in(finished.out);
    for (std::string line; std::getline(in, line);) {
        messages.push_back(json::parse(line));
    }
    return messages;
}

TEST(BundleCommand, ATrustedModuleServesEvents) {
    std::string log;
    const std::vector<json> messages = served(bundle_of("[0.0, 2.0, 3.0]"), &log);
    EXPECT_THAT(log, AllOf(HasSubstr(": licence MIT, trained on calls of 2026"),
                           HasSubstr("run because model.trust_code is set")));
    const json& model = messages.at(0).at("models").at(0);
    EXPECT_EQ(model.at("uncertain_below"), 0.7);
    EXPECT_EQ(model.at("speech_output"), true);
    const std::vector<json> emotions = of_type(messages, "emotion");
    ASSERT_FALSE(emotions.empty());
    for (const json& emotion : emotions) {
        EXPECT_EQ(emotion.at("label"), "angry");
        EXPECT_EQ(emotion.at("confidence"), 0.8808);
        EXPECT_EQ(emotion.at("uncertain"), false);
        EXPECT_EQ(emotion.at("speech"), 0.9526);
        EXPECT_EQ(emotion.at("affect").at("arousal"), 0.5197);
    }
}

TEST(BundleCommand, WindowsWithoutSpeechAreToldAndCountForNoVerdict) {
    const std::string bundle = bundle_of("[0.0, 2.0, -3.0]");
    for (const json& emotion : of_type(served(bundle), "emotion")) {
        EXPECT_EQ(emotion.at("label"), "no_speech");
        EXPECT_EQ(emotion.at("uncertain"), true);
        EXPECT_FALSE(emotion.contains("affect"));
        EXPECT_EQ(emotion.at("scores").at("angry"), 0.8808);
    }
    const std::vector<std::string> classify{emotiond_binary(),         "classify",
                                            clip("13a02Ta.flac"),      "--model.bundle=" + bundle,
                                            "--model.trust_code=true", "--json"};
    const json file = json::parse(run_to_end(classify).out);
    EXPECT_TRUE(file.at("verdict").is_null());
    EXPECT_EQ(file.at("timeline").at(0).at("label"), "no_speech");
    EXPECT_EQ(file.at("timeline").at(0).at("speech"), 0.0474);
    const std::string text = run_to_end({classify.begin(), classify.end() - 1}).out;
    EXPECT_THAT(text, AllOf(HasSubstr("no speech  0.95"), HasSubstr("no speech in it"),
                            Not(HasSubstr("angry"))));
}

TEST(BundleCommand, AnUncertainVerdictIsMarked) {
    const std::vector<std::string> classify{emotiond_binary(), "classify", clip("13a02Ta.flac"),
                                            "--model.bundle=" + bundle_of("[0.0, 0.2]"),
                                            "--model.trust_code=true"};
    EXPECT_THAT(run_to_end(classify).out, HasSubstr("expressed over all: angry? 0.55"));
}

TEST(FeaturesCommand, PrintsTheRowsThatANetworkIsGiven) {
    const std::string spec = written("rows.json", R"({"features": {"num_coeffs": 5}})");
    const std::string file = clip("13a02Ta.flac");
    const auto out = scratch_folder() / "rows.npy";
    const Finished finished =
        run_to_end({emotiond_binary(), "features", file, "--spec", spec, "--out", out.string()});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    const std::vector<float> rows =
        model::feature_rows(model::read_recording(file), model::read_bundle_spec(spec).features);
    std::ifstream in(out, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const std::size_t size = rows.size() * sizeof(float);
    ASSERT_GT(bytes.size(), size);
    EXPECT_EQ(std::memcmp(bytes.data() + bytes.size() - size, rows.data(), size), 0);

    const Finished csv = run_to_end({emotiond_binary(), "features", file, "--spec", spec});
    EXPECT_EQ(std::ranges::count(csv.out, '\n'), static_cast<std::ptrdiff_t>(rows.size() / 5) + 1);
    EXPECT_EQ(run_to_end({emotiond_binary(), "features", "/nonexistent.wav"}).exit_code, 1);
}

TEST(FeaturesCommand, ThePrintedSpecificationGivesTheSameRows) {
    const std::vector<std::string> lstm{emotiond_binary(), "features", clip("13a02Ta.flac"),
                                        "--network", "lstm"};
    std::vector<std::string> print = lstm;
    print.push_back("--print-spec");
    const std::string spec = written("lstm.json", run_to_end(print).out);
    const Finished finished =
        run_to_end({emotiond_binary(), "features", clip("13a02Ta.flac"), "--spec", spec});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_EQ(finished.out, run_to_end(lstm).out);
}

}  // namespace
}  // namespace emotiond::test
