#include "model/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <stdexcept>

namespace emotiond::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using RowList = std::vector<float>;  // [num_rows][kNumFeatures]

constexpr std::int64_t kNumFeatures = 6;
constexpr std::int64_t kNumLabels = 3;
constexpr std::int64_t kZeroth = 0;
constexpr std::int64_t kCepstra = 4;
constexpr std::int64_t kVoicing = 4;
constexpr std::int64_t kEnergy = 5;
/// The rows that one step of any kind may stand for.
constexpr std::size_t kGrid = 8;

NetworkOptions small_options(const std::string& kind) {
    NetworkOptions options = NetworkOptions::of_kind(kind);
    options.num_features = kNumFeatures;
    options.num_labels = kNumLabels;
    options.channels = 8;
    options.hidden = 8;
    options.dense = 8;
    options.functionals = 32;
    options.zeroth_column = kZeroth;
    options.num_cepstra = kCepstra;
    options.voicing_column = kVoicing;
    options.voiced_above = 0.3;
    return options;
}

/// Random weights that a network may have after training: batch normalisation's statistics and
/// biases that are not 0, so that what should be masked would show.
std::shared_ptr<Network> random_network(const NetworkOptions& options) {
    torch::manual_seed(7);
    auto network = make_network(options);
    const torch::NoGradGuard no_grad;
    for (auto& parameter : network->named_parameters()) {
        if (parameter.key().ends_with("bias")) {
            parameter.value().uniform_(-0.5, 0.5);
        }
    }
    for (auto& buffer : network->named_buffers()) {
        if (buffer.key().ends_with("running_mean")) {
            buffer.value().uniform_(-0.5, 0.5);
        } else if (buffer.key().ends_with("running_var")) {
            buffer.value().uniform_(0.5, 2.0);
        }
    }
    network->set_normalisation({1, -1, 0.5, 0, 2, -3}, {1, 2, 0.5, 1.5, 1, 2});
    network->eval();
    return network;
}

RowList random_rows(std::size_t num_rows, unsigned seed, float energy = 0.0F) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    RowList rows(num_rows * kNumFeatures);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i] = normal(random) + (i % kNumFeatures == kEnergy ? energy : 0.0F);
    }
    return rows;
}

