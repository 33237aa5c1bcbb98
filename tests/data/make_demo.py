#!/usr/bin/env python3
"""Joins clips of one EmoDB speaker into clips/demo.flac and writes what is where into clips/demo.csv.

    pip install soundfile numpy
    tests/data/make_demo.py <folder of EmoDB's clips>

Speaker 12 is one of those that the bundled model was not trained on. Between and behind the clips
stands noise of -70 dBFS, as a quiet room has it.
"""

import csv
import pathlib
import sys

import numpy as np
import soundfile

SECTIONS = [
    ("neutral", ["12a05Nd", "12b02Na"]),
    ("angry", ["12a05Wb", "12b02Wa", "12b02Wb"]),
    ("sad", ["12b01Ta", "12b03Ta"]),
    ("silence", []),
    ("happy", ["12b02Fb", "12a01Fb"]),
]
RATE_HZ = 16000
JOIN_S = 0.3
SILENCE_S = 4.0


def main(folder):
    random = np.random.default_rng(12)
    here = pathlib.Path(__file__).parent / "clips"
    pieces, rows, at = [], [], 0

    def add(samples):
        nonlocal at
        pieces.append(samples + random.normal(0.0, 10 ** (-70 / 20), len(samples)))
        at += len(samples)

    for label, names in SECTIONS:
        begin = at
        for name in names:
            samples, rate_hz = soundfile.read(folder / f"{name}.flac")
            assert rate_hz == RATE_HZ, f"{name}: {rate_hz} Hz, expected {RATE_HZ}"
            add(samples)
            add(np.zeros(int(JOIN_S * RATE_HZ)))
        if not names:
            add(np.zeros(int(SILENCE_S * RATE_HZ)))
        rows.append([begin * 1000 // RATE_HZ, at * 1000 // RATE_HZ, label, " ".join(names)])

    soundfile.write(here / "demo.flac", np.clip(np.concatenate(pieces), -1, 1), RATE_HZ,
                    subtype="PCM_16")
    with open(here / "demo.csv", "w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(
            [["start_ms", "end_ms", "label", "clips"], *rows])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
