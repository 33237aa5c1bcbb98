#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/bundle.hpp"
#include "tests/integration/daemon_process.hpp"
#include "tests/support/files.hpp"

namespace emotiond::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// What `emotiond train` and `evaluate` leave behind, on recordings that were made for it: two
/// emotions by three speakers in folders, and noise without speech.
class Training : public testing::Test {
 protected:
    static void SetUpTestSuite() {
        unsigned seed = 0;
        for (const char* emotion : {"neutral", "angry"}) {
            std::filesystem::create_directories(corpus() / emotion);
            for (const char* speaker : {"anna", "bert", "carl"}) {
                for (int take = 0; take < 3; ++take) {
                    std::vector<float> samples = coloured_noise(16000, 0.5F, ++seed);
                    const std::size_t syllable = emotion[0] == 'a' ? 1600 : 6400;
                    for (std::size_t i = 0; i < samples.size(); ++i) {
                        samples[i] *= (i / syllable) % 2 == 0 ? 1.0F : 0.01F;
                    }
                    write_wav(corpus() / emotion /
                                  (std::string(speaker) + "_" + std::to_string(take) + ".wav"),
                              samples);
                }
            }
        }
        std::filesystem::create_directories(noise());
        for (unsigned i = 0; i < 12; ++i) {
            write_wav(noise() / ("source" + std::to_string(i) + "-1.wav"),
                      coloured_noise(16000, 0.95F, 100 + i));
        }
    }

    static std::filesystem::path folder() { return scratch_folder() / "training"; }
    static std::filesystem::path corpus() { return folder() / "toys"; }
    static std::filesystem::path noise() { return folder() / "noise"; }

    /// `emotiond <command>` on the corpus, with a home that it must leave alone.
    static Finished emotiond(const std::string& command, const std::string& out,
                             std::vector<std::string> more = {}) {
        std::vector<std::string> arguments{emotiond_binary(), command,
                                           "--data",          corpus().string(),
                                           "--out",           (folder() / out).string(),
                                           "--cache",         (folder() / "cache").string(),
                                           "--device",        "cpu",
                                           "--threads",       "1",
                                           "--labels",        "neutral,angry",
                                           "--network",       "lstm",
                                           "--epochs",        "2",
                                           "--variants",      "1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_to_end(arguments, {{"HOME", home().string()}, {"XDG_CACHE_HOME", ""}});
    }
    static std::filesystem::path home() { return folder() / "home"; }

    static std::size_t lines_of(const std::filesystem::path& path) {
        const std::string text = read_bytes(path);
        return static_cast<std::size_t>(std::ranges::count(text, '\n'));
    }
};

TEST_F(Training, TrainLeavesABundleALogAndAReport) {
    const Finished finished = emotiond("train", "train", {"--name", "toy"});
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.err, AllOf(HasSubstr("toys: 18 clips by"), HasSubstr("features of 18"),
                                    HasSubstr("epoch 1/2"), HasSubstr("epoch 2/2")));
    const auto out = folder() / "train";
    EXPECT_THAT(finished.out, HasSubstr("wrote " + (out / "model.safetensors").string()));
    const json run = json::parse(read_bytes(out / "run.json"));
    EXPECT_EQ(run.at("recipe").at("epochs"), 2);
    EXPECT_EQ(run.at("recipe").at("network").at("kind"), "lstm");
    EXPECT_EQ(run.at("clips").at("toys").at("train"), 12);
    EXPECT_EQ(run.at("clips").at("toys").at("validation"), 6);
    EXPECT_EQ(lines_of(out / "log.csv"), 3U);
    EXPECT_EQ(lines_of(out / "log.jsonl"), 2U);
    EXPECT_THAT(read_bytes(out / "report.html"), AllOf(HasSubstr("<svg"), HasSubstr("toy-")));
    const model::Bundle bundle = model::Bundle::load(out / "model.safetensors");
    EXPECT_EQ(bundle.name, "toy");
    EXPECT_EQ(bundle.labels, (std::vector<std::string>{"neutral", "angry"}));
    EXPECT_THAT(bundle.training_data, testing::ElementsAre("toys (unknown)"));
    EXPECT_EQ(bundle.metrics.at("recipe").at("epochs"), 2);
    EXPECT_EQ(bundle.metrics.at("validation_speakers").size(), 1U);
    EXPECT_FALSE(std::filesystem::exists(home()));
    EXPECT_FALSE(std::filesystem::is_empty(folder() / "cache"));

