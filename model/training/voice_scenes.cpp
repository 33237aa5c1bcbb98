#include "model/training/voice_scenes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <stdexcept>
#include <utility>

#include "dsp/resampler.hpp"
#include "model/audio_file.hpp"

namespace emotiond::model {
namespace {

namespace fs = std::filesystem;

float draw(float least, float most, Random& random) {
    return std::uniform_real_distribution<float>(least, most)(random);
}

std::size_t draw_index(std::size_t size, Random& random) {
    return std::uniform_int_distribution<std::size_t>(0, size - 1)(random);
}

bool happens(double probability, Random& random) {
    return std::bernoulli_distribution(probability)(random);
}

std::size_t samples_in(float seconds, int rate_hz) {
    return static_cast<std::size_t>(seconds * static_cast<float>(rate_hz));
}

float from_db(float db) {
    return std::pow(10.0F, db / 20.0F);
}

/// Mono at this rate; of what is longer than a minute a minute from the middle.
std::vector<float> read_excerpt(const fs::path& path, int rate_hz) {
    constexpr std::size_t kLongestS = 60;
    const Recording recording = read_recording(path);
    std::span<const float> samples = recording.samples;
    const std::size_t most = kLongestS * static_cast<std::size_t>(recording.rate_hz);
    if (samples.size() > most) {
        samples = samples.subspan((samples.size() - most) / 2, most);
    }
    std::vector<float> result = dsp::resample(samples, recording.rate_hz, rate_hz);
    if (!(rms(result) > 0.0F)) {
        throw std::runtime_error("silent: " + path.string());
    }
    return result;
}

std::vector<std::vector<float>> read_all(std::span<const fs::path> files, int rate_hz,
                                         const char* what, std::vector<std::string>& problems) {
    std::vector<std::vector<float>> sounds;
    for (const fs::path& file : files) {
        try {
            sounds.push_back(read_excerpt(file, rate_hz));
        } catch (const std::exception& error) {
            problems.emplace_back(error.what());
        }
    }
    if (sounds.empty() && !files.empty()) {
        throw std::runtime_error("none of the recordings of " + std::string(what) +
                                 " can be used; the last: " + problems.back());
    }
    return sounds;
}

/// A sine by rotation: scenes have more of them than std::sin could give in time.
class Oscillator {
 public:
    Oscillator(float phase, float turn) : re_(std::cos(phase)), im_(std::sin(phase)) {
        set_turn(turn);
    }
    /// turn: radians a sample.
    void set_turn(float turn) {
        cos_ = std::cos(turn);
        sin_ = std::sin(turn);
    }
    float next() {
        const float im = im_;
        im_ = im_ * cos_ + re_ * sin_;
        re_ = re_ * cos_ - im * sin_;
        return im;
    }

