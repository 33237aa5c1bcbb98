#!/usr/bin/env python3
"""MFCC rows of emotiond beside those of kaldi-native-fbank and openSMILE: time and agreement.

    pip install -r bench/requirements.txt
    bench/compare_mfcc.py --ours build/release/mfcc_rows

All run on one CPU, one after the other, round by round, over the same audio: a clip repeated to a
minute. Each is asked for its own definition of MFCC (docs/features.md), and so are we. A time is
CPU time of the one thread that computes, the median over the rounds. What is in it:

- ours: FeatureExtractor::push() of all samples and finish(), rows copied into an array.
- kaldi-native-fbank: accept_waveform() and input_finished() of OnlineMfcc, less what the Python
  binding takes to pass the samples on, which is measured with a frame longer than the audio.
- openSMILE: smile_run() from the C library, with nThreads=1, levels that are rings and a sink that
  keeps nothing; neither writing the samples to it nor its initialisation counts.

A peer that is not installed is left out.
"""

import argparse
import importlib.metadata
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np
import soundfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATE_HZ = 16000


def read_audio(clip, seconds):
    """The clip's 16-bit samples, repeated."""
    samples, rate_hz = soundfile.read(clip, dtype="int16")
    if rate_hz != RATE_HZ or samples.ndim != 1:
        raise SystemExit(f"{clip}: expected {RATE_HZ} Hz mono, got {rate_hz} Hz {samples.shape}")
    return np.resize(samples, seconds * RATE_HZ)


class Ours:
    """One of our specifications, computed by the executable mfcc_rows."""

    def __init__(self, executable, spec, samples):
        self.command = [executable, spec, "3"]
        self.audio = (samples / np.float32(32768.0)).tobytes()

    def compute(self):
        """CPU microseconds per row, and the rows."""
        result = subprocess.run(self.command, input=self.audio, capture_output=True, check=True)
        head, _, body = result.stdout.partition(b"\n")
        num_features = body.split(b"\n", 1)[0].count(b" ") + 1
        rows = np.array(body.split(), dtype=np.float64).reshape(-1, num_features)
        return float(head.split()[-1]), rows


class KaldiNativeFbank:
    """13 coefficients of 26 mels; the other options at their defaults, without dither."""

    package = "kaldi-native-fbank"
    what = "13 of 26 mels"
    our_spec = "kaldi_26_mels"
    ends_alike = slice(None)

    def __init__(self, samples):
        import kaldi_native_fbank
        self.knf = kaldi_native_fbank
        self.samples = samples.astype(np.float32).tolist()

    def _run(self, frame_ms):
        options = self.knf.MfccOptions()
        options.frame_opts.dither = 0.0
        options.frame_opts.frame_length_ms = frame_ms
        options.mel_opts.num_bins = 26
        mfcc = self.knf.OnlineMfcc(options)
        start = time.thread_time()
        mfcc.accept_waveform(RATE_HZ, self.samples)
        mfcc.input_finished()
        return time.thread_time() - start, mfcc

    def compute(self):
        binding_s, no_rows = self._run(frame_ms=1000.0 * len(self.samples) / RATE_HZ + 1000.0)
        assert no_rows.num_frames_ready == 0
        total_s, mfcc = self._run(frame_ms=25.0)
        rows = np.array([mfcc.get_frame(i) for i in range(mfcc.num_frames_ready)])
        return (total_s - binding_s) * 1e6 / len(rows), rows


class OpenSmile:
    """MFCC12_0_D_A: 13 coefficients of 26 mels, deltas, accelerations."""

    package = "opensmile"
    what = "13 of 26 mels, deltas, accelerations"
    our_spec = "htk"
    ends_alike = slice(0, -2)  # its last two accelerations are defined otherwise

    def __init__(self, samples):
        import opensmile
        self.config = str(ROOT / "tests/data/opensmile_mfcc12_0_d_a.conf")
        self.samples = samples.tobytes()
        smile = opensmile.Smile(self.config, "features")
        self.rows = smile(samples / np.float32(32768.0), RATE_HZ)[0].T
        self.options = {
            "source": os.path.join(smile.default_config_root,
                                   opensmile.core.config.config.EXTERNAL_INPUT_CONFIG),
            "sampleRate": RATE_HZ,
            "nBits": 16,
            "sink": str(ROOT / "bench/opensmile_null_sink.conf.inc"),
        }
        self.library = opensmile.core.lib.OpenSMILE

    def compute(self):
        smile = self.library()
        smile.initialize(self.config, self.options)
        smile.external_audio_source_write_data("extsource", self.samples)
        smile.external_audio_source_set_eoi("extsource")
        start = time.thread_time()
        smile.run()
        seconds = time.thread_time() - start
        smile.free()
        return seconds * 1e6 / len(self.rows), self.rows


def compare(peer, ours, rounds):
    """A row of the table."""
    their_us, our_us = [], []
    for _ in range(rounds):
        us, their_rows = peer.compute()
        their_us.append(us)
        us, our_rows = ours.compute()
        our_us.append(us)
    assert our_rows.shape == their_rows.shape, (our_rows.shape, their_rows.shape)
    difference = np.abs(our_rows - their_rows)[peer.ends_alike].max()
    theirs, ours_ = statistics.median(their_us), statistics.median(our_us)
    name = f"{peer.package} {importlib.metadata.version(peer.package)}"
    return [name, peer.what, str(len(our_rows)), f"{theirs:.2f}", f"{ours_:.2f}",
            f"{theirs / ours_:.1f}", f"{difference:.1e}"]


def print_table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for i, row in enumerate(rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
        if i == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, help="the executable mfcc_rows")
    parser.add_argument("--clip", default=ROOT / "tests/data/clips/12a02Wc.flac")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    samples = read_audio(args.clip, args.seconds)
    table = [["peer", "row", "rows", "its us/row", "our us/row", "times faster",
              "largest difference"]]
    for make_peer in (KaldiNativeFbank, OpenSmile):
        try:
            peer = make_peer(samples)
        except ImportError as error:
            print(f"{make_peer.package} is left out: {error}", file=sys.stderr)
            continue
        table.append(compare(peer, Ours(args.ours, peer.our_spec, samples), args.rounds))
    if len(table) == 1:
        raise SystemExit("no peer is installed: pip install -r bench/requirements.txt")
    print_table(table)


if __name__ == "__main__":
    main()
