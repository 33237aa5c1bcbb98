#include "model/training/augment.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <stdexcept>
#include <string>

#include "dsp/g711.hpp"
#include "dsp/resampler.hpp"

namespace emotiond::model {
namespace {

constexpr int kTelephoneRateHz = 8000;

float from_db(float db) {
    return std::pow(10.0F, db / 20.0F);
}

/// A low-pass under a Blackman window, of an odd number of taps.
/// cutoff, transition: in parts of the rate.
std::vector<float> low_pass_taps(double cutoff, double transition) {
    const auto half = static_cast<int>(std::ceil(2.75 / transition));
    std::vector<float> taps;
    double sum = 0.0;
    for (int i = -half; i <= half; ++i) {
        const double angle = 2.0 * std::numbers::pi * cutoff * i;
        const double sinc = i == 0 ? 1.0 : std::sin(angle) / angle;
        const double turn = std::numbers::pi * i / (half + 1);
        const double tap = sinc * (0.42 + 0.5 * std::cos(turn) + 0.08 * std::cos(2.0 * turn));
        taps.push_back(static_cast<float>(tap));
        sum += tap;
    }
    for (float& tap : taps) {
        tap = static_cast<float>(tap / sum);
    }
    return taps;
}

/// 300 to 3400 Hz at 8 kHz.
dsp::Convolution telephone_band() {
    constexpr double kTransition = 150.0 / kTelephoneRateHz;
    std::vector<float> taps = low_pass_taps(3400.0 / kTelephoneRateHz, kTransition);
    const std::vector<float> low = low_pass_taps(300.0 / kTelephoneRateHz, kTransition);
    std::ranges::transform(taps, low, taps.begin(), std::minus<>());
    return dsp::Convolution(taps);
}

/// As many samples as there were, with the sample of the response at `centre` taken for time 0.
std::vector<float> filtered(std::span<const float> samples, const dsp::Convolution& filter,
                            std::size_t centre) {
    if (samples.empty()) {
        return {};
    }
    const std::vector<float> whole = filter.convolve(samples);
    const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(centre);
    return {begin, begin + static_cast<std::ptrdiff_t>(samples.size())};
}

std::vector<float> copy(std::span<const float> samples) {
    return {samples.begin(), samples.end()};
}

}  // namespace

float rms(std::span<const float> samples) {
    double sum = 0.0;
    for (const float sample : samples) {
        sum += static_cast<double>(sample) * sample;
    }
    return static_cast<float>(
        std::sqrt(sum / static_cast<double>(std::max<std::size_t>(1, samples.size()))));
}

std::vector<float> coloured_noise(std::size_t size, Random& random) {
    std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
    std::normal_distribution<float> normal;
    const float smoothing = uniform(random) * 0.95F;
    std::vector<float> noise(size);
    float state = 0.0F;
    for (float& sample : noise) {
        state = smoothing * state + normal(random);
        sample = state;
    }
    return noise;
}

std::vector<float> add_noise(std::span<const float> samples, std::span<const float> noise,
                             float snr_db, Random& random) {
    std::vector<float> mixed = copy(samples);
    if (samples.empty() || noise.empty()) {
        return mixed;
    }
    // Where it is long enough it is not wrapped: that would click.
    const std::size_t last_begin =
        noise.size() >= samples.size() ? noise.size() - samples.size() : noise.size() - 1;
    const std::size_t begin = std::uniform_int_distribution<std::size_t>(0, last_begin)(random);
    std::vector<float> added(samples.size());
    for (std::size_t i = 0; i < added.size(); ++i) {
        added[i] = noise[(begin + i) % noise.size()];
    }
    const float noise_rms = rms(added);
    if (noise_rms > 0.0F) {
        const float gain = rms(samples) * from_db(-snr_db) / noise_rms;
        for (std::size_t i = 0; i < mixed.size(); ++i) {
            mixed[i] += gain * added[i];
        }
    }
    return mixed;
}

ImpulseResponse::ImpulseResponse(std::span<const float> response) : convolution_(response) {
    const auto loudest =
        std::ranges::max_element(response, {}, [](float sample) { return std::abs(sample); });
    if (*loudest == 0.0F) {
        throw std::invalid_argument("impulse response: all " + std::to_string(response.size()) +
                                    " samples are 0");
    }
    direct_sample_ = static_cast<std::size_t>(loudest - response.begin());
}

std::vector<float> ImpulseResponse::reverberate(std::span<const float> samples) const {
    std::vector<float> heard = filtered(samples, convolution_, direct_sample_);
    const float level = rms(heard);
    if (level > 0.0F) {
        const float gain = rms(samples) / level;
        for (float& sample : heard) {
            sample *= gain;
        }
    }
    return heard;
}

std::vector<float> synthetic_impulse_response(int rate_hz, float rt60_s, float direct_to_reverb_db,
                                              Random& random) {
    const auto rate = static_cast<float>(rate_hz);
    const auto gap = static_cast<std::size_t>(0.002F * rate);
    std::vector<float> response(gap + 1 + static_cast<std::size_t>(rt60_s * rate));
    std::normal_distribution<float> normal;
    const float per_sample = std::log(1000.0F) / (rt60_s * rate);  // 60 dB are a factor of 1000
    double energy = 0.0;
    for (std::size_t i = gap + 1; i < response.size(); ++i) {
        response[i] = normal(random) * std::exp(-per_sample * static_cast<float>(i - gap));
        energy += static_cast<double>(response[i]) * response[i];
    }
    if (energy > 0.0) {
        const float gain = from_db(-direct_to_reverb_db) / static_cast<float>(std::sqrt(energy));
        for (float& sample : response) {
            sample *= gain;
        }
    }
    response[0] = 1.0F;
    return response;
}

std::vector<float> low_pass(std::span<const float> samples, int rate_hz, float cutoff_hz) {
    if (!(cutoff_hz > 0.0F)) {
        throw std::invalid_argument("low pass: the cutoff must be above 0 Hz, got " +
                                    std::to_string(cutoff_hz));
    }
    const double cutoff = static_cast<double>(cutoff_hz) / rate_hz;
    if (cutoff >= 0.5) {
        return copy(samples);
    }
    const std::vector<float> taps = low_pass_taps(cutoff, 0.2 * cutoff);
    return filtered(samples, dsp::Convolution(taps), taps.size() / 2);
}

std::vector<float> telephone(std::span<const float> samples, int rate_hz) {
    static const dsp::Convolution kBand = telephone_band();
    std::vector<float> narrow =
        filtered(dsp::resample(samples, rate_hz, kTelephoneRateHz), kBand, kBand.length() / 2);
    for (float& sample : narrow) {
        const float full_scale = std::clamp(sample, -1.0F, 1.0F) * 32767.0F;
        const auto pcm = static_cast<std::int16_t>(std::lround(full_scale));
        sample = static_cast<float>(dsp::mu_law_decode(dsp::mu_law_encode(pcm))) / 32767.0F;
    }
    std::vector<float> heard = dsp::resample(narrow, kTelephoneRateHz, rate_hz);
    heard.resize(samples.size());  // a rate that is no multiple of 8 kHz rounds
    return heard;
}

std::vector<float> change_speed(std::span<const float> samples, int rate_hz, float factor) {
    if (!(factor >= 0.5F && factor <= 2.0F)) {
        throw std::invalid_argument("speed: the factor must be 0.5 to 2, got " +
                                    std::to_string(factor));
    }
    // A recording that is said to have `factor` times its rate comes out so much faster. At small
    // rates both are doubled, since the resampler takes none below 8 kHz.
    const int scale = rate_hz < 16000 ? 2 : 1;
    const auto said = std::lround(static_cast<double>(factor) * rate_hz * scale);
    return dsp::resample(samples, static_cast<int>(said), rate_hz * scale);
}

Amplified amplify(std::span<const float> samples, float gain_db) {
    Amplified louder{copy(samples), 0};
    const float gain = from_db(gain_db);
    for (float& sample : louder.samples) {
        sample *= gain;
        if (std::abs(sample) > 1.0F) {
            sample = std::clamp(sample, -1.0F, 1.0F);
            ++louder.num_clipped;
        }
    }
    return louder;
}

Amplified set_level(std::span<const float> samples, float level_dbfs) {
    const float level = rms(samples);
    return level > 0.0F ? amplify(samples, level_dbfs - 20.0F * std::log10(level))
                        : Amplified{copy(samples), 0};
}

}  // namespace emotiond::model