 private:
    float re_;
    float im_;
    float cos_ = 1.0F;
    float sin_ = 0.0F;
};

float turn_of(float hz, int rate_hz) {
    return 2.0F * std::numbers::pi_v<float> * hz / static_cast<float>(rate_hz);
}

void add_tone(std::span<float> out, int rate_hz, float hz, float amplitude, float phase) {
    Oscillator tone(phase, turn_of(hz, rate_hz));
    for (float& sample : out) {
        sample += amplitude * tone.next();
    }
}

struct Timbre {
    float amplitude = 1.0F;
    float attack_s = 0.01F;
    float decay_s = 1.0F;
    float fall = 1.0F;     ///< harmonic n has 1 / n^fall
    float vibrato = 0.0F;  ///< share of the pitch
};

void add_note(std::span<float> out, int rate_hz, float hz, const Timbre& timbre, Random& random) {
    constexpr int kMostHarmonics = 12;
    constexpr std::size_t kBlock = 64;
    constexpr float kVibratoHz = 5.5F;
    const auto rate = static_cast<float>(rate_hz);
    for (int harmonic = 1; harmonic <= kMostHarmonics; ++harmonic) {
        const float partial_hz = hz * static_cast<float>(harmonic) * draw(0.999F, 1.001F, random);
        if (partial_hz > 0.45F * rate) {
            break;
        }
        const float amplitude = timbre.amplitude * draw(0.3F, 1.0F, random) /
                                std::pow(static_cast<float>(harmonic), timbre.fall);
        // Higher partials die sooner, as on strings.
        const float decay_s = timbre.decay_s / (1.0F + 0.2F * static_cast<float>(harmonic - 1));
        Oscillator partial(draw(0.0F, 6.28F, random), 0.0F);
        for (std::size_t begin = 0; begin < out.size(); begin += kBlock) {
            const float t = static_cast<float>(begin) / rate;
            const float swing = timbre.vibrato * std::sin(6.2831853F * kVibratoHz * t);
            partial.set_turn(turn_of(partial_hz * (1.0F + swing), rate_hz));
            const float envelope =
                amplitude * std::min(1.0F, (t + 0.002F) / timbre.attack_s) * std::exp(-t / decay_s);
            for (float& sample : out.subspan(begin, std::min(kBlock, out.size() - begin))) {
                sample += envelope * partial.next();
            }
        }
    }
}

/// A burst of noise that dies away: a drum, a key.
void add_burst(std::span<float> out, int rate_hz, float amplitude, float decay_s, float darkness,
               Random& random) {
    std::normal_distribution<float> normal;
    float state = 0.0F;
    const float kept = std::exp(-1.0F / (decay_s * static_cast<float>(rate_hz)));
    for (float& sample : out) {
        state = darkness * state + (1.0F - darkness) * normal(random);
        sample += amplitude * state;
        amplitude *= kept;
        if (amplitude < 1e-5F) {
            break;
        }
    }
}

std::span<float> part_of(std::span<float> out, std::size_t from, std::size_t length) {
    from = std::min(from, out.size());
    return out.subspan(from, std::min(length, out.size() - from));
}

/// Cut from a random place, repeated where it is short.
std::vector<float> cut_from(const std::vector<float>& sound, std::size_t size, Random& random) {
    std::vector<float> result(size);
    std::size_t at = draw_index(sound.size(), random);
    for (float& sample : result) {
        sample = sound[at];
        at = at + 1 == sound.size() ? 0 : at + 1;
    }
    return result;
}

/// Played more than once over, in a room, through an amplifier that saturates: as recordings are.
std::vector<float> produced_music(const SceneMaterial& material, std::size_t size, Random& random) {
    std::vector<float> samples = synthetic_music(size, material.rate_hz(), random);
    if (happens(0.4, random)) {
        const std::vector<float> more = synthetic_music(size, material.rate_hz(), random);
        std::ranges::transform(samples, more, samples.begin(), std::plus<>());
    }
    if (!material.rooms().empty() && happens(0.5, random)) {
        samples =
            material.rooms()[draw_index(material.rooms().size(), random)].reverberate(samples);
    }
    const float level = rms(samples);
    if (level > 0.0F && happens(0.4, random)) {
        const float drive = draw(0.3F, 3.0F, random) / level;
        for (float& sample : samples) {
            sample = std::tanh(drive * sample);
        }
    }
    return samples;
}

std::vector<float> draw_background(const SceneMaterial& material, std::size_t size,
                                   Random& random) {
    enum Kind { Nothing, Noise, Music, Synthetic, Coloured, Hum, Tones, Keys, kNumKinds };
    std::array<double, kNumKinds> weights{};
    weights[Nothing] = 3.0;
    weights[Noise] = material.noises().empty() ? 0.0 : 6.0;
    weights[Music] = material.music().empty() ? 0.0 : 5.0;
    weights[Synthetic] = material.music().empty() ? 6.0 : 3.0;
    weights[Coloured] = 2.5;
    weights[Hum] = 2.5;
    weights[Tones] = 1.5;
    weights[Keys] = 1.5;
    std::discrete_distribution<int> kinds(weights.begin(), weights.end());
    const int rate_hz = material.rate_hz();
    switch (kinds(random)) {
        case Noise:
            return cut_from(material.noises()[draw_index(material.noises().size(), random)], size,
                            random);
        case Music:
            return cut_from(material.music()[draw_index(material.music().size(), random)], size,
                            random);
        case Synthetic: return produced_music(material, size, random);
        case Coloured: return coloured_noise(size, random);
        case Hum: return hum(size, rate_hz, random);
        case Tones: return telephone_tones(size, rate_hz, random);
        case Keys: return keyboard(size, rate_hz, random);
        default: return std::vector<float>(size);
    }
}

/// Root mean square of the hops that are speech; 0 without any.
float speech_rms(std::span<const float> samples, const std::vector<bool>& speech, std::size_t hop) {
    double energy = 0.0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < speech.size(); ++i) {
        if (speech[i]) {
            for (std::size_t k = i * hop; k < (i + 1) * hop; ++k) {
                energy += static_cast<double>(samples[k]) * samples[k];
            }
            count += hop;
        }
    }
    return count == 0 ? 0.0F : static_cast<float>(std::sqrt(energy / static_cast<double>(count)));
}

using Speaker = std::vector<fs::path>;

const Speaker& draw_speaker(const SceneMaterial& material, Random& random) {
    return material.speakers()[draw_index(material.speakers().size(), random)];
}

/// A recording of the speaker's. Where it cannot be used, there is another speaker from then on.
std::vector<float> draw_recording(const SceneMaterial& material, const Speaker*& speaker,
                                  std::set<std::string>& problems, Random& random) {
    constexpr int kMostInARow = 20;
    for (int left_out = 0;; speaker = &draw_speaker(material, random)) {
        try {
            return read_excerpt((*speaker)[draw_index(speaker->size(), random)],
                                material.rate_hz());
        } catch (const std::exception& error) {
            problems.emplace(error.what());
            if (++left_out == kMostInARow) {
                throw std::runtime_error(std::to_string(left_out) +
                                         " recordings of speech in a row cannot be used; the "
                                         "last: " +
                                         error.what());
            }
        }
    }
}

/// One speaker's recordings with pauses between them.
void draw_speech(const SceneMaterial& material, std::size_t hop, VoiceScene& scene,
                 Random& random) {
    const Speaker* speaker = &draw_speaker(material, random);
    const int rate_hz = material.rate_hz();
    const float level_db = draw(-26.0F, -20.0F, random);
    std::size_t at = 0;
    while (at < scene.samples.size()) {
        at += samples_in(happens(0.5, random) ? draw(0.0F, 0.6F, random) : draw(0.6F, 3.5F, random),
                         rate_hz);
        at = (at + hop - 1) / hop * hop;
        std::vector<float> clip = draw_recording(material, speaker, scene.problems, random);
        if (happens(0.3, random)) {
            clip = change_speed(clip, rate_hz, draw(0.88F, 1.12F, random));
        }
        const std::vector<bool> speech = speech_hops(clip, rate_hz, static_cast<int>(hop));
        const float level = speech_rms(clip, speech, hop);
        if (!(level > 0.0F) || at >= scene.samples.size()) {
            continue;
        }
        const float gain = from_db(level_db + draw(-5.0F, 5.0F, random)) / level;
        const std::size_t size = std::min(clip.size(), scene.samples.size() - at);
        for (std::size_t i = 0; i < size; ++i) {
            scene.samples[at + i] = gain * clip[i];
        }
        for (std::size_t i = 0; i < speech.size() && at / hop + i < scene.speech.size(); ++i) {
            scene.speech[at / hop + i] = speech[i];
        }
        at += clip.size();
    }
}

void add_backgrounds(const SceneMaterial& material, float speech_level, std::vector<float>& samples,
                     Random& random) {
    const std::size_t num_parts = 1 + draw_index(3, random);
    const std::size_t length = samples.size() / num_parts + 1;
    for (std::size_t part = 0; part < num_parts; ++part) {
        const std::span<float> place = part_of(samples, part * length, length);
        const std::vector<float> sound = draw_background(material, place.size(), random);
        const float level = rms(sound);
        if (!(level > 0.0F)) {
            continue;
        }
        const float gain = speech_level / level * from_db(-draw(-5.0F, 30.0F, random));
        for (std::size_t i = 0; i < place.size(); ++i) {
            place[i] += gain * sound[i];
        }
    }
    if (happens(0.85, random)) {
        // Without it silence between recordings would tell that nobody speaks.
        const std::vector<float> floor = coloured_noise(samples.size(), random);
        const float gain = speech_level / rms(floor) * from_db(-draw(20.0F, 60.0F, random));
        for (std::size_t i = 0; i < samples.size(); ++i) {
            samples[i] += gain * floor[i];
        }
    }
}

}  // namespace

