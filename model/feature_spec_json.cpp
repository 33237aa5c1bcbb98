#include "model/feature_spec_json.hpp"

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace emotiond::model {
namespace {

using dsp::FeatureSpec;
using nlohmann::ordered_json;

template <typename Enum>
using Names = std::initializer_list<std::pair<Enum, const char*>>;

const Names<dsp::WindowShape> kWindowShapes{{dsp::WindowShape::Hann, "hann"},
                                            {dsp::WindowShape::Hamming, "hamming"},
                                            {dsp::WindowShape::Povey, "povey"}};
const Names<dsp::Padding> kPaddings{{dsp::Padding::None, "none"}, {dsp::Padding::Centre, "centre"}};
const Names<dsp::MelScale> kMelScales{{dsp::MelScale::Htk, "htk"},
                                      {dsp::MelScale::Slaney, "slaney"}};
const Names<dsp::MelShape> kMelShapes{{dsp::MelShape::TriangleInHz, "triangle_in_hz"},
                                      {dsp::MelShape::TriangleInMel, "triangle_in_mel"}};
const Names<dsp::MelNorm> kMelNorms{{dsp::MelNorm::None, "none"}, {dsp::MelNorm::Area, "area"}};
const Names<dsp::LogScale> kLogScales{{dsp::LogScale::Natural, "natural"},
                                      {dsp::LogScale::Decibel, "decibel"}};
const Names<dsp::DctScale> kDctScales{{dsp::DctScale::Orthonormal, "orthonormal"},
                                      {dsp::DctScale::Htk, "htk"}};
const Names<dsp::ZerothCoeff> kZerothCoeffs{
    {dsp::ZerothCoeff::First, "first"},
    {dsp::ZerothCoeff::Last, "last"},
    {dsp::ZerothCoeff::LogEnergyInstead, "log_energy_instead"}};
const Names<dsp::F0Difference> kF0Differences{{dsp::F0Difference::Overlap, "overlap"},
                                              {dsp::F0Difference::Zeros, "zeros"}};
const Names<dsp::DeltaKind> kDeltaKinds{{dsp::DeltaKind::Regression, "regression"},
                                        {dsp::DeltaKind::SavitzkyGolay, "savitzky_golay"}};

/// Calls visit(name, member, names) for each member that all manifests have; names is nullptr for
/// numbers and flags.
template <typename Spec, typename Visit>
void for_each_first_member(Spec& spec, Visit&& visit) {
    visit("sample_rate_hz", spec.sample_rate_hz, nullptr);
    visit("frame_samples", spec.frame_samples, nullptr);
    visit("hop_samples", spec.hop_samples, nullptr);
    visit("fft_size", spec.fft_size, nullptr);
    visit("sample_scale", spec.sample_scale, nullptr);
    visit("remove_dc", spec.remove_dc, nullptr);
    visit("pre_emphasis", spec.pre_emphasis, nullptr);
    visit("window", spec.window, &kWindowShapes);
    visit("padding", spec.padding, &kPaddings);
    visit("num_mels", spec.num_mels, nullptr);
    visit("low_hz", spec.low_hz, nullptr);
    visit("high_hz", spec.high_hz, nullptr);
    visit("mel_scale", spec.mel_scale, &kMelScales);
    visit("mel_shape", spec.mel_shape, &kMelShapes);
    visit("mel_norm", spec.mel_norm, &kMelNorms);
    visit("log_scale", spec.log_scale, &kLogScales);
    visit("log_floor", spec.log_floor, nullptr);
    visit("num_coeffs", spec.num_coeffs, nullptr);
    visit("dct_scale", spec.dct_scale, &kDctScales);
    visit("lifter", spec.lifter, nullptr);
    visit("zeroth_coeff", spec.zeroth_coeff, &kZerothCoeffs);
    visit("append_log_energy", spec.append_log_energy, nullptr);
    visit("delta_order", spec.delta_order, nullptr);
    visit("delta_half_width", spec.delta_half_width, nullptr);
    visit("delta_kind", spec.delta_kind, &kDeltaKinds);
}

/// For each member that came later: a manifest without it means its default, in which the member
/// changes nothing.
template <typename Spec, typename Visit>
void for_each_later_member(Spec& spec, Visit&& visit) {
    visit("frequency_warp", spec.frequency_warp, nullptr);
    visit("f0", spec.f0, nullptr);
    visit("f0_frame_samples", spec.f0_frame_samples, nullptr);
    visit("f0_low_hz", spec.f0_low_hz, nullptr);
    visit("f0_high_hz", spec.f0_high_hz, nullptr);
    visit("f0_difference", spec.f0_difference, &kF0Differences);
    visit("zero_crossing_rate", spec.zero_crossing_rate, nullptr);
    visit("rms", spec.rms, nullptr);
    visit("spectral_flux", spec.spectral_flux, nullptr);
    visit("chroma", spec.chroma, nullptr);
    visit("spectral_contrast", spec.spectral_contrast, nullptr);
    visit("tonnetz", spec.tonnetz, nullptr);
}

}  // namespace

ordered_json to_json(const FeatureSpec& spec) {
    ordered_json json;
    const auto write = [&](const char* name, const auto& member, const auto names) {
        if constexpr (std::is_null_pointer_v<std::remove_const_t<decltype(names)>>) {
            json[name] = member;
        } else {
            for (const auto& [value, text] : *names) {
                if (value == member) {
                    json[name] = text;
                }
            }
        }
    };
    for_each_first_member(spec, write);
    for_each_later_member(spec, write);
    return json;
}

FeatureSpec feature_spec_from_json(const ordered_json& json) {
    FeatureSpec spec;
    std::size_t known = 0;
    const auto read = [&](const char* name, auto& member, const auto names) {
        const std::string where = "feature specification: " + std::string(name);
        const auto found = json.find(name);
        if (found == json.end()) {
            throw std::runtime_error(where + " is missing");
        }
        ++known;
        using Member = std::remove_reference_t<decltype(member)>;
        if constexpr (std::is_null_pointer_v<std::remove_const_t<decltype(names)>>) {
            const bool fits = std::is_same_v<Member, bool> ? found->is_boolean()
                              : std::is_integral_v<Member> ? found->is_number_integer()
                                                           : found->is_number();
            if (!fits) {
                throw std::runtime_error(where + " has the wrong type: " + found->dump());
            }
            member = found->template get<Member>();
        } else {
            bool matched = false;
            for (const auto& [value, text] : *names) {
                if (*found == text) {
                    member = value;
                    matched = true;
                }
            }
            if (!matched) {
                throw std::runtime_error(where + " has no such value: " + found->dump());
            }
        }
    };
    for_each_first_member(spec, read);
    for_each_later_member(spec, [&](const char* name, auto& member, const auto names) {
        if (json.contains(name)) {
            read(name, member, names);
        }
    });
    if (json.size() != known) {
        throw std::runtime_error("feature specification: " + std::to_string(json.size() - known) +
                                 " unknown members in " + json.dump());
    }
    spec.validate();
    return spec;
}

}  // namespace emotiond::model
