#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace emotiond::dsp {

struct SegmenterOptions {
    float onset = 0.6F;                           ///< probability from which a row begins speech
    float offset = 0.35F;                         ///< below it a row of speech is a pause
    std::chrono::milliseconds min_speech{300};    ///< less is no utterance
    std::chrono::milliseconds hangover{600};      ///< a pause that ends the utterance
    std::chrono::milliseconds max_length{15000};  ///< a longer utterance is split
    std::chrono::milliseconds pre_roll{100};      ///< what is taken along before the onset

    /// Throws std::invalid_argument that says which is out of order.
    void validate() const;
};

/// Rows [begin, end).
struct Utterance {
    std::uint64_t begin_row = 0;
    std::uint64_t end_row = 0;

    bool operator==(const Utterance&) const = default;
};

/// Where utterances begin and end, from the rows' probabilities of speech.
///
///     speech      ..######..####......#####.......
///     utterance   [------------)     [-----)           ends are known a hangover later
///
/// Utterances do not overlap: the pre-roll ends where the utterance before it does.
/// Real-time safe, no allocation. Not thread-safe.
class UtteranceSegmenter {
 public:
    /// row_duration: from one row to the next. Throws std::invalid_argument for options or a
    /// duration that are out of order.
    UtteranceSegmenter(const SegmenterOptions& options, std::chrono::microseconds row_duration);

    /// speech: probability of the next row. on_utterance(const Utterance&) is called for one that
    /// has ended with it.
    template <typename OnUtterance>
    void push(float speech, OnUtterance&& on_utterance) {
        if (const auto utterance = accept(speech)) {
            on_utterance(*utterance);
        }
    }

    /// The end of the stream, or a hole in it.
    template <typename OnUtterance>
    void finish(OnUtterance&& on_utterance) {
        if (const auto utterance = end()) {
            on_utterance(*utterance);
        }
    }

    /// The next row is row 0, as after construction.
    void reset();

    /// First row of the utterance that is being heard; none before it has min_speech, or behind a
    /// split its first row of speech.
    [[nodiscard]] std::optional<std::uint64_t> open_since() const;

 private:
    std::optional<Utterance> accept(float speech);
    std::optional<Utterance> end();

    float onset_;
    float offset_;
    std::uint64_t min_speech_rows_;
    std::uint64_t hangover_rows_;
    std::uint64_t max_rows_;
    std::uint64_t pre_roll_rows_;

    std::uint64_t next_row_ = 0;
    std::uint64_t free_from_ = 0;  ///< end of the utterance before
    bool hears_ = false;           ///< speech since begin_, perhaps too little yet
    bool goes_on_ = false;         ///< what is heard was split off: it need not be long
    std::uint64_t begin_ = 0;
    std::uint64_t speech_rows_ = 0;
    std::uint64_t speech_end_ = 0;  ///< behind the last row of speech
};

}  // namespace emotiond::dsp