SceneMaterial::SceneMaterial(int rate_hz, std::vector<std::vector<fs::path>> speakers,
                             std::span<const fs::path> noise, std::span<const fs::path> music,
                             std::span<const fs::path> impulse_responses)
    : rate_hz_(rate_hz),
      speakers_(std::move(speakers)),
      noises_(read_all(noise, rate_hz, "noise", problems_)),
      music_(read_all(music, rate_hz, "music", problems_)) {
    std::erase_if(speakers_, [](const auto& recordings) { return recordings.empty(); });
    if (speakers_.empty()) {
        throw std::runtime_error("there is nobody to learn speech from");
    }
    for (const std::vector<float>& response :
         read_all(impulse_responses, rate_hz, "rooms", problems_)) {
        rooms_.emplace_back(response);
    }
}

std::vector<bool> speech_hops(std::span<const float> samples, int rate_hz, int hop_samples) {
    constexpr int kSmoothedMs = 50;
    constexpr int kLongestGapMs = 150;
    constexpr float kBelowLoudestDb = 30.0F;
    constexpr float kAboveQuietestDb = 8.0F;
    constexpr float kLeastBelowLoudestDb = 20.0F;
    constexpr float kQuietestSpeechDbfs = -100.0F;
    const auto hops_in = [&](int ms) { return ms * rate_hz / 1000 / hop_samples; };
    const std::ptrdiff_t smoothed = hops_in(kSmoothedMs) / 2;  // to either side
    const auto longest_gap = static_cast<std::size_t>(hops_in(kLongestGapMs));
    const auto hop = static_cast<std::size_t>(hop_samples);
    const std::size_t count = samples.size() / hop;
    if (count == 0) {
        return {};
    }
    std::vector<double> energy(count);
    for (std::size_t i = 0; i < count; ++i) {
        for (const float sample : samples.subspan(i * hop, hop)) {
            energy[i] += static_cast<double>(sample) * sample;
        }
    }
    std::vector<float> level_db(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto at = static_cast<std::ptrdiff_t>(i);
        const std::ptrdiff_t first = std::max<std::ptrdiff_t>(0, at - smoothed);
        const std::ptrdiff_t last = std::min(static_cast<std::ptrdiff_t>(count) - 1, at + smoothed);
        double sum = 0.0;
        for (std::ptrdiff_t k = first; k <= last; ++k) {
            sum += energy[static_cast<std::size_t>(k)];
        }
        const double mean = sum / static_cast<double>((last - first + 1) * hop_samples);
        level_db[i] = static_cast<float>(10.0 * std::log10(std::max(mean, 1e-12)));
    }
    std::vector<float> sorted = level_db;
    std::ranges::sort(sorted);
    const float loudest = sorted.back();
    if (loudest < kQuietestSpeechDbfs) {
        return std::vector<bool>(count);
    }
    const float quietest = sorted[count / 20];
    const float least =
        std::max(loudest - kBelowLoudestDb,
                 std::min(quietest + kAboveQuietestDb, loudest - kLeastBelowLoudestDb));
    std::vector<bool> speech(count);
    std::size_t silent_for = longest_gap + 1;  // what comes before the first speech is no gap
    for (std::size_t i = 0; i < count; ++i) {
        speech[i] = level_db[i] > least;
        if (speech[i] && silent_for <= longest_gap) {
            std::fill_n(speech.begin() + static_cast<std::ptrdiff_t>(i - silent_for), silent_for,
                        true);
        }
        silent_for = speech[i] ? 0 : silent_for + 1;
    }
    return speech;
}

