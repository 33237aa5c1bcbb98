#!/usr/bin/env python3
"""Alerts on real recordings: an angry passage between neutral ones, and an hour in which nobody is angry.

    bench/alert_evaluation.py --emotiond build/release/emotiond --runs runs/p1-three/seed-1 --corpus $DATA/ravdess \\
        --nemo $DATA/nemo --nemo-runs runs/nemo/seed-1 --tess $DATA/tess --speech $DATA/speech

Everything goes through `emotiond replay --rules`, and nobody is heard by a network that was trained on him.

Passages: each speaker of some folds of P1 is neutral for eight clips, angry for four of normal intensity,
neutral, angry for four of strong intensity, neutral; pauses are 0.3 to 0.8 s. `raised` counts from the first
sound of the passage: clips begin with about a second of silence. `cleared` counts from the end of its last
clip. An alert that is raised in a neutral passage is a false one; in its first half second it belongs to
the passage before.

An hour: what is neutral in RAVDESS (the same speakers), in nEMO (each speaker by the network of the round that
left him out) and in TESS, and natural speech without labels. No clip comes twice.

Python 3.9 or newer with numpy and soundfile.
"""

import argparse
import json
import pathlib
import random
import statistics
import tempfile

import numpy as np

import passages

RULE = """[[alerts]]
name = "anger"
labels = ["angry"]
threshold = 0.3
"""
ONSET_DB = -30  # the first 20 ms of a clip that are louder than this below its loudest ones are its first sound