RowList joined(std::initializer_list<RowList> parts) {
    RowList all;
    for (const RowList& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

WindowBatch batch_of(const std::vector<RowList>& windows) {
    const std::vector<std::span<const float>> spans(windows.begin(), windows.end());
    return make_batch(spans, kNumFeatures);
}

/// [windows][labels], and a column more where there is a speech output.
torch::Tensor answers(Network& network, const WindowBatch& batch) {
    const torch::NoGradGuard no_grad;
    const Logits logits = network.forward(batch.rows, batch.num_rows);
    return logits.speech.defined() ? torch::cat({logits.emotions, logits.speech.unsqueeze(1)}, 1)
                                   : logits.emotions;
}

torch::Tensor answer(Network& network, const RowList& window) {
    return answers(network, batch_of({window}))[0];
}

double difference(const torch::Tensor& one, const torch::Tensor& other) {
    return (one - other).abs().max().item<double>();
}

class NetworkKinds : public testing::TestWithParam<std::string> {
 protected:
    NetworkOptions options_ = small_options(GetParam());
};

TEST_P(NetworkKinds, GiveOneLogitALabelAndOneForSpeechWhereAskedFor) {
    const WindowBatch batch = batch_of({random_rows(40, 1), random_rows(17, 2)});
    const Logits without = random_network(options_)->forward(batch.rows, batch.num_rows);
    EXPECT_EQ(without.emotions.sizes(), (torch::IntArrayRef{2, kNumLabels}));
    EXPECT_FALSE(without.speech.defined());
    options_.speech_output = true;
    const Logits with = random_network(options_)->forward(batch.rows, batch.num_rows);
    EXPECT_EQ(with.emotions.sizes(), (torch::IntArrayRef{2, kNumLabels}));
    EXPECT_EQ(with.speech.sizes(), torch::IntArrayRef{2});
    EXPECT_TRUE(torch::isfinite(with.emotions).all().item<bool>());
}

TEST_P(NetworkKinds, HearTheRows) {
    auto network = random_network(options_);
    EXPECT_GT(
        difference(answer(*network, random_rows(40, 1)), answer(*network, random_rows(40, 2))),
        1e-3);
}

TEST_P(NetworkKinds, AnswerAWindowAloneAsInABatchWithLongerOnes) {
    options_.speech_output = true;
    for (const std::int64_t energy : {std::int64_t{-1}, kEnergy}) {
        options_.energy_column = energy;
        auto network = random_network(options_);
        std::vector<RowList> windows;
        for (const std::size_t num_rows : {300, 101, 64, 9, 7, 5, 4, 3, 2, 1, 299}) {
            windows.push_back(random_rows(num_rows, static_cast<unsigned>(num_rows)));
        }
        // Digital silence, and speech in the last rows alone: 24 nepers louder.
        windows.push_back(joined({random_rows(95, 3, -24.0F), random_rows(5, 4)}));
        windows.push_back(joined({random_rows(94, 3, -24.0F), random_rows(5, 4)}));
        windows.push_back(joined({random_rows(5, 4), random_rows(95, 3, -24.0F)}));
        const torch::Tensor together = answers(*network, batch_of(windows));
        for (std::size_t i = 0; i < windows.size(); ++i) {
            EXPECT_LT(
                difference(together[static_cast<std::int64_t>(i)], answer(*network, windows[i])),
                1e-5)
                << "window " << i << ", energy column " << energy;
        }
    }
}

TEST_P(NetworkKinds, DoNotLookAtRowsBehindTheEnd) {
    options_.speech_output = true;
    for (const std::int64_t energy : {std::int64_t{-1}, kEnergy}) {
        options_.energy_column = energy;
        auto network = random_network(options_);
        WindowBatch batch = batch_of({random_rows(120, 1), random_rows(61, 2), random_rows(3, 3)});
        const torch::Tensor before = answers(*network, batch);
        batch.rows[1].slice(0, 61).fill_(1e4);
        batch.rows[2].slice(0, 3).fill_(-1e4);
        EXPECT_LT(difference(answers(*network, batch), before), 1e-5) << energy;
    }
}

/// The gain moves the energy and the zeroth coefficient. A centred window does not even tell by
/// what every row is shifted, as another microphone may do; functionals do.
TEST_P(NetworkKinds, DoNotHearTheGain) {
    options_.energy_column = kEnergy;
    const RowList rows = random_rows(90, 1);
    const auto with = [&rows](float gain, float other) {
        RowList changed = rows;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto column = static_cast<std::int64_t>(i % kNumFeatures);
            changed[i] += column == kEnergy || column == kZeroth ? gain : other;
        }
        return changed;
    };
    auto network = random_network(options_);
    EXPECT_LT(difference(answer(*network, with(5.0F, 0.0F)), answer(*network, rows)), 1e-4);
    const double shifted = difference(answer(*network, with(0.0F, 0.5F)), answer(*network, rows));
    const bool has_functionals = GetParam() == "dnn" || GetParam() == "crnn";
    EXPECT_EQ(shifted < 1e-4, !has_functionals) << shifted;
    options_.centre_window = false;
    auto other = random_network(options_);
    EXPECT_GT(difference(answer(*other, with(0.0F, 0.5F)), answer(*other, rows)), 1e-4);
}

/// With an energy column, what the silence around the voice sounds like is not heard.
TEST_P(NetworkKinds, DoNotHearWhatIsInTheSilenceAround) {
    options_.energy_column = kEnergy;
    const RowList voice = random_rows(80, 1);
    // Rows within four of the voice are smoothed together with it.
    const auto window = [&](unsigned seed) {
        RowList rows = joined({random_rows(24, 2, -20.0F), voice, random_rows(24, 3, -20.0F)});
        RowList other = random_rows(128, seed, -20.0F);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::size_t row = i / kNumFeatures;
            if (row < 12 || row >= 116) {
                rows[i] = other[i];
            }
        }
        return rows;
    };
    auto network = random_network(options_);
    EXPECT_LT(difference(answer(*network, window(10)), answer(*network, window(11))), 1e-5);
    options_.energy_column = -1;
    auto hears_all = random_network(options_);
    EXPECT_GT(difference(answer(*hears_all, window(10)), answer(*hears_all, window(11))), 1e-4);
}

