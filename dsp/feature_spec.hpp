#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace emotiond::dsp {

enum class WindowShape {
    Hann,     ///< periodic, as librosa: 0.5 - 0.5 cos(2 pi n / N)
    Hamming,  ///< symmetric, as HTK: 0.54 - 0.46 cos(2 pi n / (N-1))
    Povey,    ///< Kaldi's: (0.5 - 0.5 cos(2 pi n / (N-1)))^0.85
};
enum class Padding {
    None,    ///< frame i covers samples [i hop, i hop + frame): Kaldi's snip_edges, HTK
    Centre,  ///< frame i is centred on sample i hop; zeros before and after: librosa >= 0.9
};
enum class MelScale {
    Htk,     ///< 1127 ln(1 + f/700)
    Slaney,  ///< 3f/200 below 1 kHz, 15 + 27 ln(f/1000)/ln 6.4 above
};
enum class MelShape {
    TriangleInHz,   ///< edges are straight over frequency: librosa
    TriangleInMel,  ///< edges are straight over mel: Kaldi, HTK
};
enum class MelNorm {
    None,  ///< every filter peaks at 1
    Area,  ///< Slaney's: 2 / (f[m+2] - f[m])
};
enum class LogScale {
    Natural,  ///< ln(max(floor, S))
    Decibel,  ///< 10 log10(max(floor, S)), no top_db: a stream has no matrix maximum
};
enum class DctScale {
    Orthonormal,  ///< sqrt(2/M), and sqrt(1/M) for coefficient 0
    Htk,          ///< sqrt(2/M) for all, coefficient 0 included
};
enum class ZerothCoeff {
    First,             ///< C0, C1, ...
    Last,              ///< C1, ..., C0: HTK's `_0`
    LogEnergyInstead,  ///< ln of the raw frame energy takes the place of C0: Kaldi's use_energy
};
enum class F0Difference {
    Overlap,  ///< mean over the samples that a frame and the shifted frame share: no bias
    Zeros,    ///< sum over the frame, zeros behind it: librosa 0.11; blurs long periods
};
enum class DeltaKind {
    Regression,    ///< HTK: sum k (x[t+k] - x[t-k]) / (2 sum k^2), edge rows repeated
    SavitzkyGolay  ///< librosa.feature.delta: polynomial of the order, edges by interpolation
};

/// What one feature row is. Two systems agree on features exactly when their specifications are
/// equal; a model bundle carries the one it was trained on.
/// Source: Davis & Mermelstein 1980; the three definitions compared in docs/features.md.
struct FeatureSpec {
    int sample_rate_hz = 16000;
    int frame_samples = 400;
    int hop_samples = 160;
    int fft_size = 512;         ///< >= frame_samples; the frame is followed by zeros
    float sample_scale = 1.0F;  ///< samples are +-1; Kaldi and HTK count 16-bit integers
    bool remove_dc = false;     ///< subtract the frame's mean, before anything else
    float pre_emphasis = 0.0F;  ///< per frame; 0 = none
    WindowShape window = WindowShape::Hann;
    Padding padding = Padding::None;

    int num_mels = 26;
    float low_hz = 0.0F;
    float high_hz = 8000.0F;
    MelScale mel_scale = MelScale::Htk;
    MelShape mel_shape = MelShape::TriangleInMel;
    MelNorm mel_norm = MelNorm::None;
    /// What the mel filters' frequencies are multiplied by, up to a bend near the top from where on
    /// they lead straight to half the sample rate: a longer (above 1) or shorter vocal tract, for
    /// training. 1 = none, as when serving. Source: Jaitly & Hinton 2013.
    float frequency_warp = 1.0F;
    LogScale log_scale = LogScale::Natural;
    float log_floor = 1e-10F;

    int num_coeffs = 13;
    DctScale dct_scale = DctScale::Orthonormal;
    int lifter = 0;  ///< c[n] *= 1 + L/2 sin(pi n / L); 0 = none
    ZerothCoeff zeroth_coeff = ZerothCoeff::First;
    bool append_log_energy = false;  ///< ln of the frame's energy before pre-emphasis

    // More features of the same frame, behind the cepstrum in this order; docs/features.md.
    bool f0 = false;              ///< YIN's pitch in semitones above 27.5 Hz, voicing 0..1
    int f0_frame_samples = 1024;  ///< has its middle where the frame has its own
    float f0_low_hz = 65.0F;      ///< what a pitch may be, to f0_high_hz
    float f0_high_hz = 500.0F;
    F0Difference f0_difference = F0Difference::Overlap;
    bool zero_crossing_rate = false;  ///< share of samples that changed the sign
    bool rms = false;                 ///< of the samples, +-1
    bool spectral_flux = false;       ///< mean rise of the log mels since the row before
    bool chroma = false;              ///< of twelve semitones, the strongest 1
    bool spectral_contrast = false;   ///< of seven bands, dB
    bool tonnetz = false;             ///< where the chroma lies on three circles

    int delta_order = 0;  ///< 0, 1 (deltas) or 2 (deltas and accelerations), after the statics
    int delta_half_width = 2;
    DeltaKind delta_kind = DeltaKind::Regression;

    bool operator==(const FeatureSpec&) const = default;

    /// librosa.feature.mfcc(S=power_to_db(melspectrogram(...), top_db=None)) with its defaults.
    static FeatureSpec librosa(int sample_rate_hz = 22050);
    /// kaldi-native-fbank's MfccOptions, dither 0.
    static FeatureSpec kaldi();
    /// HTK's MFCC_0_D_A as openSMILE's MFCC12_0_D_A computes it.
    static FeatureSpec htk();

    /// [num_static] features before deltas.
    [[nodiscard]] std::size_t num_static() const;
    /// [num_features] of one row.
    [[nodiscard]] std::size_t num_features() const;
    /// [num_features] what each is, as "mfcc1" and "d_mfcc1", the delta of it.
    [[nodiscard]] std::vector<std::string> feature_names() const;
    /// Rows that follow a row before it is complete.
    [[nodiscard]] std::size_t lookahead_rows() const;
    /// Rows before a row that it depends on.
    [[nodiscard]] std::size_t lookbehind_rows() const;
    /// Samples after a frame that its static row needs as well.
    [[nodiscard]] std::size_t lookahead_samples() const;
    /// Samples before a frame that its static row needs as well.
    [[nodiscard]] std::size_t lookbehind_samples() const;

    /// Throws std::invalid_argument that names the member, what is allowed and what was got.
    void validate() const;
};

}  // namespace emotiond::dsp
