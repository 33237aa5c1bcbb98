#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dsp/delta_rows.hpp"
#include "dsp/feature_spec.hpp"
#include "dsp/frame_features.hpp"
#include "dsp/spectral_flux.hpp"

namespace emotiond::dsp {

/// Samples in, feature rows out. A stream and a file give the same rows, bit for bit, however the
/// samples are cut.
/// Real-time safe after construction: no allocation, no lock. Not thread-safe.
class FeatureExtractor {
 public:
    /// Throws std::invalid_argument where the specification is not valid.
    explicit FeatureExtractor(const FeatureSpec& spec);
    /// Extractors may share the features of a frame, if one thread at a time runs them.
    explicit FeatureExtractor(std::shared_ptr<FrameFeatures> frame);

    /// samples: any number, full scale +-1, at the specification's rate.
    /// on_row(std::span<const float> row) is called for each row that is complete: [num_features].
    template <typename OnRow>
    void push(std::span<const float> samples, OnRow&& on_row) {
        while (!samples.empty()) {
            samples = samples.subspan(accept(samples));
            emit(on_row);
        }
    }

    /// The end of the stream: rows that waited for their successors or for samples behind their
    /// frame, and for Padding::Centre those that reach over the end. Call reset() before the next
    /// stream.
    template <typename OnRow>
    void finish(OnRow&& on_row) {
        begin_finish();
        emit(on_row);
        deltas_.finish();
        emit(on_row);
    }

    /// As after construction; nothing that was heard is left in memory, neither here nor in the
    /// features of a frame, which this runs.
    void reset();

    [[nodiscard]] const FeatureSpec& spec() const { return frame_->spec(); }
    [[nodiscard]] std::size_t num_features() const { return row_.size(); }

 private:
    void start();
    std::size_t accept(std::span<const float> samples);
    void begin_finish();
    bool next_frame();

    template <typename OnRow>
    void emit(OnRow& on_row) {
        do {
            while (deltas_.next(row_)) {
                on_row(std::span<const float>(row_));
            }
        } while (next_frame());
    }

    std::shared_ptr<FrameFeatures> frame_;
    SpectralFlux flux_;
    DeltaRows deltas_;
    std::size_t span_samples_;       ///< of a frame and what its features need around it
    std::vector<float> static_row_;  ///< [num_static]
    std::vector<float> row_;         ///< [num_features]

    ///   buffer_:  | done | before | frame | after | later samples | free |
    ///             0      begin_                                   end_
    ///                    [---- span_samples_ ---)
    std::vector<float> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool empty_ = true;  ///< no sample has come yet
};

}  // namespace emotiond::dsp