/// More silence behind the voice changes nothing, for any kind. More before it shifts the voice
/// against the grid of steps, so that is tested by whole steps; and an LSTM that reads forwards
/// counts the masked steps before the voice, which are zeros, so that for those kinds this only
/// holds where there is silence already.
TEST_P(NetworkKinds, DoNotHearHowLongTheSilenceAroundIs) {
    options_.energy_column = kEnergy;
    auto network = random_network(options_);
    const RowList silence = random_rows(kGrid, 2, -20.0F);
    const RowList window = joined({silence, silence, random_rows(80, 1), silence, silence});
    const torch::Tensor before = answer(*network, window);
    const RowList longer = joined({window, silence, silence, silence});
    EXPECT_LT(difference(answer(*network, longer), before), 1e-5) << "behind";

    RowList later = window;
    for (int i = 0; i < 8; ++i) {
        later = joined({silence, later});
    }
    const bool reads_forwards = GetParam() != "cnn" && GetParam() != "dnn";
    const double before_voice = difference(answer(*network, later), before);
    RecordProperty("silence_before_changes", std::to_string(before_voice));
    EXPECT_LT(before_voice, reads_forwards ? 0.05 : 1e-5) << "before";
}

TEST_P(NetworkKinds, ComeBackFromTheirTensors) {
    options_.speech_output = true;
    auto network = random_network(options_);
    torch::manual_seed(8);
    auto other = make_network(options_);
    other->eval();
    const RowList rows = random_rows(50, 1);
    ASSERT_GT(difference(answer(*network, rows), answer(*other, rows)), 1e-3);
    const auto tensors = export_tensors(*network);
    import_tensors(*other, tensors);
    EXPECT_EQ(difference(answer(*network, rows), answer(*other, rows)), 0.0);
    EXPECT_EQ(tensors.at("mean").values, (std::vector<float>{1, -1, 0.5, 0, 2, -3}));
    for (const auto& [name, tensor] : export_tensors(*other)) {
        EXPECT_EQ(tensor.shape, tensors.at(name).shape) << name;
        EXPECT_EQ(tensor.values, tensors.at(name).values) << name;
    }
}

