"""Recordings of passages: a few clips in a row in which one speaker expresses one emotion, then another."""

import csv
import subprocess

import numpy as np
import soundfile

RATE_HZ = 16000

# docs/evaluation.md, P1. A network of round p1-<n> was not trained on the speakers of fold n.
P1_FOLDS = {1: (1, 11, 20, 21), 2: (4, 10, 12, 14), 3: (8, 9, 19, 23),
            4: (3, 5, 7, 24), 5: (2, 15, 16, 18), 6: (6, 13, 17, 22)}


def rows_of(corpus):
    with open(corpus / "manifest.csv", encoding="utf-8") as manifest:
        return list(csv.DictReader(manifest))


def read(path):
    samples, rate_hz = soundfile.read(path, dtype="float32")
    if rate_hz != RATE_HZ:
        raise SystemExit(f"{path}: expected {RATE_HZ} Hz, got {rate_hz}")
    return samples


def write_passages(passages, path, draw):
    """passages: [(what, [clip, ...])]. Writes them one after the other, with pauses of 0.3 to 0.8 s before
    every clip. Returns [(start_ms, end_ms, what)]: from the first sample of a passage's first clip to the
    last one of its last clip."""
    segments, at = [], 0
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, subtype="PCM_16") as file:
        for what, clips in passages:
            start = None
            for clip in clips:
                pause = np.zeros(int(RATE_HZ * draw.uniform(0.3, 0.8)), np.float32)
                samples = read(clip)
                file.write(np.concatenate([pause, samples]))
                start = at + len(pause) if start is None else start
                at += len(pause) + len(samples)
            segments.append((1000 * start / RATE_HZ, 1000 * at / RATE_HZ, what))
    return segments


def replay(emotiond, bundle, recording, more):
    """What the service tells of the recording: NDJSON."""
    return subprocess.run([emotiond, "replay", "--json", f"--model.bundle={bundle}", *more, str(recording)],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
