#!/usr/bin/env python3
"""What smoothing and the label's margin do: passages of held-out speakers, heard once, judged with each setting.

    bench/steady_evaluation.py --emotiond build/release/emotiond --filter build/release/steady_events \\
        --runs runs/p1-three/seed-1 --corpus $DATA/ravdess --folds 4 5 6

Each speaker of a fold of P1 is heard by the network that was not trained on that fold. A recording has all
the speaker's clips, four of one emotion in a row, then four of another, with pauses of 0.3 to 0.8 s. Told are

    UAR      balanced accuracy over windows of which at least 80 % lie in one passage
    flips    changes of the label from one event to the next inside a passage, a minute of it
    delay    from the start of a passage of another emotion to the first event that says so: the median
    missed   passages of which no event says so

Python 3.9 or newer with numpy and soundfile.
"""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import tempfile

import passages


def recordings(options, folder):
    """Events without smoothing, as lines, and segments, of every speaker of the folds."""
    rows = passages.rows_of(options.corpus)
    for fold in options.folds:
        for actor in passages.P1_FOLDS[fold]:
            speaker = f"ravdess_{actor:02d}"
            draw = random.Random(f"{options.seed} {speaker}")
            clips = {}
            for row in rows:
                if row["speaker"] == speaker:
                    clips.setdefault(row["emotion"], []).append(options.corpus / row["file"])
            parts = []
            for emotion, files in sorted(clips.items()):
                draw.shuffle(files)
                parts += [(emotion, files[i:i + 4]) for i in range(0, len(files), 4)]
            draw.shuffle(parts)
            path = folder / f"{speaker}.wav"
            segments = passages.write_passages(parts, path, draw)
            yield passages.replay(options.emotiond, options.runs / f"p1-{fold}" / "model.safetensors", path,
                                  ["--analysis.smoothing_ms=0", "--analysis.label_margin=0"]), segments
            path.unlink()


def steadied(options, raw, smoothing_ms, margin):
    lines = subprocess.run([options.filter, str(smoothing_ms), str(margin)], input=raw, check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return [event for event in map(json.loads, lines) if event["type"] == "emotion"]


def mostly_in(event, start, end):
    overlap = min(event["end_ms"], end) - max(event["start_ms"], start)
    return overlap >= 0.8 * (event["end_ms"] - event["start_ms"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emotiond", default="build/release/emotiond")
    parser.add_argument("--filter", default="build/release/steady_events")
    parser.add_argument("--runs", type=pathlib.Path, required=True, help="seed folder of a run of P1")
    parser.add_argument("--corpus", type=pathlib.Path, required=True, help="RAVDESS")
    parser.add_argument("--folds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--smoothing-ms", nargs="+", type=int, default=[0, 500, 1000, 1500, 2000])
    parser.add_argument("--margins", nargs="+", type=float, default=[0, 0.05, 0.1])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        heard = list(recordings(options, pathlib.Path(scratch)))
    print(f"{'smoothing ms':>12} {'margin':>6} {'UAR %':>6} {'flips/min':>10} {'delay s':>8} {'missed %':>9}")
    for smoothing_ms in options.smoothing_ms:
        for margin in options.margins:
            right, flips, minutes, delays, changes = {}, 0, 0.0, [], 0
            for raw, segments in heard:
                events = steadied(options, raw, smoothing_ms, margin)
                for i, (start, end, emotion) in enumerate(segments):
                    inside = [event for event in events
                              if mostly_in(event, start, end) and event["label"] != "no_speech"]
                    right.setdefault(emotion, []).extend(event["label"] == emotion for event in inside)
                    flips += sum(a["label"] != b["label"] for a, b in zip(inside, inside[1:]))
                    minutes += (end - start) / 60000
                    if i > 0 and segments[i - 1][2] != emotion:
                        changes += 1
                        told = [event["end_ms"] for event in events
                                if start < event["end_ms"] <= end and event["label"] == emotion]
                        if told:
                            delays.append((told[0] - start) / 1000)
            recall = statistics.mean(100 * statistics.mean(answers) for answers in right.values())
            print(f"{smoothing_ms:12} {margin:6.2f} {recall:6.1f} {flips / minutes:10.1f} "
                  f"{statistics.median(delays):8.2f} {100 * (1 - len(delays) / changes):9.1f}", flush=True)


if __name__ == "__main__":
    main()