TEST_P(NetworkKinds, RefuseTensorsThatAreNotTheirs) {
    auto network = random_network(options_);
    const auto complaint = [&](const std::map<std::string, Tensor>& tensors) -> std::string {
        try {
            import_tensors(*network, tensors);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "";
    };
    auto tensors = export_tensors(*network);
    const std::string name = GetParam() == "crnn" ? "output0.bias" : "output.bias";
    tensors.erase(name);
    EXPECT_THAT(complaint(tensors), HasSubstr("tensor " + name + " is missing"));
    tensors = export_tensors(*network);
    tensors["extra"] = {{1}, {0.0F}};
    EXPECT_THAT(complaint(tensors), HasSubstr("1 tensors are not the network's"));
    tensors = export_tensors(*network);
    tensors[name] = {{2}, {0.0F, 0.0F}};
    EXPECT_THAT(complaint(tensors), AllOf(HasSubstr(name + " has shape"), HasSubstr("[3]")));
}

TEST_P(NetworkKinds, LearnThroughEveryParameter) {
    options_.speech_output = true;
    options_.energy_column = kEnergy;
    auto network = random_network(options_);
    network->train();
    const WindowBatch batch =
        batch_of({random_rows(60, 1), random_rows(44, 2), random_rows(60, 3), random_rows(9, 4)});
    const Logits logits = network->forward(batch.rows, batch.num_rows);
    // An expert that has learned from the emotions alone would not be trained by itself.
    EXPECT_EQ(logits.experts.size(), GetParam() == "crnn" ? 2U : 1U);
    (logits.emotions.square().sum() + logits.speech.square().sum()).backward();
    for (const auto& parameter : network->named_parameters()) {
        ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
        EXPECT_TRUE(torch::isfinite(parameter.value().grad()).all().item<bool>())
            << parameter.key();
    }
}

Mixing no_mixing(std::int64_t batch) {
    return {1.0, torch::arange(batch), torch::zeros({batch}, torch::kInt64),
            torch::zeros({batch}, torch::kInt64)};
}

/// In evaluation mode, so that nothing but the mixing differs.
TEST_P(NetworkKinds, MixEachWindowWithItsPartner) {
    auto network = random_network(options_);
    const WindowBatch batch = batch_of({random_rows(64, 1), random_rows(64, 2)});
    const auto mixed = [&](double share, std::vector<std::int64_t> partner) {
        const torch::NoGradGuard no_grad;
        Mixing mixing = no_mixing(2);
        mixing.share = share;
        mixing.partner = torch::tensor(partner);
        return network->forward(batch.rows, batch.num_rows, &mixing).emotions;
    };
    const torch::Tensor plain = answers(*network, batch);
    EXPECT_LT(difference(mixed(1.0, {1, 0}), plain), 1e-5);
    EXPECT_LT(difference(mixed(0.7, {0, 1}), plain), 1e-5);
    EXPECT_LT(difference(mixed(0.0, {1, 0}), plain.flip({0})), 1e-5);
    const torch::Tensor half = mixed(0.5, {1, 0});
    EXPECT_LT(difference(half[0], half[1]), 1e-5);
    EXPECT_GT(difference(half, plain), 1e-3);
}

TEST_P(NetworkKinds, DoNotHearTheOrderOfRowsThatAreBlanked) {
    auto network = random_network(options_);
    const RowList rows = random_rows(64, 1);
    RowList other = rows;
    // A stretch turned round has the same mean, by which windows are centred.
    for (std::size_t row = 16; row < 24; ++row) {
        std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>((39 - row) * kNumFeatures),
                    kNumFeatures, other.begin() + static_cast<std::ptrdiff_t>(row * kNumFeatures));
    }
    const auto blanked = [&](const RowList& window, std::int64_t length) {
        const torch::NoGradGuard no_grad;
        Mixing mixing = no_mixing(1);
        mixing.blank_from = torch::full({1}, 16, torch::kInt64);
        mixing.blank_rows = torch::full({1}, length, torch::kInt64);
        const WindowBatch batch = batch_of({window});
        const Logits logits = network->forward(batch.rows, batch.num_rows, &mixing);
        return logits.experts.front();
    };
    if (GetParam() == "dnn") {  // its functionals are of all rows
        EXPECT_EQ(difference(blanked(rows, 8), blanked(rows, 0)), 0.0);
        return;
    }
    EXPECT_LT(difference(blanked(rows, 8), blanked(other, 8)), 1e-5);
    EXPECT_GT(difference(blanked(rows, 0), blanked(other, 0)), 1e-4);
    EXPECT_GT(difference(blanked(rows, 24), blanked(rows, 0)), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(All, NetworkKinds, testing::ValuesIn(network_kinds()),
                         [](const auto& kind) {
                             std::string name = kind.param;
                             std::erase(name, '-');
                             return name;
                         });

using Column = std::vector<double>;

struct Moments {
    double mean;
    double deviation;
};
Moments moments_of(const Column& values) {
    double sum = 0.0;
    double squares = 0.0;
    for (const double value : values) {
        sum += value;
        squares += value * value;
    }
    const auto count = static_cast<double>(values.size());
    const double mean = sum / count;
    return {mean, std::sqrt(std::max(1e-3, squares / count - mean * mean))};
}

/// In how many of the values the level is exceeded; within a quarter of it, in part.
double share_above(const Column& values, double level, double unit) {
    double sum = 0.0;
    for (const double value : values) {
        sum += std::clamp((value / unit - level) / 0.5 + 0.5, 0.0, 1.0);
    }
    return sum / static_cast<double>(values.size());
}

template <typename Keep>
Column only(const Column& values, Keep&& keep) {
    Column kept;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (keep(i)) {
            kept.push_back(values[i]);
        }
    }
    return kept;
}

/// The functionals in the order of the network's, computed as their definition reads.
/// columns: normalised.  deviation: of the cepstra.
Column plain_functionals(std::vector<Column> columns, const Column& deviation,
                         double voiced_above) {
    const std::size_t num_rows = columns[0].size();
    const Column voicing = columns[kVoicing];
    const double least = moments_of(voicing).mean + voiced_above;
    const auto all = [](std::size_t) { return true; };
    const auto voiced = [&](std::size_t row) { return voicing[row] > least; };
    for (const std::int64_t column : {kEnergy, kZeroth}) {
        const double mean = moments_of(columns[column]).mean;
        for (double& value : columns[column]) {
            value -= mean;
        }
    }
    for (std::int64_t band = 0; band < kCepstra; ++band) {
        Column values(num_rows);
        double squares = 0.0;
        for (std::int64_t k = 0; k < kCepstra; ++k) {
            const double weight = deviation[k] * (k == 0 ? std::sqrt(0.5) : 1.0) *
                                  std::cos(std::numbers::pi / kCepstra * static_cast<double>(k) *
                                           (static_cast<double>(band) + 0.5));
            squares += weight * weight;
            for (std::size_t row = 0; row < num_rows; ++row) {
                values[row] += weight * columns[k][row];
            }
        }
        for (double& value : values) {
            value /= std::sqrt(squares);
        }
        columns.push_back(values);
    }
    std::vector<Column> deltas;
    for (const Column& values : columns) {
        Column delta;
        for (std::size_t i = 2; i + 2 < num_rows; ++i) {
            delta.push_back(
                (2.0 * (values[i + 2] - values[i - 2]) + values[i + 1] - values[i - 1]) / 10.0);
        }
        deltas.push_back(delta);
    }
    const auto inner_voiced = [&](std::size_t row) { return voiced(row + 2); };

    Column expected{static_cast<double>(only(voicing, voiced).size()) /
                    static_cast<double>(num_rows)};
    const auto add = [&](const std::vector<Column>& of, auto&& keep, auto&& functional) {
        for (const Column& values : of) {
            expected.push_back(functional(only(values, keep)));
        }
    };
    const auto mean = [](const Column& values) { return moments_of(values).mean; };
    const auto spread = [](const Column& values) { return moments_of(values).deviation; };
    add(columns, all, mean);
    add(columns, voiced, mean);
    add(columns, all, spread);
    add(columns, voiced, spread);
    for (std::size_t quarter = 0; quarter < 4; ++quarter) {
        const auto within = [&](std::size_t row) { return row * 4 / num_rows == quarter; };
        add(columns, within, mean);
        add(
            columns, [&](std::size_t row) { return within(row) && voiced(row); }, mean);
    }
    add(deltas, all, mean);
    add(deltas, inner_voiced, mean);
    add(deltas, all, spread);
    add(deltas, inner_voiced, spread);
    for (const auto& [of, unit] : {std::pair{&columns, 1.0}, std::pair{&deltas, 0.2}}) {
        for (const double level : {-2.5, -1.5, -0.75, 0.0, 0.75, 1.5, 2.5}) {
            add(*of, all, [&, unit = unit](const Column& values) {
                return share_above(values, level, unit);
            });
        }
    }
    return expected;
}

/// A network all of whose layers hand on what they get, the clamp to +-5 aside. Silence around the
/// voice and a longer window in the batch have no part in its functionals.
TEST(Network, FunctionalsAreWhatTheirDefinitionSays) {
    NetworkOptions options = small_options("dnn");
    options.energy_column = kEnergy;
    options.silence_below = 500.0;  // half of what the silence below is quieter
    constexpr std::size_t kRows = 80;
    const RowList rows = random_rows(kRows, 5);
    const Column mean{0.5, -0.25, 0.1, 0.0, 0.2, -0.3};
    const Column deviation{1, 2, 0.5, 1.5, 0.8, 2};
    std::vector<Column> columns(kNumFeatures, Column(kRows));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::size_t column = i % kNumFeatures;
        columns[column][i / kNumFeatures] = (rows[i] - mean[column]) / deviation[column];
    }
    const Column expected =
        plain_functionals(columns, deviation, options.voiced_above / deviation[kVoicing]);
    const auto size = static_cast<std::int64_t>(expected.size());
    options.functionals = options.dense = options.num_labels = size;

    auto network = make_network(options);
    network->eval();
    const torch::NoGradGuard no_grad;
    for (auto& parameter : network->named_parameters()) {
        if (parameter.value().dim() == 2) {
            parameter.value().copy_(torch::eye(size));
        } else if (!parameter.key().ends_with("normalisation.weight")) {
            parameter.value().zero_();
        }
    }
    constexpr double kAboveRelu = 5.0;
    for (auto& parameter : network->named_parameters()) {
        if (parameter.key().ends_with("reader_normalisation.bias")) {
            parameter.value().fill_(kAboveRelu);
        }
    }
    network->set_normalisation({mean.begin(), mean.end()}, {deviation.begin(), deviation.end()});
    for (const auto& window :
         {rows, joined({random_rows(6, 2, -1e3F), rows, random_rows(16, 3, -1e3F)})}) {
        const torch::Tensor got = answers(*network, batch_of({window, random_rows(140, 4)}))[0];
        ASSERT_EQ(got.size(0), size);
        for (std::int64_t i = 0; i < size; ++i) {
            EXPECT_NEAR(got[i].item<double>() - kAboveRelu, std::clamp(expected[i], -5.0, 5.0),
                        1e-3)
                << i;
        }
    }
}

