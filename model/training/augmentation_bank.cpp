#include "model/training/augmentation_bank.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "dsp/resampler.hpp"
#include "model/audio_file.hpp"
#include "model/training/audio_folder.hpp"

namespace emotiond::model {
namespace {

namespace fs = std::filesystem;

std::vector<float> read_at(const fs::path& path, int rate_hz) {
    const Recording recording = read_recording(path);
    if (std::ranges::all_of(recording.samples, [](float sample) { return sample == 0.0F; })) {
        throw std::runtime_error("silent: " + path.string() + ": all " +
                                 std::to_string(recording.samples.size()) + " samples are 0");
    }
    return dsp::resample(recording.samples, recording.rate_hz, rate_hz);
}

/// Calls on_samples with each file; a file that throws becomes a problem.
template <typename OnSamples>
void read_all(std::span<const fs::path> files, int rate_hz, std::vector<std::string>& problems,
              OnSamples&& on_samples) {
    for (const fs::path& file : files) {
        try {
            on_samples(read_at(file, rate_hz));
        } catch (const std::exception& error) {
            problems.emplace_back(error.what());
        }
    }
}

void require_some(std::size_t num_usable, const char* what,
                  const std::vector<std::string>& problems) {
    if (num_usable == 0) {
        throw std::runtime_error("none of the recordings of " + std::string(what) +
                                 " can be used; the last: " + problems.back());
    }
}

/// Without what comes later than a second after the loudest sample.
std::span<const float> shortened(std::span<const float> response, int rate_hz) {
    const auto loudest =
        std::ranges::max_element(response, {}, [](float sample) { return std::abs(sample); });
    const auto length =
        static_cast<std::size_t>(loudest - response.begin()) + static_cast<std::size_t>(rate_hz);
    return response.first(std::min(response.size(), length));
}

std::size_t draw_index(std::size_t size, Random& random) {
    return std::uniform_int_distribution<std::size_t>(0, size - 1)(random);
}

float draw(float least, float most, Random& random) {
    return std::uniform_real_distribution<float>(least, most)(random);
}

bool happens(double probability, Random& random) {
    return std::bernoulli_distribution(probability)(random);
}

}  // namespace

AugmentationBank::AugmentationBank(int rate_hz, std::span<const fs::path> noise,
                                   std::span<const fs::path> impulse_responses)
    : AugmentationBank(rate_hz) {
    if (!noise.empty()) {
        read_all(noise, rate_hz, problems_,
                 [this](std::vector<float> samples) { noises_.push_back(std::move(samples)); });
        require_some(noises_.size(), "noise", problems_);
    }
    if (!impulse_responses.empty()) {
        read_all(impulse_responses, rate_hz, problems_, [&](const std::vector<float>& samples) {
            responses_.emplace_back(shortened(samples, rate_hz));
        });
        require_some(responses_.size(), "rooms", problems_);
    }
    description_ = "noise";
    for (const auto& files : {noise, impulse_responses}) {
        for (const fs::path& file : files) {
            description_ += " " + file_stamp(file);
        }
        description_ += "; rooms";
    }
}

std::vector<float> AugmentationBank::in_noise(std::span<const float> samples, float snr_db,
                                              Random& random) const {
    if (noises_.empty()) {
        return add_noise(samples, coloured_noise(samples.size(), random), snr_db, random);
    }
    return add_noise(samples, noises_[draw_index(noises_.size(), random)], snr_db, random);
}

std::vector<float> AugmentationBank::in_room(std::span<const float> samples, Random& random) const {
    if (responses_.empty()) {
        const float rt60_s = draw(0.15F, 0.9F, random);
        const float direct_to_reverb_db = draw(-3.0F, 12.0F, random);
        return ImpulseResponse(
                   synthetic_impulse_response(rate_hz_, rt60_s, direct_to_reverb_db, random))
            .reverberate(samples);
    }
    return responses_[draw_index(responses_.size(), random)].reverberate(samples);
}

Augmented augmented(std::span<const float> samples, int rate_hz, const AugmentationBank& bank,
                    Random& random) {
    if (rate_hz != bank.rate_hz()) {
        throw std::invalid_argument("augmentation: the bank has " + std::to_string(bank.rate_hz()) +
                                    " Hz, the samples " + std::to_string(rate_hz));
    }
    Augmented result{{samples.begin(), samples.end()}, ""};
    const auto note = [&](const char* pattern, float value) {
        char text[48];
        std::snprintf(text, sizeof text, pattern, static_cast<double>(value));
        result.applied += (result.applied.empty() ? "" : ", ") + std::string(text);
    };
    if (happens(1.0 / 2, random)) {
        const float factor = draw(0.9F, 1.1F, random);
        result.samples = change_speed(result.samples, rate_hz, factor);
        note("speed %.2f", factor);
    }
    if (happens(1.0 / 3, random)) {
        result.samples = bank.in_room(result.samples, random);
        result.applied += result.applied.empty() ? "room" : ", room";
    }
    if (happens(1.0 / 2, random)) {
        const float snr_db = draw(5.0F, 30.0F, random);
        result.samples = bank.in_noise(result.samples, snr_db, random);
        note("noise %.0f dB", snr_db);
    }
    if (happens(1.0 / 5, random)) {
        result.samples = telephone(result.samples, rate_hz);
        result.applied += result.applied.empty() ? "telephone" : ", telephone";
    }
    if (happens(1.0 / 4, random)) {
        const float cutoff_hz = draw(2500.0F, 8000.0F, random);
        result.samples = low_pass(result.samples, rate_hz, cutoff_hz);
        note("low pass %.0f Hz", cutoff_hz);
    }
    const float gain_db = draw(-20.0F, 10.0F, random);
    Amplified louder = amplify(result.samples, gain_db);
    result.samples = std::move(louder.samples);
    note("level %+.0f dB", gain_db);
    if (louder.num_clipped > 0) {
        note("%.0f clipped", static_cast<float>(louder.num_clipped));
    }
    return result;
}

}  // namespace emotiond::model
