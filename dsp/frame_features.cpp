#include "dsp/frame_features.hpp"

#include <algorithm>
#include <cmath>

#include "dsp/kernels.hpp"

namespace emotiond::dsp {
namespace {

float semitones(float hz) {
    constexpr float kLowestA = 27.5F;
    return 12.0F * std::log2(hz / kLowestA);
}

}  // namespace

FrameFeatures::FrameFeatures(const FeatureSpec& spec)
    : spec_((spec.validate(), spec)), spectrum_(spec), mfcc_(spec) {
    if (spec.f0) {
        pitch_.emplace(spec);
    }
    if (spec.chroma || spec.tonnetz) {
        chroma_.emplace(spec);
    }
    if (spec.spectral_contrast) {
        contrast_.emplace(spec);
    }
}

void FrameFeatures::compute(std::span<const float> samples, SpectralFlux& flux,
                            std::span<float> out) {
    const auto frame_samples = static_cast<std::size_t>(spec_.frame_samples);
    const std::span<const float> frame = samples.subspan(spec_.lookbehind_samples(), frame_samples);
    const auto size = static_cast<float>(frame_samples);

    const std::span<const float> power = spectrum_.compute(frame);
    mfcc_.compute(power, out);
    if (spec_.zeroth_coeff == ZerothCoeff::LogEnergyInstead) {
        out[0] = spectrum_.log_energy(frame);
    }
    auto next = out.begin() + spec_.num_coeffs;
    if (spec_.append_log_energy) {
        *next++ = spectrum_.log_energy(frame);
    }
    if (pitch_) {
        const PitchEstimator::Pitch pitch = pitch_->estimate(samples);
        *next++ = semitones(pitch.hz);
        *next++ = pitch.voicing;
    }
    if (spec_.zero_crossing_rate) {
        *next++ = static_cast<float>(kernels::zero_crossings(frame.data(), frame.size())) / size;
    }
    if (spec_.rms) {
        *next++ = std::sqrt(kernels::energy(frame.data(), frame.size(), 0.0F) / size);
    }
    if (spec_.spectral_flux) {
        *next++ = flux.compute(mfcc_.log_mels());
    }
    if (chroma_) {
        chroma_->compute(power, chroma_row_);
    }
    if (spec_.chroma) {
        next = std::ranges::copy(chroma_row_, next).out;
    }
    if (contrast_) {
        contrast_->compute(power, {next, SpectralContrast::kSize});
        next += SpectralContrast::kSize;
    }
    if (spec_.tonnetz) {
        tonnetz_.compute(chroma_row_, {next, Tonnetz::kSize});
    }
}

}  // namespace emotiond::dsp
