#include "dsp/delta_rows.hpp"

#include <algorithm>

namespace emotiond::dsp {
namespace {

/// [2M+1] taps. On t = -M..M the polynomials t and t^2 - M(M+1)/3 are orthogonal to all of lower
/// degree, so the least-squares slope is sum(t x)/sum(t^2), which is also HTK's regression, and the
/// second derivative of the fitted parabola is 2 sum(p x)/sum(p^2).
std::vector<float> make_taps(int half_width, bool second_derivative) {
    std::vector<double> basis;
    basis.reserve(2 * static_cast<std::size_t>(half_width) + 1);
    double norm = 0.0;
    for (int t = -half_width; t <= half_width; ++t) {
        const double value = second_derivative ? t * t - half_width * (half_width + 1) / 3.0
                                               : static_cast<double>(t);
        basis.push_back(value);
        norm += value * value;
    }
    const double scale = (second_derivative ? 2.0 : 1.0) / norm;
    std::vector<float> taps(basis.size());
    std::ranges::transform(basis, taps.begin(),
                           [scale](double value) { return static_cast<float>(scale * value); });
    return taps;
}

}  // namespace

DeltaRows::DeltaRows(const FeatureSpec& spec)
    : num_static_(static_cast<std::int64_t>(spec.num_static())),
      depth_(4 * spec.delta_half_width + 4),
      half_width_(spec.delta_half_width),
      kind_(spec.delta_kind) {
    for (int order = 1; order <= spec.delta_order; ++order) {
        const bool parabola = order == 2 && kind_ == DeltaKind::SavitzkyGolay;
        taps_[static_cast<std::size_t>(order) - 1] = make_taps(spec.delta_half_width, parabola);
    }
    const auto ring_size = static_cast<std::size_t>(depth_ * num_static_);
    statics_.values.resize(ring_size);
    for (Rows& rows : derived_) {
        rows.values.resize(ring_size);
    }
}

std::span<float> DeltaRows::at(Rows& rows, std::int64_t index) const {
    return {rows.values.data() + (index % depth_) * num_static_,
            static_cast<std::size_t>(num_static_)};
}

void DeltaRows::push(std::span<const float> row) {
    std::ranges::copy(row, at(statics_, statics_.count).begin());
    ++statics_.count;
}

/// Computes row `to.count` from the rows around it; false when they are not all there yet.
bool DeltaRows::derive(Rows& from, Rows& to, const std::vector<float>& taps) {
    const bool by_regression = kind_ == DeltaKind::Regression;
    const std::int64_t last = from.count - 1;
    std::int64_t centre = to.count;
    if (!by_regression) {
        // The fit has the degree of the derivative, which is therefore constant over its window:
        // the rows of an edge take the value of the outermost whole window.
        centre = std::max(centre, half_width_);
        if (finished_) {
            centre = std::min(centre, last - half_width_);
        }
    }
    if (to.count > last || (!finished_ && centre + half_width_ > last)) {
        return false;
    }
    const std::span<float> out = at(to, to.count);
    std::ranges::fill(out, 0.0F);
    ++to.count;
    if (!by_regression && centre < half_width_) {
        return true;
    }
    for (std::int64_t tap = -half_width_; tap <= half_width_; ++tap) {
        const std::int64_t index = std::clamp(centre + tap, std::int64_t{0}, last);
        const float weight = taps[static_cast<std::size_t>(tap + half_width_)];
        const std::span<const float> row = at(from, index);
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] += weight * row[i];
        }
    }
    return true;
}

bool DeltaRows::next(std::span<float> out) {
    for (std::size_t order = 0; order < taps_.size() && !taps_[order].empty(); ++order) {
        const bool of_statics = order == 0 || kind_ == DeltaKind::SavitzkyGolay;
        Rows& from = of_statics ? statics_ : derived_[0];
        while (derive(from, derived_[order], taps_[order])) {
        }
        if (derived_[order].count <= emitted_) {
            return false;
        }
    }
    if (emitted_ >= statics_.count) {
        return false;
    }
    auto cursor = std::ranges::copy(at(statics_, emitted_), out.begin()).out;
    for (std::size_t order = 0; order < taps_.size() && !taps_[order].empty(); ++order) {
        cursor = std::ranges::copy(at(derived_[order], emitted_), cursor).out;
    }
    ++emitted_;
    return true;
}

void DeltaRows::reset() {
    for (Rows* rows : {&statics_, &derived_[0], &derived_[1]}) {
        rows->count = 0;
        std::ranges::fill(rows->values, 0.0F);
    }
    emitted_ = 0;
    finished_ = false;
}

}  // namespace emotiond::dsp