def first_sound_ms(path):
    frames = passages.read(path)
    frames = frames[:len(frames) // 320 * 320].reshape(-1, 320)
    level = np.sqrt(np.mean(frames ** 2, axis=1))
    return 20 * int(np.argmax(level > level.max() * 10 ** (ONSET_DB / 20)))


def alerts_of(options, bundle, recording, rules):
    """[(raised at, cleared at)], both by the end of the window that brought it, and how many windows there were."""
    found, end_ms, windows = [], 0, 0
    for line in passages.replay(options.emotiond, bundle, recording, ["--rules", str(rules)]).splitlines():
        message = json.loads(line)
        if message["type"] == "emotion":
            end_ms = message["end_ms"]
            windows += 1
        elif message["type"] == "alert":
            if message["state"] == "raised":
                found.append([end_ms, None])
            else:
                found[-1][1] = end_ms
        elif message["type"] == "gap":
            raise SystemExit(f"the service lost something: {message}")
    return found, windows


def passages_of(rows, corpus, speaker, draw):
    def clips(emotion, intensity):
        return [corpus / row["file"] for row in rows
                if (row["speaker"], row["emotion"], row["intensity"]) == (speaker, emotion, intensity)]

    def neutral(times):
        files = []
        for _ in range(times):
            files += draw.sample(clips("neutral", "normal"), 4)
        return "neutral", files

    return [neutral(2), ("normal", clips("angry", "normal")), neutral(3), ("strong", clips("angry", "strong")),
            neutral(3)]


def evaluate_passages(options, rules, folder):
    rows = passages.rows_of(options.corpus)
    raised = {"normal": [], "strong": []}
    cleared, false, neutral_ms, speakers = [], 0, 0.0, 0
    for fold in options.folds:
        for actor in passages.P1_FOLDS[fold]:
            speaker = f"ravdess_{actor:02d}"
            draw = random.Random(f"{options.seed} {speaker}")
            parts = passages_of(rows, options.corpus, speaker, draw)
            path = folder / f"{speaker}.wav"
            segments = passages.write_passages(parts, path, draw)
            alerts, _ = alerts_of(options, options.runs / f"p1-{fold}" / "model.safetensors", path, rules)
            speakers += 1
            for (start, end, what), (_, clips) in zip(segments, parts):
                begin = start + first_sound_ms(clips[0])
                if what == "neutral":
                    false += sum(start + 500 < at <= end for at, _ in alerts)
                    neutral_ms += end - start
                    continue
                told = [alert for alert in alerts if begin < alert[0] <= end + 500]
                raised[what].append((told[0][0] - begin) / 1000 if told else None)
                cleared += [(over - end) / 1000 for _, over in told]
    print(f"{speakers} speakers, folds {' '.join(map(str, options.folds))}")
    print(f"{'angry passage':16} {'passages':>8} {'raised':>7} {'within 3 s':>11} {'median s':>9} {'slowest s':>10}")
    for intensity, times in raised.items():
        told = sorted(time for time in times if time is not None)
        print(f"{intensity:16} {len(times):8} {len(told):7} {sum(time <= 3 for time in told):11} "
              f"{statistics.median(told):9.2f} {told[-1]:10.2f}")
    print(f"cleared {statistics.median(cleared):.1f} s after the passage (median), "
          f"{min(cleared):.1f} s at the soonest, {max(cleared):.1f} s at the latest")
    print(f"raised in {neutral_ms / 60000:.1f} minutes of neutral passages: {false}", flush=True)


def neutral_parts(options):
    """(name, bundle, clips) of each recording of the hour."""
    def clips(corpus, speaker):
        return [corpus / row["file"] for row in passages.rows_of(corpus)
                if row["emotion"] == "neutral" and row["speaker"] == speaker]

    def p1(fold):
        return options.runs / f"p1-{fold}" / "model.safetensors"

    for fold in options.folds:
        for actor in passages.P1_FOLDS[fold]:
            yield "RAVDESS, neutral", p1(fold), clips(options.corpus, f"ravdess_{actor:02d}")
    if options.nemo:
        speakers = sorted({row["speaker"] for row in passages.rows_of(options.nemo)})
        for i, speaker in enumerate(speakers):
            yield "nEMO, neutral", options.nemo_runs / f"p2-{i + 1}" / "model.safetensors", clips(options.nemo, speaker)
    first = p1(options.folds[0])
    if options.tess:
        for speaker in sorted({row["speaker"] for row in passages.rows_of(options.tess)}):
            yield "TESS, neutral", first, clips(options.tess, speaker)
    if options.speech:
        for row in passages.rows_of(options.speech):
            if "musan" not in row["file"]:  # has music in it
                yield "meetings, conversation, reading", first, [options.speech / row["file"]]


def evaluate_hour(options, rules, folder):
    totals = {}
    for name, bundle, clips in neutral_parts(options):
        draw = random.Random(f"{options.seed} {name}")
        draw.shuffle(clips)
        path = folder / "neutral.wav"
        segments = passages.write_passages([("neutral", clips)], path, draw)
        alerts, windows = alerts_of(options, bundle, path, rules)
        total = totals.setdefault(name, [0, 0.0, 0, 0, 0])
        total[0] += 1
        total[1] += segments[-1][1] / 60000
        total[2] += windows
        total[3] += len(alerts)
        total[4] += bool(alerts)
    print(f"\n{'nobody is angry':32} {'streams':>7} {'minutes':>8} {'windows':>8} {'raised':>7} {'on streams':>11}")
    totals["all"] = [sum(column) for column in zip(*totals.values())]
    for name, (streams, minutes, windows, raised, concerned) in totals.items():
        print(f"{name:32} {streams:7} {minutes:8.1f} {windows:8} {raised:7} {concerned:11}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emotiond", default="build/release/emotiond")
    parser.add_argument("--runs", type=pathlib.Path, required=True, help="seed folder of a run of P1")
    parser.add_argument("--corpus", type=pathlib.Path, required=True, help="RAVDESS")
    parser.add_argument("--folds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--nemo", type=pathlib.Path)
    parser.add_argument("--nemo-runs", type=pathlib.Path, help="seed folder of a run of P2 on nEMO")
    parser.add_argument("--tess", type=pathlib.Path)
    parser.add_argument("--speech", type=pathlib.Path, help="folder of natural speech, with a manifest")
    parser.add_argument("--rules", type=pathlib.Path, help="default: " + RULE.replace("\n", " "))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        rules = options.rules
        if rules is None:
            rules = folder / "rules.toml"
            rules.write_text(RULE, encoding="utf-8")
        evaluate_passages(options, rules, folder)
        if options.nemo or options.tess or options.speech:
            evaluate_hour(options, rules, folder)


if __name__ == "__main__":
    main()
