#!/usr/bin/env python3
"""Our answers beside those of eGeMAPS functionals and a linear SVM, on the same folds.

    pip install -r bench/requirements.txt
    bench/compare_emotion.py predictions.csv path/to/corpus

predictions.csv is what `emotiond evaluate` wrote; the corpus is a folder with a manifest.csv. For each
protocol and fold, the SVM is trained on all clips of the corpus whose speakers are not tested (the
validation speakers included, which our network does not learn from), features standardised on these, classes
balanced, C chosen by leaving speakers out among them.
eGeMAPS: Eyben et al. 2016, as openSMILE's Python package computes eGeMAPSv02 functionals.
"""

import argparse
import concurrent.futures
import csv
import importlib.metadata
import pathlib
import sys

import numpy as np
import opensmile
import soundfile
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC


def functionals(path):
    samples, rate_hz = soundfile.read(path, dtype="float32")
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    return smile.process_signal(samples, rate_hz).to_numpy()[0]


def read_features(corpus, names, cache):
    if cache and cache.exists():
        known = np.load(cache, allow_pickle=False)
        if list(known["names"]) == names:
            return known["features"]
    with concurrent.futures.ProcessPoolExecutor() as pool:
        features = []
        for i, row in enumerate(pool.map(functionals, [corpus / name for name in names],
                                         chunksize=16)):
            features.append(row)
            if i % 100 == 99:
                print(f"\reGeMAPS of {i + 1}/{len(names)} clips", end="", file=sys.stderr)
    print(file=sys.stderr)
    features = np.nan_to_num(np.array(features))
    if cache:
        np.savez(cache, names=np.array(names), features=features)
    return features


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", type=pathlib.Path)
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--cache", type=pathlib.Path, help="file that keeps the functionals (.npz)")
    options = parser.parse_args()

    with open(options.corpus / "manifest.csv", encoding="utf-8") as manifest:
        clips = list(csv.DictReader(manifest))
    with open(options.predictions, encoding="utf-8") as predictions:
        ours = [row for row in csv.DictReader(predictions) if row["corpus"] == options.corpus.name]
    if not ours:
        raise SystemExit(f"{options.predictions} has no answers to clips of {options.corpus.name}")
    labels = set(ours[0]["corpus_labels"].split("|"))
    clips = [clip for clip in clips if clip["emotion"] in labels]
    names = [clip["file"] for clip in clips]
    emotions = np.array([clip["emotion"] for clip in clips])
    speakers = np.array([clip["speaker"] for clip in clips])
    features = read_features(options.corpus, names, options.cache)

    print(f"opensmile {importlib.metadata.version('opensmile')}, "
          f"scikit-learn {importlib.metadata.version('scikit-learn')}")
    print(f"{'':24} {'UA %':>7} {'clips':>6} {'folds':>6}")
    score_columns = [name for name in ours[0] if name.startswith("score ")]
    for protocol in sorted({row["protocol"] for row in ours}):
        rows = [row for row in ours if row["protocol"] == protocol]
        truths, answers = [], []
        folds = sorted({row["fold"] for row in rows})
        for fold in folds:
            tested = {row["speaker"] for row in rows if row["fold"] == fold}
            test = np.isin(speakers, list(tested))
            groups = speakers[~test]
            search = GridSearchCV(
                make_pipeline(StandardScaler(), LinearSVC(class_weight="balanced", dual=True,
                                                          max_iter=20000)),
                {"linearsvc__C": [1e-4, 1e-3, 1e-2, 1e-1]}, scoring="balanced_accuracy",
                cv=GroupKFold(min(5, len(set(groups)))))
            search.fit(features[~test], emotions[~test], groups=groups)
            truths.extend(emotions[test])
            answers.extend(search.predict(features[test]))
            print(f"\r{protocol} {fold}: C {search.best_params_['linearsvc__C']}", end="",
                  file=sys.stderr)
        print(file=sys.stderr)
        figure = balanced_accuracy_score(truths, answers)
        print(f"{'eGeMAPS + SVM, ' + protocol:24} {100 * figure:7.1f} {len(truths):6} {len(folds):6}")
        for seed in sorted({row["seed"] for row in rows}):
            chosen = [row for row in rows if row["seed"] == seed]
            answers = [max(score_columns, key=lambda name: float(row[name]))[len("score "):]
                       for row in chosen]
            figure = balanced_accuracy_score([row["truth"] for row in chosen], answers)
            print(f"{'ours, ' + protocol + ', seed ' + seed:24} {100 * figure:7.1f} "
                  f"{len(chosen):6} {len(folds):6}")


if __name__ == "__main__":
    main()
