#include "model/training/published_figures.hpp"

namespace emotiond::model {

std::vector<PublishedFigure> published_figures() {
    // P1: Ma et al. 2024, "EmoBox: Multilingual multi-corpus speech emotion recognition toolkit and
    // benchmark". EmoDB: Keesing et al. 2023, "Emotion recognition toolkit (ERTK)".
    return {{"P1", "ravdess", "wav2vec2-base, 95 M (EmoBox)", 0.543},
            {"P1", "ravdess", "HuBERT-base, 95 M (EmoBox)", 0.654},
            {"P1", "ravdess", "WavLM-large, 317 M (EmoBox)", 0.720},
            {"P1", "ravdess", "Whisper-large-v3, 635 M (EmoBox)", 0.753},
            {"P2", "ravdess", "LSTM and attention, tuned on test (ResLSTM)", 0.623},
            {"P2", "emodb", "eGeMAPS, best of 9 classifiers (ERTK)", 0.66},
            {"P2", "emodb", "ComParE IS13, best of 9 classifiers (ERTK)", 0.75},
            {"P2", "tess", "ComParE IS13, best of 9 classifiers (ERTK)", 0.47}};
}

}  // namespace emotiond::model