/// In double precision libtorch's operators compute the functionals and the LSTMs, as they do on
/// other devices; in single precision our own passes do. Windows may be too short for deltas and
/// for a row in each quarter.
TEST(Network, TheProcessorsOwnPassesAnswerAsLibtorchsOperators) {
    for (const std::string& kind : network_kinds()) {
        for (const bool tells_voicing : {true, false}) {
            NetworkOptions options = small_options(kind);
            options.energy_column = kEnergy;
            if (!tells_voicing) {
                options.voicing_column = -1;
            }
            const auto network = random_network(options);
            const WindowBatch batch =
                batch_of({random_rows(83, 1), random_rows(1, 2), random_rows(4, 3),
                          random_rows(5, 4), random_rows(40, 5), random_rows(300, 6)});
            const torch::Tensor ours = answers(*network, batch).to(torch::kFloat64);
            network->to(torch::kFloat64);
            const torch::Tensor libtorchs =
                answers(*network, {batch.rows.to(torch::kFloat64), batch.num_rows});
            EXPECT_LT(difference(ours, libtorchs), 2e-4) << kind << "\n" << ours << libtorchs;
        }
    }
}

TEST(Network, AnUnknownKindIsRefused) {
    NetworkOptions options = small_options("lstm");
    options.kind = "transformer";
    EXPECT_THROW(make_network(options), std::invalid_argument);
}

TEST(Network, ABatchIsPaddedWithZeros) {
    const WindowBatch batch =
        batch_of({RowList(2 * kNumFeatures, 1.0F), RowList(kNumFeatures, 2.0F)});
    EXPECT_EQ(batch.rows.sizes(), (torch::IntArrayRef{2, 2, kNumFeatures}));
    EXPECT_EQ(batch.num_rows[0].item<std::int64_t>(), 2);
    EXPECT_EQ(batch.num_rows[1].item<std::int64_t>(), 1);
    EXPECT_EQ(batch.rows[0].sum().item<float>(), 2.0F * kNumFeatures);
    EXPECT_EQ(batch.rows[1][0].sum().item<float>(), 2.0F * kNumFeatures);
    EXPECT_EQ(batch.rows[1][1].abs().sum().item<float>(), 0.0F);
}

}  // namespace
}  // namespace emotiond::model
