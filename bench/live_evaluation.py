#!/usr/bin/env python3
"""Protocol P4: clips of held-out speakers, joined with silence and noise, through the running service.

    bench/live_evaluation.py --emotiond build/release/emotiond --bundle runs/p1/seed-1/p1-1/model.safetensors \\
        --corpus $DATA/ravdess --speakers ravdess_01 ravdess_11 ravdess_20 ravdess_21 --noise $DATA/esc10

The bundle must not have been trained on these speakers. For each window length the service is started with
one channel that replays a recording made of one speaker's clips in random order, pauses between them and a
stretch of noise now and then; its events are read from stdout as a subscriber would read them. Told are

    UAR            balanced accuracy over windows of which at least 80 % lie in one clip
    delay          from the start of a clip of another emotion to the first event that says so; and how often
                   none does before the clip ends
    flips          changes of the label from one event to the next inside a clip, a minute of speech
    false alarms   share of windows that lie in noise and are answered with an emotion that is not marked
                   uncertain
    from file      largest difference of a score from that of `emotiond classify` for the same recording; scores
                   are printed with four digits

Python 3.9 or newer with numpy and soundfile.
"""

import argparse
import csv
import json
import pathlib
import random
import statistics
import subprocess
import tempfile

import numpy as np
import soundfile

RATE_HZ = 16000


def read(path):
    samples, rate_hz = soundfile.read(path, dtype="float32")
    if rate_hz != RATE_HZ:
        raise SystemExit(f"{path}: expected {RATE_HZ} Hz, got {rate_hz}")
    return samples


def make_recording(clips, noises, draw, folder, name):
    """Joins clips; returns the path and the segments [(start_ms, end_ms, emotion or None)]."""
    parts, segments, at = [], [], 0

    def add(samples, what):
        nonlocal at
        parts.append(samples)
        segments.append((1000 * at / RATE_HZ, 1000 * (at + len(samples)) / RATE_HZ, what))
        at += len(samples)

    draw.shuffle(clips)
    for i, (path, emotion) in enumerate(clips):
        add(np.zeros(int(RATE_HZ * draw.uniform(0.3, 1.5)), np.float32), "silence")
        if noises and i % 8 == 7:
            noise = read(draw.choice(noises))
            level = np.sqrt(np.mean(noise ** 2)) + 1e-9
            add((noise * (0.03 / level)).clip(-1, 1), "noise")
        add(read(path), emotion)
    path = folder / f"{name}.wav"
    soundfile.write(path, np.concatenate(parts), RATE_HZ, subtype="PCM_16")
    return path, segments


def analysis(options, window_ms):
    return [f"--analysis.window_ms={window_ms}", "--analysis.first_window_ms=1000", "--analysis.hop_ms=500",
            f"--analysis.smoothing_ms={options.smoothing_ms}", f"--analysis.label_margin={options.label_margin}",
            f"--model.bundle={options.bundle}"]


def listen(options, recording, window_ms):
    """The service's emotion events for the recording."""
    command = [options.emotiond, "run", "--source", f"file:{recording}", "--speed", "max", "--print", "json",
               *analysis(options, window_ms), "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    gaps = [event for event in events if event["type"] == "gap"]
    if gaps:
        raise SystemExit(f"the service lost something: {gaps[0]}")
    return [event for event in events if event["type"] == "emotion"]


def in_file(options, recording, window_ms):
    command = [options.emotiond, "classify", str(recording), "--json", *analysis(options, window_ms)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [entry for entry in json.loads(text)["timeline"] if entry["state"] == "live"]


def mostly_in(event, segment):
    """Do at least 80 % of the event's window lie in the segment?"""
    start, end, _ = segment
    overlap = min(event["end_ms"], end) - max(event["start_ms"], start)
    return overlap >= 0.8 * min(event["end_ms"] - event["start_ms"], end - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emotiond", default="build/release/emotiond")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--speakers", nargs="+", required=True)
    parser.add_argument("--noise", type=pathlib.Path, help="folder of recordings without speech")
    parser.add_argument("--windows", nargs="+", type=int, default=[1000, 1500, 2000, 3000])
    parser.add_argument("--smoothing-ms", type=int, default=0, help="default: each window for itself")
    parser.add_argument("--label-margin", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    with open(options.corpus / "manifest.csv", encoding="utf-8") as manifest:
        rows = list(csv.DictReader(manifest))
    noises = sorted(options.noise.glob("*.ogg")) if options.noise else []
    print(f"{'window s':>9} {'UAR %':>6} {'windows':>8} {'delay s':>8} {'missed %':>9} {'flips/min':>10} "
          f"{'false alarms %':>15} {'from file':>10}")
    with tempfile.TemporaryDirectory() as scratch:
        recordings = []
        for speaker in options.speakers:
            clips = [(options.corpus / row["file"], row["emotion"]) for row in rows
                     if row["speaker"] == speaker]
            draw = random.Random(f"{options.seed} {speaker}")
            recordings.append(make_recording(clips, noises, draw, pathlib.Path(scratch), speaker))
        for window_ms in options.windows:
            right, delays, missed, flips, speech_ms = {}, [], 0, 0, 0.0
            alarms, noise_windows, apart, changes = 0, 0, 0.0, 0
            for path, segments in recordings:
                events = listen(options, path, window_ms)
                spoken = in_file(options, path, window_ms)
                if [event["end_ms"] for event in events] != [entry["end_ms"] for entry in spoken]:
                    raise SystemExit(f"{path}: the service and the file differ in their windows")
                apart = max([apart] + [abs(event["scores"][label] - entry["scores"][label])
                                       for event, entry in zip(events, spoken) for label in event["scores"]])
                previous = None
                for segment in segments:
                    start, end, what = segment
                    inside = [event for event in events if mostly_in(event, segment)]
                    if what == "noise":
                        noise_windows += len(inside)
                        alarms += sum(event["label"] != "no_speech" and not event.get("uncertain", False)
                                      for event in inside)
                    if what in ("noise", "silence"):
                        continue
                    for event in inside:
                        right.setdefault(what, []).append(event["label"] == what)
                    flips += sum(a["label"] != b["label"] for a, b in zip(inside, inside[1:]))
                    speech_ms += end - start
                    if previous not in (None, what):
                        changes += 1
                        told = [event["end_ms"] for event in events
                                if start < event["end_ms"] <= end + 500 and event["label"] == what]
                        if told:
                            delays.append((told[0] - start) / 1000)
                        else:
                            missed += 1
                    previous = what
            recall = [100 * statistics.mean(answers) for answers in right.values()]
            print(f"{window_ms / 1000:9.1f} {statistics.mean(recall):6.1f} "
                  f"{sum(map(len, right.values())):8} "
                  f"{statistics.median(delays) if delays else float('nan'):8.2f} "
                  f"{100 * missed / max(1, changes):9.1f} {flips / (speech_ms / 60000):10.1f} "
                  f"{100 * alarms / noise_windows if noise_windows else float('nan'):15.1f} "
                  f"{apart:10.4f}", flush=True)


if __name__ == "__main__":
    main()