    // The service takes it.
    const Finished classified =
        run_to_end({emotiond_binary(), "classify", "--json",
                    "--model.bundle=" + (out / "model.safetensors").string(),
                    (corpus() / "angry" / "anna_0.wav").string()});
    EXPECT_EQ(classified.exit_code, 0) << classified.err;
    EXPECT_THAT(classified.out, HasSubstr("\"toy-"));
}

TEST_F(Training, TheSameCommandAgainGoesOnFromWhereItWas) {
    ASSERT_EQ(emotiond("train", "again").exit_code, 0);
    const auto out = folder() / "again";
    const std::string bundle = read_bytes(out / "model.safetensors");
    const Finished again = emotiond("train", "again");
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.err, AllOf(HasSubstr("(from the cache)"), Not(HasSubstr("epoch"))));
    EXPECT_TRUE(read_bytes(out / "model.safetensors") == bundle);
    EXPECT_EQ(lines_of(out / "log.jsonl"), 2U);

    const Finished other = emotiond("train", "again", {"--batch", "4"});
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.err, AllOf(HasSubstr("holds another run"), HasSubstr("/recipe/batch")));
}

TEST_F(Training, ANoiseFolderGivesASpeechOutput) {
    const Finished finished = emotiond("train", "speech",
                                       {"--noise", noise().string(), "--test-speakers", "toys_bert",
                                        "--bundle", (folder() / "speech.safetensors").string()});
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("features of 30"));
    const json run = json::parse(read_bytes(folder() / "speech" / "run.json"));
    EXPECT_EQ(run.at("clips").at("toys").at("test"), 6);
    EXPECT_GT(run.at("clips").at("no speech").at("train"), 0);
    EXPECT_TRUE(model::Bundle::load(folder() / "speech.safetensors").network.at("speech_output"));
    EXPECT_THAT(finished.out, HasSubstr("test speakers"));
}

TEST_F(Training, EvaluateLeavesResultsPredictionsTablesAndAReport) {
    const Finished finished = emotiond("evaluate", "evaluation", {"--protocols", "P2"});
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.err, AllOf(HasSubstr("round p2-1 of seed 1 (1 of 3)"),
                                    HasSubstr("round p2-3 of seed 1 (3 of 3)")));
    const auto out = folder() / "evaluation";
    EXPECT_EQ(lines_of(out / "predictions.csv"), 19U);  // every clip was tested once
    const json results = json::parse(read_bytes(out / "results.json"));
    EXPECT_GT(results.at("parameters"), 1000);
    EXPECT_THAT(results.dump(), AllOf(HasSubstr("\"P2\""), HasSubstr("toys")));
    EXPECT_THAT(read_bytes(out / "tables.md"), AllOf(HasSubstr("P2"), HasSubstr("|")));
    EXPECT_THAT(read_bytes(out / "report.html"), AllOf(HasSubstr("<svg"), HasSubstr("P2")));
    for (const char* round : {"p2-1", "p2-2", "p2-3"}) {
        for (const char* file :
             {"run.json", "log.csv", "log.jsonl", "last.pt", "model.safetensors"}) {
            EXPECT_TRUE(std::filesystem::exists(out / "seed-1" / round / file)) << round << file;
        }
        const json run = json::parse(read_bytes(out / "seed-1" / round / "run.json"));
        EXPECT_EQ(run.at("clips").at("toys").at("test"), 6);
    }

    const std::string predictions = read_bytes(out / "predictions.csv");
    const Finished again = emotiond("evaluate", "evaluation", {"--protocols", "P2"});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.err, Not(HasSubstr("epoch")));
    EXPECT_TRUE(read_bytes(out / "predictions.csv") == predictions);
}

