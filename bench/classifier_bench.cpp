// What a window costs in the network, beside the least that its arithmetic can cost: its floating
// point operations at the rate at which this machine multiplies large matrices (sgemm).
//
//     classifier_bench [BUNDLE] [--device cuda]

#include <malloc.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "model/bundle.hpp"
#include "model/classifier.hpp"
#include "model/network_options.hpp"

namespace {

using namespace emotiond::model;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRows = 300;  // 3 s

/// The least of several runs, in seconds: others use the machine too.
double best_seconds(const std::function<void()>& work) {
    double best = 1e9;
    const auto begin = Clock::now();
    for (int run = 0; run < 5 || Clock::now() - begin < std::chrono::seconds(2); ++run) {
        const auto start = Clock::now();
        work();
        best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
    }
    return best;
}

double sgemm_flops_per_second() {
    constexpr std::int64_t kSize = 1024;
    const auto a = torch::randn({kSize, kSize});
    const auto b = torch::randn({kSize, kSize});
    auto c = torch::empty({kSize, kSize});
    const double seconds = best_seconds([&] { torch::mm_out(c, a, b); });
    return 2.0 * kSize * kSize * kSize / seconds;
}

/// Multiplications and additions of one window's matrix products; what is element by element (under
/// a hundredth) is left out.
double flops_of_window(const NetworkOptions& options) {
    const auto rows = static_cast<double>(kRows);
    const auto features = static_cast<double>(options.num_features);
    const auto channels = static_cast<double>(options.channels);
    const auto hidden = static_cast<double>(options.hidden);
    constexpr double kWidth = 5.0;
    const auto convolution = [&](double inputs, double outputs, double steps) {
        return 2.0 * kWidth * inputs * outputs * steps;
    };
    const auto lstm = [&](double inputs, double steps, double directions) {
        double sum = 0.0;
        for (std::int64_t layer = 0; layer < options.layers; ++layer) {
            const double from = layer == 0 ? inputs : directions * hidden;
            sum += 2.0 * directions * 4.0 * hidden * (from + hidden) * steps;
        }
        return sum;
    };
    // 26 weightings of rows and deltas, with squares for four; read by two dense layers.
    const auto functionals = [&] {
        const double width = features + static_cast<double>(options.num_cepstra);
        const auto read = static_cast<double>(options.functionals);
        return 2.0 * 30.0 * width * rows +
               2.0 * read * (30.0 * width + static_cast<double>(options.dense));
    };
    if (options.kind == "lstm") {
        const auto per_step = static_cast<double>(options.rows_per_step);
        return lstm(features * per_step, rows / per_step, 1.0);
    }
    if (options.kind == "crnn") {
        return convolution(features, channels, rows / 2) +
               convolution(channels, channels, rows / 4) +
               convolution(channels, channels, rows / 8) + lstm(channels, rows / 8, 2.0) +
               2.0 * 2.0 * hidden * 64.0 * rows / 8 + functionals();
    }
    if (options.kind == "cnn") {
        return convolution(features, channels, rows) +
               convolution(channels, 2 * channels, rows / 2) +
               convolution(2 * channels, 2 * channels, rows / 4);
    }
    if (options.kind == "cnn-lstm") {
        return convolution(features, channels, rows) +
               convolution(channels, 2 * channels, rows / 2) + lstm(2 * channels, rows / 4, 1.0);
    }
    return functionals();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        std::string path = EMOTIOND_SOURCE_DIR "/model/pretrained/default.safetensors";
        std::string device = "cpu";
        for (int i = 1; i < argc; ++i) {
            if (std::string(argv[i]) == "--device" && i + 1 < argc) {
                device = argv[++i];
            } else {
                path = argv[i];
            }
        }
        // As the service does it (daemon/service.cpp).
        mallopt(M_MMAP_THRESHOLD, 64 * 1024 * 1024);
        mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
        Classifier classifier(Bundle::load(path), {device, 1});
        const Bundle& bundle = classifier.bundle();
        const auto options = NetworkOptions::from_json(bundle.network);
        const double rate = sgemm_flops_per_second();
        const double flops = flops_of_window(options);
        std::printf("%s on %s (%s), %zu parameters, libtorch %s, one thread\n", bundle.id.c_str(),
                    classifier.device().c_str(), classifier.device_note().c_str(),
                    bundle.num_parameters(), TORCH_VERSION);
        std::printf(
            "a 3 s window: %.1f MFLOP; sgemm of 1024 x 1024 on one CPU core: %.1f GFLOP/s\n",
            flops / 1e6, rate / 1e9);
        std::printf("floor: %.3f ms a window\n\n", 1e3 * flops / rate);
        std::printf(
            "| batch | ms a window | times the floor | windows/s | channels at a hop of 0.5 s |\n");
        std::printf("|---|---|---|---|---|\n");
        std::minstd_rand random(1);
        std::normal_distribution<float> normal;
        std::vector<float> rows(kRows * bundle.features.num_features());
        std::ranges::generate(rows, [&] { return normal(random); });
        for (const std::size_t batch : {1, 16, 64, 256, 1024, 4096}) {
            if (batch > 64 && device == "cpu") {
                break;
            }
            const std::vector<ClassifierInput> inputs(batch, ClassifierInput{rows, kRows});
            const double seconds =
                best_seconds([&] { classifier.classify(inputs); }) / static_cast<double>(batch);
            std::printf("| %zu | %.3f | %.1f | %.0f | %.0f |\n", batch, 1e3 * seconds,
                        seconds * rate / flops, 1.0 / seconds, 0.5 / seconds);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "classifier_bench: %s\n", error.what());
        return 1;
    }
}