VoiceScene draw_scene(const SceneMaterial& material, const dsp::FeatureSpec& spec, double seconds,
                      Random& random) {
    constexpr float kLevelWithoutSpeech = 0.07F;
    const auto hop = static_cast<std::size_t>(spec.hop_samples);
    const auto num_hops = static_cast<std::size_t>(seconds * spec.sample_rate_hz) / hop;
    VoiceScene scene{std::vector<float>(num_hops * hop), std::vector<bool>(num_hops), {}};
    if (happens(0.8, random)) {
        draw_speech(material, hop, scene, random);
    }
    if (!material.rooms().empty() && happens(0.4, random)) {
        const auto& room = material.rooms()[draw_index(material.rooms().size(), random)];
        scene.samples = room.reverberate(scene.samples);
    }
    const float level = speech_rms(scene.samples, scene.speech, hop);
    add_backgrounds(material, level > 0.0F ? level : kLevelWithoutSpeech, scene.samples, random);
    if (happens(0.3, random)) {
        scene.samples = telephone(scene.samples, spec.sample_rate_hz);
    } else if (happens(0.3, random)) {
        scene.samples =
            low_pass(scene.samples, spec.sample_rate_hz, draw(2500.0F, 8000.0F, random));
    }
    scene.samples = amplify(scene.samples, draw(-40.0F, 14.0F, random)).samples;
    return scene;
}

