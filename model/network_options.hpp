#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace emotiond::model {

/// Kind and sizes of a network, as a bundle carries them. What a kind does not need it ignores.
struct NetworkOptions {
    std::string kind = "crnn";      ///< lstm | cnn | cnn-lstm | dnn | crnn
    std::int64_t num_features = 0;  ///< of a row
    std::int64_t num_labels = 0;
    bool speech_output = false;  ///< an output that tells speech from anything else
    bool centre_window = true;   ///< subtract the window's mean row, but for functionals: what
                                 ///< microphone or voice colour all the time
    /// Column of the rows that holds the log of the frame's energy, -1: none. With it, rows before
    /// the first and behind the last that come within `silence_below` of the window's loudest are
    /// cut off.
    std::int64_t energy_column = -1;
    double silence_below = 8.0;       ///< in the unit of that column
    std::int64_t zeroth_column = -1;  ///< of the zeroth cepstral coefficient; it follows the level
    std::int64_t num_cepstra = 0;  ///< from there on, by an orthonormal transform without a lifter;
                                   ///< 0: none such
    std::int64_t voicing_column = -1;
    double voiced_above = 0.02;  ///< rows are voiced whose voicing is higher by so much than the
                                 ///< window's mean
    std::int64_t rows_per_step = 8;    ///< lstm: consecutive rows that one step sees side by side
    std::int64_t channels = 96;        ///< of convolutions
    std::int64_t layers = 2;           ///< of LSTMs
    std::int64_t hidden = 128;         ///< of LSTMs, per direction
    std::int64_t heads = 4;            ///< crnn: of the attention that pools
    std::int64_t dense = 64;           ///< width of the layer before the outputs
    double dropout = 0.3;              ///< while training
    std::int64_t functionals = 192;    ///< crnn, dnn: width of the layer that reads the functionals
    double functionals_dropout = 0.5;  ///< behind that layer; less of it before

    bool operator==(const NetworkOptions&) const = default;

    /// Whether all of the network reads centred rows: functionals do not.
    [[nodiscard]] bool reads_centred_rows() const {
        return centre_window && kind != "dnn" && kind != "crnn";
    }

    /// The kind with its usual sizes. Throws std::invalid_argument for an unknown kind.
    static NetworkOptions of_kind(const std::string& kind);

    [[nodiscard]] nlohmann::ordered_json to_json() const;
    /// Members that are missing keep their defaults but for kind, num_features and num_labels.
    /// Throws std::runtime_error for an unknown, missing or impossible member.
    static NetworkOptions from_json(const nlohmann::ordered_json& json);
};

/// Every kind that of_kind() knows.
const std::vector<std::string>& network_kinds();

}  // namespace emotiond::model
