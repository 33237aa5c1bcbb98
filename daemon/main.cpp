#include <CLI/CLI.hpp>
#include <cstdio>

#include "daemon/training_commands.hpp"

using namespace emotiond;

int main(int argc, char** argv) try {
    CLI::App app{"emotiond"};
    daemon::TrainOptions train;
    daemon::EvaluateOptions evaluate;
    const auto add = [](CLI::App* c, daemon::TrainingOptions& o) {
        c->add_option("--data", o.data)->required();
        c->add_option("--out", o.out)->required();
        c->add_option("--seed", o.recipe.seed);
        c->add_option("--epochs", o.recipe.epochs);
        c->add_option("--patience", o.recipe.patience);
        c->add_option("--threads", o.threads);
        c->add_option("--coeffs", o.num_coeffs);
        c->add_option("--mels", o.num_mels);
        c->add_option("--rows-per-step", o.recipe.rows_per_step);
        c->add_option("--centre", o.recipe.centre_window);
        c->add_option("--lr", o.recipe.learning_rate);
        c->add_option("--mixup", o.recipe.mixup);
        c->add_option("--dropout", o.recipe.dropout);
        c->add_option("--wd", o.recipe.weight_decay);
    };
    auto* t = app.add_subcommand("train", "");
    add(t, train);
    t->add_option("--bundle", train.bundle);
    t->add_option("--figures", train.figures);
    t->add_option("--test-speakers", train.test_speakers)->delimiter(',');
    auto* e = app.add_subcommand("evaluate", "");
    add(e, evaluate);
    e->add_option("--rounds", evaluate.rounds)->delimiter(',');
    CLI11_PARSE(app, argc, argv);
    if (*t) return daemon::train_command(train);
    if (*e) return daemon::evaluate_command(evaluate);
} catch (const std::exception& e) { std::fprintf(stderr, "%s\n", e.what()); return 1; }