TEST_F(Training, EvaluateTakesSeedsAndRounds) {
    const Finished finished = emotiond(
        "evaluate", "some", {"--protocols", "P2,PS", "--seeds", "1,2", "--rounds", "p2-2,ps"});
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.err, AllOf(HasSubstr("round p2-2 of seed 1 (1 of 4)"),
                                    HasSubstr("round ps of seed 2 (4 of 4)")));
    EXPECT_THAT(read_bytes(folder() / "some" / "tables.md"), HasSubstr("ensemble of 2"));
    EXPECT_THAT(emotiond("evaluate", "none", {"--rounds", "p9-1"}).err,
                HasSubstr("there is no round of the names given"));
    EXPECT_THAT(emotiond("evaluate", "none", {"--protocols", "P7"}).err,
                HasSubstr("protocol must be P1, P2, P3 or PS, got 'P7'"));
}

TEST_F(Training, HelpNamesEveryOption) {
    const std::vector<std::string> shared{
        "--data",     "--test-data", "--noise",  "--rooms",  "--out",    "--cache",
        "--network",  "--recipe",    "--labels", "--epochs", "--batch",  "--learning-rate",
        "--patience", "--variants",  "--bf16",   "--device", "--threads"};
    const std::map<std::string, std::vector<std::string>> own{
        {"train", {"--seed", "--test-speakers", "--bundle", "--name", "--teachers", "--figures"}},
        {"evaluate", {"--protocols", "--seeds", "--rounds"}}};
    for (const auto& [command, options] : own) {
        const Finished help = run_to_end({emotiond_binary(), command, "--help"});
        EXPECT_EQ(help.exit_code, 0);
        for (const auto& names : {shared, options}) {
            for (const std::string& name : names) {
                EXPECT_THAT(help.out, HasSubstr("  " + name)) << command;
            }
        }
    }
}

TEST_F(Training, WhatCannotBeReadIsToldInOneLine) {
    const auto odd = folder() / "odd";
    std::filesystem::create_directories(odd);
    for (const char* name : {"one.wav", "two.wav"}) {
        write_wav(odd / name, coloured_noise(8000, 0.5F, 1));
    }
    const auto fails = [&](const std::vector<std::string>& more) {
        std::vector<std::string> arguments{emotiond_binary(), "train",
                                           "--out",           (folder() / "failed").string(),
                                           "--cache",         (folder() / "cache").string(),
                                           "--epochs",        "1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Finished finished = run_to_end(arguments);
        EXPECT_EQ(finished.exit_code, 1) << finished.err;
        EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
        EXPECT_THAT(finished.err, HasSubstr("emotiond: "));
        return finished.err;
    };
    EXPECT_THAT(fails({"--data", odd.string()}), AllOf(HasSubstr("odd"), HasSubstr("one.wav")));
    EXPECT_THAT(fails({"--data", (folder() / "gone").string()}), HasSubstr("gone"));
    EXPECT_THAT(fails({"--data", corpus().string(), "--network", "gru"}),
                HasSubstr("network kind must be one of lstm, cnn, cnn-lstm, dnn, crnn, got 'gru'"));
    EXPECT_THAT(fails({"--data", corpus().string(), "--batch", "1"}),
                HasSubstr("batch must be 2 to"));
    EXPECT_THAT(fails({"--data", corpus().string(), "--recipe", "/nonexistent.json"}),
                HasSubstr("/nonexistent.json"));
    EXPECT_FALSE(std::filesystem::exists(folder() / "failed"));
    EXPECT_EQ(run_to_end({emotiond_binary(), "train"}).exit_code, 64);
    EXPECT_EQ(run_to_end({emotiond_binary(), "train", "--data", "x", "--out", "y", "--epoch", "1"})
                  .exit_code,
              64);
}

}  // namespace
}  // namespace emotiond::test
