#include "model/training/predictions.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace emotiond::model {
namespace {

constexpr std::array<std::string_view, 8> kColumns{"protocol", "fold", "corpus",        "speaker",
                                                   "clip",     "seed", "corpus_labels", "truth"};
constexpr std::string_view kScore = "score ";
constexpr std::string_view kUncalibrated = "uncalibrated ";
constexpr char kBetweenLabels = '|';

/// Quoted as RFC 4180 has it, where it needs to be.
std::string cell(const std::string& text) {
    if (text.find_first_of("\r\n") != std::string::npos) {
        throw std::invalid_argument("a line break in '" + text + "'");
    }
    if (text.find_first_of(",\"") == std::string::npos) {
        return text;
    }
    std::string quoted = "\"";
    for (const char letter : text) {
        quoted += letter == '"' ? "\"\"" : std::string(1, letter);
    }
    return quoted + '"';
}

/// The shortest text that reads back as the same number.
std::string cell(float value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
    return {text.data(), end.ptr};
}

std::vector<std::string> split(std::string_view line) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char letter = line[i];
        if (letter == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
            cells.back() += '"';
            ++i;
        } else if (letter == '"' && (quoted || cells.back().empty())) {
            quoted = !quoted;
        } else if (letter == ',' && !quoted) {
            cells.emplace_back();
        } else {
            cells.back() += letter;
        }
    }
    return cells;
}

void require_writable(const PredictionSet& set) {
    for (const std::string& label : set.labels) {
        if (label.empty() || label.find(kBetweenLabels) != std::string::npos) {
            throw std::invalid_argument("'" + label + "' cannot be the name of a label");
        }
    }
    for (const Prediction& prediction : set.predictions) {
        const auto known = set.corpus_labels.find(prediction.corpus);
        if (known == set.corpus_labels.end() ||
            std::ranges::find(known->second, prediction.truth) == known->second.end()) {
            throw std::invalid_argument(prediction.clip + ": its truth is no label of " +
                                        prediction.corpus);
        }
        if (prediction.scores.size() != set.labels.size() ||
            prediction.uncalibrated.size() != set.labels.size()) {
            throw std::invalid_argument(prediction.clip + ": scores are not " +
                                        std::to_string(set.labels.size()));
        }
    }
}

/// One file on its way to a PredictionSet; its errors know the line.
class Reader {
 public:
    explicit Reader(const std::filesystem::path& path) : path_(path), in_(path) {
        if (!in_ || !next_line()) {
            throw std::runtime_error("cannot read " + path.string());
        }
        const std::vector<std::string> header = split(line_);
        if (!std::equal(kColumns.begin(), kColumns.end(), header.begin(),
                        header.begin() + static_cast<std::ptrdiff_t>(
                                             std::min(kColumns.size(), header.size())))) {
            fail("expected the columns protocol to truth, found: " + line_);
        }
        for (std::size_t i = kColumns.size(); i < header.size(); i += 2) {
            const std::string& name = header[i];
            const std::string label = name.substr(std::min(kScore.size(), name.size()));
            if (!name.starts_with(kScore) || i + 1 == header.size() ||
                header[i + 1] != std::string(kUncalibrated) + label) {
                fail("expected the columns 'score LABEL' and 'uncalibrated LABEL', found '" + name +
                     "'");
            }
            set_.labels.push_back(label);
        }
        if (set_.labels.empty()) {
            fail("no column 'score LABEL'");
        }
    }

    PredictionSet read() {
        while (next_line()) {
            if (!line_.empty()) {
                read_row(split(line_));
            }
        }
        return std::move(set_);
    }

 private:
    [[noreturn]] void fail(const std::string& reason) const {
        throw std::runtime_error(path_.string() + ":" + std::to_string(line_number_) + ": " +
                                 reason);
    }

    bool next_line() {
        ++line_number_;
        if (!std::getline(in_, line_)) {
            return false;
        }
        if (line_.ends_with('\r')) {
            line_.pop_back();
        }
        return true;
    }