std::vector<float> hum(std::size_t size, int rate_hz, Random& random) {
    const float mains_hz = (happens(0.5, random) ? 50.0F : 60.0F) * draw(0.998F, 1.002F, random);
    const float fall = draw(0.3F, 2.0F, random);
    const bool is_regular = happens(0.5, random);
    const auto num_harmonics = std::uniform_int_distribution<int>(1, 40)(random);
    std::vector<float> samples(size);
    for (int harmonic = 1; harmonic <= num_harmonics; ++harmonic) {
        const float amplitude =
            (is_regular ? 1.0F : draw(0.0F, 1.0F, random) * draw(0.0F, 1.0F, random)) /
            std::pow(static_cast<float>(harmonic), fall);
        add_tone(samples, rate_hz, mains_hz * static_cast<float>(harmonic), amplitude,
                 draw(0.0F, 6.28F, random));
    }
    return samples;
}

std::vector<float> telephone_tones(std::size_t size, int rate_hz, Random& random) {
    constexpr std::array<std::pair<float, float>, 8> kSteadyPairs{
        {{350, 440}, {440, 480}, {480, 620}, {400, 450}, {425, 0}, {1000, 0}, {440, 0}, {950, 0}}};
    constexpr std::array<float, 4> kKeyRows{697, 770, 852, 941};
    constexpr std::array<float, 4> kKeyColumns{1209, 1336, 1477, 1633};
    const bool are_keys = happens(0.25, random);
    const bool any_pitch = happens(0.4, random);
    const bool is_steady = !are_keys && happens(0.3, random);
    const float on_s = are_keys ? draw(0.05F, 0.3F, random) : draw(0.2F, 2.0F, random);
    const float off_s = are_keys ? draw(0.05F, 0.4F, random) : draw(0.2F, 4.0F, random);
    std::pair<float, float> hz = kSteadyPairs[draw_index(kSteadyPairs.size(), random)];
    std::vector<float> samples(size);
    std::size_t at = 0;
    while (at < size) {
        if (are_keys) {
            hz = {kKeyRows[draw_index(4, random)], kKeyColumns[draw_index(4, random)]};
        } else if (any_pitch && (at == 0 || happens(0.3, random))) {
            hz = {draw(80.0F, 2500.0F, random),
                  happens(0.5, random) ? draw(80.0F, 2500.0F, random) : 0.0F};
        }
        const std::size_t length = is_steady ? size : samples_in(on_s, rate_hz);
        for (const float tone_hz : {hz.first, hz.second}) {
            if (tone_hz > 0.0F) {
                add_tone(part_of(samples, at, length), rate_hz, tone_hz, 1.0F, 0.0F);
            }
        }
        at += length + samples_in(off_s, rate_hz);
    }
    return samples;
}

