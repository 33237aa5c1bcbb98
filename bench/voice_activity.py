#!/usr/bin/env python3
"""Our voice detector beside WebRTC's: false alarms at equal misses, on speech in noise and music.

    bench/voice_activity.py --voice-rows build/release/voice_rows --bundle model/pretrained/default.safetensors \\
        --corpora $DATA/ravdess $DATA/nemo $DATA/emodb --meetings $DATA/speech --noise $DATA/esc10 --music $MUSIC

The speech is

    clips      of the speakers whom the bundle's detector was not trained on, joined with pauses of 0.3 to 2 s;
               labelled by the energy of the clean clips
    meetings   with labels in labels/*.rttm

each as it is, and with noise and with music added at 20, 10 and 0 dB, over the level of what is labelled as
speech. Of the noise only those recordings are taken that were not trained on (one source in five, as `emotiond
train-voice` chooses); all of the music is. Every row of 10 ms counts. WebRTC's detector has four modes; for each the
threshold of ours is set so that both miss the same share of speech, and the false alarms of both are told, beside
the area under our ROC curve.

Then what the gates let through that is no speech at all: ours as it is set, with hysteresis.

Python 3.9 or newer with numpy, soundfile and webrtcvad-wheels.
"""

import argparse
import csv
import json
import pathlib
import random
import struct
import subprocess
import tempfile

import numpy as np
import soundfile
import webrtcvad

RATE_HZ = 16000
HOP = 160
MODES = range(4)


