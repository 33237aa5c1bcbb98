#include "dsp/feature_spec.hpp"

#include <sstream>
#include <stdexcept>
#include <string>

#include "dsp/chroma.hpp"
#include "dsp/spectral_contrast.hpp"
#include "dsp/tonnetz.hpp"

namespace emotiond::dsp {

FeatureSpec FeatureSpec::librosa(int sample_rate_hz) {
    FeatureSpec spec;
    spec.sample_rate_hz = sample_rate_hz;
    spec.frame_samples = 2048;
    spec.hop_samples = 512;
    spec.fft_size = 2048;
    spec.window = WindowShape::Hann;
    spec.padding = Padding::Centre;
    spec.num_mels = 128;
    spec.high_hz = static_cast<float>(sample_rate_hz) / 2.0F;
    spec.mel_scale = MelScale::Slaney;
    spec.mel_shape = MelShape::TriangleInHz;
    spec.mel_norm = MelNorm::Area;
    spec.log_scale = LogScale::Decibel;
    spec.num_coeffs = 20;
    spec.f0_frame_samples = 2048;
    spec.f0_difference = F0Difference::Zeros;
    spec.delta_kind = DeltaKind::SavitzkyGolay;
    spec.delta_half_width = 4;
    return spec;
}

FeatureSpec FeatureSpec::kaldi() {
    FeatureSpec spec;
    spec.sample_scale = 32768.0F;
    spec.remove_dc = true;
    spec.pre_emphasis = 0.97F;
    spec.window = WindowShape::Povey;
    spec.num_mels = 23;
    spec.low_hz = 20.0F;
    spec.log_floor = 1.1920929e-07F;  // float epsilon
    spec.lifter = 22;
    spec.zeroth_coeff = ZerothCoeff::LogEnergyInstead;
    return spec;
}

FeatureSpec FeatureSpec::htk() {
    FeatureSpec spec;
    spec.sample_scale = 32768.0F;
    spec.pre_emphasis = 0.97F;
    spec.window = WindowShape::Hamming;
    spec.log_floor = 1.0F;
    spec.dct_scale = DctScale::Htk;
    spec.lifter = 22;
    spec.zeroth_coeff = ZerothCoeff::Last;
    spec.delta_order = 2;
    return spec;
}

std::size_t FeatureSpec::num_static() const {
    return static_cast<std::size_t>(num_coeffs) + (append_log_energy ? 1U : 0U) + (f0 ? 2U : 0U) +
           (zero_crossing_rate ? 1U : 0U) + (rms ? 1U : 0U) + (spectral_flux ? 1U : 0U) +
           (chroma ? Chroma::kSize : 0U) + (spectral_contrast ? SpectralContrast::kSize : 0U) +
           (tonnetz ? Tonnetz::kSize : 0U);
}

std::size_t FeatureSpec::num_features() const {
    return num_static() * static_cast<std::size_t>(1 + delta_order);
}

std::vector<std::string> FeatureSpec::feature_names() const {
    std::vector<std::string> names;
    names.reserve(num_features());
    for (int n = 0; n < num_coeffs; ++n) {
        const int coeff = zeroth_coeff == ZerothCoeff::Last ? (n + 1) % num_coeffs : n;
        const bool is_energy = n == 0 && zeroth_coeff == ZerothCoeff::LogEnergyInstead;
        names.push_back(is_energy ? "log_energy" : "mfcc" + std::to_string(coeff));
    }
    const auto add = [&names](bool asked_for, std::initializer_list<const char*> more) {
        if (asked_for) {
            names.insert(names.end(), more.begin(), more.end());
        }
    };
    add(append_log_energy, {"log_energy"});
    add(f0, {"f0_semitones", "voicing"});
    add(zero_crossing_rate, {"zcr"});
    add(rms, {"rms"});
    add(spectral_flux, {"flux"});
    add(chroma,
        {"chroma_c", "chroma_c_sharp", "chroma_d", "chroma_d_sharp", "chroma_e", "chroma_f",
         "chroma_f_sharp", "chroma_g", "chroma_g_sharp", "chroma_a", "chroma_a_sharp", "chroma_b"});
    add(spectral_contrast, {"contrast_0", "contrast_1", "contrast_2", "contrast_3", "contrast_4",
                            "contrast_5", "contrast_6"});
    add(tonnetz, {"tonnetz_fifth_x", "tonnetz_fifth_y", "tonnetz_minor_x", "tonnetz_minor_y",
                  "tonnetz_major_x", "tonnetz_major_y"});

    const std::size_t count = names.size();
    for (int order = 1; order <= delta_order; ++order) {
        for (std::size_t i = 0; i < count; ++i) {
            names.push_back(std::string(static_cast<std::size_t>(order), 'd') + "_" + names[i]);
        }
    }
    return names;
}

std::size_t FeatureSpec::lookahead_rows() const {
    // Regression takes the delta of the delta; Savitzky-Golay fits both orders on the statics.
    const int passes =
        delta_kind == DeltaKind::Regression ? delta_order : (delta_order > 0 ? 1 : 0);
    return static_cast<std::size_t>(passes) * static_cast<std::size_t>(delta_half_width);
}

std::size_t FeatureSpec::lookbehind_rows() const {
    return lookahead_rows() + (spectral_flux ? 1U : 0U);
}

std::size_t FeatureSpec::lookahead_samples() const {
    return f0 ? static_cast<std::size_t>(f0_frame_samples - frame_samples) - lookbehind_samples()
              : 0;
}

std::size_t FeatureSpec::lookbehind_samples() const {
    return f0 ? static_cast<std::size_t>(f0_frame_samples - frame_samples) / 2 : 0;
}

namespace {

template <typename Value>
void require(bool holds, const char* member, const char* allowed, Value got) {
    if (holds) {
        return;
    }
    std::ostringstream message;
    message << "feature specification: " << member << " must be " << allowed << ", got " << got;
    throw std::invalid_argument(message.str());
}

}  // namespace

void FeatureSpec::validate() const {
    const float nyquist_hz = static_cast<float>(sample_rate_hz) / 2.0F;
    require(sample_rate_hz >= 8000 && sample_rate_hz <= 192000, "sample_rate_hz", "8000 to 192000",
            sample_rate_hz);
    require(frame_samples >= 2 && frame_samples <= 65536, "frame_samples", "2 to 65536",
            frame_samples);
    require(hop_samples >= 1 && hop_samples <= frame_samples, "hop_samples", "1 to frame_samples",
            hop_samples);
    require(fft_size >= frame_samples && fft_size <= 65536 && fft_size % 2 == 0, "fft_size",
            "even, frame_samples to 65536", fft_size);
    require(sample_scale > 0.0F && sample_scale <= 65536.0F, "sample_scale", "above 0, to 65536",
            sample_scale);
    require(pre_emphasis >= 0.0F && pre_emphasis <= 1.0F, "pre_emphasis", "0 to 1", pre_emphasis);
    require(num_mels >= 1 && num_mels <= 512, "num_mels", "1 to 512", num_mels);
    require(low_hz >= 0.0F && low_hz < high_hz, "low_hz", "0 to below high_hz", low_hz);
    require(high_hz <= nyquist_hz, "high_hz", "at most half the sample rate", high_hz);
    require(frequency_warp >= 0.5F && frequency_warp <= 2.0F, "frequency_warp", "0.5 to 2",
            frequency_warp);
    require(log_floor > 0.0F, "log_floor", "above 0", log_floor);
    require(num_coeffs >= 1 && num_coeffs <= num_mels, "num_coeffs", "1 to num_mels", num_coeffs);
    require(lifter >= 0 && lifter <= 1000, "lifter", "0 to 1000", lifter);
    require(delta_order >= 0 && delta_order <= 2, "delta_order", "0, 1 or 2", delta_order);
    require(delta_half_width >= 1 && delta_half_width <= 16, "delta_half_width", "1 to 16",
            delta_half_width);
    if (spectral_contrast) {
        require(sample_rate_hz > 2 * SpectralContrast::kHighestEdgeHz, "sample_rate_hz",
                "above 12800 for spectral_contrast", sample_rate_hz);
        require(fft_size * SpectralContrast::kLowestEdgeHz >= sample_rate_hz, "fft_size",
                "at least sample_rate_hz/200 for spectral_contrast", fft_size);
    }
    if (f0) {
        require(f0_low_hz > 0.0F && f0_low_hz < f0_high_hz, "f0_low_hz",
                "above 0, below f0_high_hz", f0_low_hz);
        require(f0_high_hz <= nyquist_hz, "f0_high_hz", "at most half the sample rate", f0_high_hz);
        require(f0_frame_samples >= frame_samples && f0_frame_samples <= 65536 &&
                    f0_frame_samples % 2 == 0,
                "f0_frame_samples", "even, frame_samples to 65536", f0_frame_samples);
        require(static_cast<float>(f0_frame_samples) * f0_low_hz >=
                    2.0F * static_cast<float>(sample_rate_hz),
                "f0_frame_samples", "at least two periods of f0_low_hz", f0_frame_samples);
    }
}

}  // namespace emotiond::dsp