std::vector<float> keyboard(std::size_t size, int rate_hz, Random& random) {
    std::vector<float> samples(size);
    const float decay_s = draw(0.002F, 0.02F, random);
    const float darkness = draw(0.0F, 0.8F, random);
    const float least_pause_s = draw(0.03F, 0.15F, random);
    std::size_t at = 0;
    while (at < size) {
        const float stroke = draw(0.3F, 1.0F, random);
        const float resonance_hz = draw(300.0F, 3500.0F, random);
        add_burst(part_of(samples, at, size), rate_hz, stroke, decay_s, darkness, random);
        add_note(part_of(samples, at, samples_in(0.06F, rate_hz)), rate_hz, resonance_hz,
                 {0.2F * stroke, 0.0005F, 1.5F * decay_s, 1.5F, 0.0F}, random);
        // The key comes up again, softer.
        add_burst(part_of(samples, at + samples_in(draw(0.05F, 0.12F, random), rate_hz), size),
                  rate_hz, 0.4F * stroke, decay_s, darkness, random);
        at += samples_in(happens(0.1, random) ? draw(0.3F, 1.5F, random)
                                              : least_pause_s + draw(0.0F, 0.2F, random),
                         rate_hz);
    }
    return samples;
}

std::vector<float> synthetic_music(std::size_t size, int rate_hz, Random& random) {
    constexpr std::array<int, 7> kMajor{0, 2, 4, 5, 7, 9, 11};
    constexpr std::array<int, 7> kMinor{0, 2, 3, 5, 7, 8, 10};
    const auto& scale = happens(0.5, random) ? kMajor : kMinor;
    const float tonic_hz = draw(55.0F, 110.0F, random);
    const auto degree_hz = [&](int degree) {
        const int semitones = scale[static_cast<std::size_t>(degree % 7)] + 12 * (degree / 7);
        return tonic_hz * std::pow(2.0F, static_cast<float>(semitones) / 12.0F);
    };
    struct Instrument {
        bool plays;
        Timbre timbre;
    };
    const auto draw_instrument = [&](double probability) {
        const bool plucked = happens(0.6, random);
        return Instrument{
            happens(probability, random),
            {draw(0.3F, 1.0F, random),
             plucked ? draw(0.002F, 0.02F, random) : draw(0.05F, 0.4F, random),
             plucked ? draw(0.1F, 0.8F, random) : draw(1.0F, 6.0F, random),
             draw(0.6F, 2.2F, random), happens(0.3, random) ? draw(0.001F, 0.012F, random) : 0.0F}};
    };
    Instrument chords = draw_instrument(0.8);
    const Instrument bass = draw_instrument(0.6);
    const Instrument melody = draw_instrument(0.7);
    const bool has_drums = happens(0.5, random);
    chords.plays |= !bass.plays && !melody.plays && !has_drums;
    const float beat_s = draw(0.3F, 0.85F, random);
    const float drum = draw(0.2F, 1.0F, random);

    std::vector<float> samples(size);
    const auto play = [&](const Instrument& instrument, std::size_t at, int degree,
                          float length_s) {
        add_note(part_of(samples, at, samples_in(length_s, rate_hz)), rate_hz, degree_hz(degree),
                 instrument.timbre, random);
    };
    int root = 0;
    for (std::size_t beat = 0; samples_in(static_cast<float>(beat) * beat_s, rate_hz) < size;
         ++beat) {
        const std::size_t at = samples_in(static_cast<float>(beat) * beat_s, rate_hz);
        if (beat % 4 == 0) {
            root = static_cast<int>(draw_index(7, random));
            for (const int step : {0, 2, 4}) {
                if (chords.plays) {
                    play(chords, at, 14 + root + step, 4.0F * beat_s);
                }
            }
        }
        if (bass.plays && (beat % 2 == 0 || happens(0.3, random))) {
            play(bass, at, root, 2.0F * beat_s);
        }
        if (melody.plays) {
            const std::size_t notes = 1 + draw_index(2, random);
            for (std::size_t note = 0; note < notes; ++note) {
                const float length_s = beat_s / static_cast<float>(notes);
                play(melody, at + samples_in(static_cast<float>(note) * length_s, rate_hz),
                     14 + static_cast<int>(draw_index(14, random)), 1.5F * length_s);
            }
        }
        if (has_drums) {
            const bool is_kick = beat % 2 == 0;
            add_burst(part_of(samples, at, size), rate_hz, drum * (is_kick ? 6.0F : 1.0F),
                      is_kick ? 0.06F : 0.04F, is_kick ? 0.97F : 0.3F, random);
            add_burst(part_of(samples, at + samples_in(0.5F * beat_s, rate_hz), size), rate_hz,
                      0.4F * drum, 0.02F, 0.0F, random);
        }
    }
    return samples;
}

}  // namespace emotiond::model