def read(path, seconds=None):
    """Mono at 16 kHz; of long files `seconds` from the middle."""
    info = soundfile.info(path)
    start, frames = 0, -1
    if seconds and info.frames > seconds * info.samplerate:
        frames = int(seconds * info.samplerate)
        start = (info.frames - frames) // 2
    samples, rate_hz = soundfile.read(path, frames=frames, start=start, dtype="float32", always_2d=True)
    samples = samples.mean(axis=1)
    if rate_hz != RATE_HZ:  # only for music: sinc interpolation by FFT
        size = len(samples) * RATE_HZ // rate_hz
        spectrum = np.fft.rfft(samples)[: size // 2 + 1]
        samples = np.fft.irfft(spectrum, size) * (size / len(samples))
    return samples.astype(np.float32)


def is_test_source(path):
    """As daemon/training_data.cpp has it."""
    source = path.stem.rpartition("-")[0] or path.stem
    value = 2166136261
    for byte in source.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return (value >> 8) % 5 == 0


def speech_by_energy(samples):
    """Within 30 dB of the loudest 50 ms and above the quietest; gaps up to 150 ms closed."""
    count = len(samples) // HOP
    energy = np.square(samples[: count * HOP]).reshape(count, HOP).mean(axis=1)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(energy, 2, mode="edge"), 5)
    level = 10 * np.log10(np.maximum(near.mean(axis=1), 1e-12))
    quietest = np.sort(level)[count // 20]
    least = max(level.max() - 30, min(quietest + 8, level.max() - 20))
    speech = level > least
    rows = np.flatnonzero(speech)
    for before, after in zip(rows[:-1], rows[1:]):
        if after - before <= 16:
            speech[before:after] = True
    return speech


def clip_tracks(corpora, speakers, draw, clips_each):
    for corpus in corpora:
        with open(corpus / "manifest.csv", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["speaker"] in speakers]
        for speaker in sorted({row["speaker"] for row in rows}):
            parts, labels = [], []
            clips = sorted(row["file"] for row in rows if row["speaker"] == speaker)
            for clip in draw.sample(clips, min(clips_each, len(clips))):
                samples = read(corpus / clip)
                samples = samples[: len(samples) // HOP * HOP]
                speech = speech_by_energy(samples)
                level = np.sqrt(np.mean(np.square(samples.reshape(-1, HOP)[speech])))
                pause = int(draw.uniform(0.3, 2.0) * 100)
                parts += [0.05 / level * samples, np.zeros(pause * HOP, np.float32)]
                labels += [speech, np.zeros(pause, bool)]
            yield speaker, np.concatenate(parts), np.concatenate(labels)


def meeting_tracks(folder):
    files = {}
    for labels in sorted((folder / "labels").glob("*.rttm")):
        for line in labels.read_text().splitlines():
            _, name, _, start, length = line.split()[:5]
            files.setdefault(name, []).append((float(start), float(start) + float(length)))
    for name, turns in sorted(files.items()):
        path = folder / ("pyannote_sample.flac" if name == "sample" else f"ami_debug_{name}.flac")
        samples = read(path)
        samples = samples[: len(samples) // HOP * HOP]
        middle = (np.arange(len(samples) // HOP) + 0.5) * HOP / RATE_HZ
        speech = np.zeros(len(middle), bool)
        for start, end in turns:
            speech |= (middle >= start) & (middle < end)
        yield name, samples, speech


def mixed(samples, speech, sounds, snr_db, draw):
    """With sounds joined from random places, each for 5 s."""
    parts, size = [], 0
    while size < len(samples):
        sound = draw.choice(sounds)
        first = draw.randrange(max(1, len(sound) - 5 * RATE_HZ))
        part = sound[first : first + 5 * RATE_HZ]
        part = part / (np.sqrt(np.mean(np.square(part))) + 1e-6)
        parts.append(part)
        size += len(part)
    background = np.concatenate(parts)[: len(samples)]
    level = np.sqrt(np.mean(np.square(samples.reshape(-1, HOP)[speech])))
    return samples + level * 10 ** (-snr_db / 20) * background


def to_int16(samples):
    return np.clip(np.round(32768 * samples), -32768, 32767).astype(np.int16)


def ours(program, bundle, tracks):
    """Of each track of int16 the probabilities, and what counts as voiced."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{i}.wav" for i in range(len(tracks))]
        for path, track in zip(paths, tracks):
            soundfile.write(path, track, RATE_HZ)
        printed = subprocess.run([program, bundle, *paths], check=True, capture_output=True, text=True).stdout
    lines = printed.splitlines()
    return [(np.array(lines[2 * i].split(), float), np.frombuffer(lines[2 * i + 1].encode(), np.uint8) == ord("1"))
            for i in range(len(tracks))]


def webrtc(mode, track):
    detector = webrtcvad.Vad(mode)
    return np.array([detector.is_speech(track[i : i + HOP].tobytes(), RATE_HZ)
                     for i in range(0, len(track) - HOP + 1, HOP)])


def roc_area(speech, other):
    values = np.concatenate([speech, other])
    order = values.argsort(kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.bincount(where, ranks) / counts)[where]
    n = len(speech)
    return (ranks[:n].sum() - n * (n + 1) / 2) / (n * len(other))


def compare(name, condition, tracks, labels, arguments):
    """One line of the table."""
    answers = ours(arguments.voice_rows, arguments.bundle, tracks)
    rows = [min(len(answer[0]), len(label)) for answer, label in zip(answers, labels)]
    label = np.concatenate([label[:n] for label, n in zip(labels, rows)])
    score = np.concatenate([answer[0][:n] for answer, n in zip(answers, rows)])
    gate = np.concatenate([answer[1][:n] for answer, n in zip(answers, rows)])
    speech, other = score[label], score[~label]
    cells = [name, condition, f"{roc_area(speech, other):.4f}",
             f"{100 * np.mean(~gate[label]):.1f} / {100 * np.mean(gate[~label]):.1f}"]
    better = []
    for mode in MODES:
        heard = np.concatenate([webrtc(mode, track)[:n] for track, n in zip(tracks, rows)])
        missed, alarms = np.mean(~heard[label]), np.mean(heard[~label])
        # The largest threshold that misses no more.
        threshold = np.sort(speech)[min(len(speech) - 1, int(missed * len(speech)))]
        our_alarms = np.mean(other >= threshold)
        cells.append(f"{100 * missed:.1f}: {100 * alarms:.1f} / {100 * our_alarms:.1f}")
        better.append(our_alarms < alarms)
    print("| " + " | ".join(cells) + " |", flush=True)
    return better


def synthetic(draw):
    time = np.arange(20 * RATE_HZ) / RATE_HZ

    def tone(hz):
        return np.sin(2 * np.pi * hz * time)

    ring = (tone(440) + tone(480)) * (time % 6 < 2)
    busy = tone(425) * (time % 0.96 < 0.48)
    keys = np.zeros_like(time)
    for at in np.arange(0, 20, 0.25):
        where = (time >= at) & (time < at + 0.12)
        keys[where] = (tone(draw.choice([697, 770, 852, 941])) + tone(draw.choice([1209, 1336, 1477])))[where]
    hum = sum(tone(50 * k) / k for k in range(1, 12))
    clicks = np.zeros_like(time)
    at = 0.1
    generator = np.random.default_rng(1)
    while at < 19.8:
        first = int(at * RATE_HZ)
        clicks[first : first + 800] += generator.normal(0, 1, 800) * np.exp(-np.arange(800) / 80)
        at += draw.uniform(0.08, 0.3)
    white = generator.normal(0, 1, len(time))
    return {"dial tone": tone(425), "ring tone": ring, "busy tone": busy, "keys (DTMF)": keys,
            "mains hum": hum, "keyboard": clicks, "white noise": white}


def print_let_through(sounds, arguments):
    print("\n| no speech | WebRTC 0 | 1 | 2 | 3 | ours |\n|---|---:|---:|---:|---:|---:|")
    for name, some in sounds.items():
        tracks = [to_int16(0.05 * sound / (np.sqrt(np.mean(np.square(sound))) + 1e-6)) for sound in some]
        cells = [100 * np.mean(np.concatenate([webrtc(mode, track) for track in tracks])) for mode in MODES]
        gates = [answer[1] for answer in ours(arguments.voice_rows, arguments.bundle, tracks)]
        cells.append(100 * np.mean(np.concatenate(gates)))
        print(f"| {name} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |", flush=True)


def manifest_of(bundle):
    with open(bundle, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        return json.loads(json.loads(file.read(size))["__metadata__"]["manifest"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice-rows", required=True, help="the program of this name")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--corpora", nargs="+", type=pathlib.Path, required=True)
    parser.add_argument("--meetings", type=pathlib.Path, required=True)
    parser.add_argument("--noise", type=pathlib.Path, required=True)
    parser.add_argument("--music", nargs="+", type=pathlib.Path, required=True)
    parser.add_argument("--clips", type=int, default=40, help="of each speaker")
    arguments = parser.parse_args()
    draw = random.Random(1)
    held_out = manifest_of(arguments.bundle)["voice"]["metrics"]["held_out_speakers"]
    noises = [read(path) for path in sorted(arguments.noise.glob("*.ogg")) if is_test_source(path)]
    songs = [read(path, 60) for folder in arguments.music for path in sorted(folder.rglob("*"))
             if path.suffix in (".ogg", ".opus", ".flac", ".wav", ".mp3")]
    print(f"held out: {', '.join(held_out)}; {len(noises)} noises, {len(songs)} pieces of music\n")
    print("Rows of 10 ms. Ours as set: misses / false alarms in %. WebRTC's modes: misses of both in %: false alarms "
          "of WebRTC / ours.\n")
    print("| speech | with | ours, AUROC | ours as set | " + " | ".join(f"WebRTC {mode}" for mode in MODES) + " |")
    print("|---|---|---:|---:|" + "---:|" * len(MODES))
    better = []
    for name, tracks in (("clips", list(clip_tracks(arguments.corpora, held_out, draw, arguments.clips))),
                         ("meetings", list(meeting_tracks(arguments.meetings)))):
        labels = [speech for _, _, speech in tracks]
        better += compare(name, "nothing", [to_int16(samples) for _, samples, _ in tracks], labels, arguments)
        for what, sounds in (("noise", noises), ("music", songs)):
            for snr_db in (20, 10, 0):
                some = [to_int16(mixed(samples, speech, sounds, snr_db, draw)) for _, samples, speech in tracks]
                better += compare(name, f"{what} {snr_db} dB", some, labels, arguments)
    print(f"\nours has fewer false alarms in {sum(better)} of {len(better)} comparisons")
    kinds = {"noise": noises, "music": songs}
    kinds |= {name: [sound] for name, sound in synthetic(draw).items()}
    print_let_through(kinds, arguments)


if __name__ == "__main__":
    main()