    void read_row(const std::vector<std::string>& cells) {
        const std::size_t wanted = kColumns.size() + 2 * set_.labels.size();
        if (cells.size() != wanted) {
            fail("expected " + std::to_string(wanted) + " cells, got " +
                 std::to_string(cells.size()));
        }
        Prediction prediction;
        prediction.protocol = cells[0];
        prediction.fold = cells[1];
        prediction.corpus = cells[2];
        prediction.speaker = cells[3];
        prediction.clip = cells[4];
        prediction.seed = number<std::uint64_t>("seed", cells[5]);
        read_corpus_labels(prediction.corpus, cells[6]);
        prediction.truth = label(cells[7]);
        const auto& allowed = set_.corpus_labels.at(prediction.corpus);
        if (std::ranges::find(allowed, prediction.truth) == allowed.end()) {
            fail("truth '" + cells[7] + "' is not among the corpus's labels " + cells[6]);
        }
        for (std::size_t i = kColumns.size(); i < wanted; i += 2) {
            prediction.scores.push_back(number<float>("score", cells[i]));
            prediction.uncalibrated.push_back(number<float>("score", cells[i + 1]));
        }
        require_probabilities(prediction.scores);
        require_probabilities(prediction.uncalibrated);
        set_.predictions.push_back(std::move(prediction));
    }

    void read_corpus_labels(const std::string& corpus, const std::string& text) {
        std::vector<std::size_t> indices;
        std::istringstream in(text);
        for (std::string name; std::getline(in, name, kBetweenLabels);) {
            indices.push_back(label(name));
        }
        const auto [entry, is_new] = set_.corpus_labels.try_emplace(corpus, indices);
        if (!is_new && entry->second != indices) {
            fail(corpus + " has the labels " + text + ", and others in a row before");
        }
    }

    std::size_t label(const std::string& name) const {
        const auto found = std::ranges::find(set_.labels, name);
        if (found == set_.labels.end()) {
            fail("'" + name + "' is none of the labels");
        }
        return static_cast<std::size_t>(found - set_.labels.begin());
    }

    template <typename Number>
    Number number(const char* what, const std::string& text) const {
        Number value{};
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size()) {
            fail(std::string(what) + " '" + text + "' is not a number");
        }
        return value;
    }

    void require_probabilities(const std::vector<float>& scores) const {
        float sum = 0.0F;
        for (const float score : scores) {
            if (!(score >= 0.0F && score <= 1.0F)) {
                fail("score " + cell(score) + " is not between 0 and 1");
            }
            sum += score;
        }
        if (std::abs(sum - 1.0F) > 1e-2F) {
            fail("scores sum to " + cell(sum) + " instead of 1");
        }
    }

    std::filesystem::path path_;
    std::ifstream in_;
    std::string line_;
    int line_number_ = 0;
    PredictionSet set_;
};

}  // namespace

void write_predictions(const PredictionSet& set, const std::filesystem::path& path) {
    require_writable(set);
    std::ofstream out(path);
    for (const std::string_view column : kColumns) {
        out << (column == kColumns.front() ? "" : ",") << column;
    }
    for (const std::string& label : set.labels) {
        out << ',' << cell(std::string(kScore) + label) << ','
            << cell(std::string(kUncalibrated) + label);
    }
    out << '\n';
    for (const Prediction& prediction : set.predictions) {
        std::string corpus_labels;
        for (const std::size_t label : set.corpus_labels.at(prediction.corpus)) {
            corpus_labels +=
                (corpus_labels.empty() ? "" : std::string(1, kBetweenLabels)) + set.labels[label];
        }
        out << cell(prediction.protocol) << ',' << cell(prediction.fold) << ','
            << cell(prediction.corpus) << ',' << cell(prediction.speaker) << ','
            << cell(prediction.clip) << ',' << prediction.seed << ',' << cell(corpus_labels) << ','
            << cell(set.labels[prediction.truth]);
        for (std::size_t label = 0; label < set.labels.size(); ++label) {
            out << ',' << cell(prediction.scores[label]) << ','
                << cell(prediction.uncalibrated[label]);
        }
        out << '\n';
    }
    if (!out.flush()) {
        throw std::runtime_error("cannot write " + path.string());
    }
}

PredictionSet read_predictions(const std::filesystem::path& path) {
    return Reader(path).read();
}

}  // namespace emotiond::model
