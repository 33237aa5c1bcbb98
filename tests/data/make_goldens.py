#!/usr/bin/env python3
"""Computes features of short clips with other people's code, for tests/dsp/feature_golden_test.cpp.

    pip install librosa==0.11.0 kaldi-native-fbank==1.22.5 opensmile==2.6.0 soundfile
    tests/data/make_goldens.py path/to/emodb

The folder holds EmoDB's recordings (Burkhardt et al. 2005) as <name>.wav or <name>.flac, at any
depth. The clips are copied to clips/ and the features are written to goldens/ beside this script.
"""

import argparse
import functools
import importlib.metadata
import pathlib
import platform
import unittest.mock

import kaldi_native_fbank as knf
import librosa
import numpy as np
import opensmile
import soundfile

HERE = pathlib.Path(__file__).resolve().parent
CLIPS = ["12a02Wc", "13a02Ta", "14a02Nc"]  # a man in anger, women sad and neutral
RATE_HZ = 16000
PACKAGES = ["numpy", "scipy", "librosa", "kaldi-native-fbank", "opensmile"]


def read_clip(folder, name):
    """The recording's 16-bit samples."""
    path = next(path for path in sorted(folder.rglob(name + ".*"))
                if path.suffix in (".wav", ".flac"))
    samples, rate_hz = soundfile.read(path, dtype="int16")
    if rate_hz != RATE_HZ or samples.ndim != 1:
        raise SystemExit(f"{path}: expected {RATE_HZ} Hz mono, got {rate_hz} Hz {samples.shape}")
    return samples


def librosa_rows(samples):
    """librosa's defaults but its top_db, which a stream cannot have; statics and both deltas."""
    mel = librosa.feature.melspectrogram(y=samples / 32768.0, sr=RATE_HZ)
    static = librosa.feature.mfcc(S=librosa.power_to_db(mel, top_db=None))
    assert static.dtype == np.float64
    deltas = [librosa.feature.delta(static, order=order) for order in (1, 2)]
    return np.concatenate([static, *deltas]).T


def overlap_difference(frames, min_period, max_period):
    """d' of YIN over the samples that a frame and the shifted frame share, by definition."""
    d = np.zeros((max_period + 1, frames.shape[1]))
    for k in range(1, max_period + 1):
        d[k] = np.mean((frames[:-k] - frames[k:]) ** 2, axis=0)
    means = np.cumsum(d[1:], axis=0) / np.arange(1, max_period + 1)[:, np.newaxis]
    return d[min_period:] / (means[min_period - 1:] + np.finfo(float).tiny)


def librosa_overlap_pitch_rows(samples):
    """Pitch and voicing of librosa_prosody_rows, with another difference than librosa's own."""
    with unittest.mock.patch("librosa.core.pitch._cumulative_mean_normalized_difference",
                             overlap_difference):
        return librosa_prosody_rows(samples)[:, :2]


def librosa_prosody_rows(samples):
    """Pitch in semitones, voicing, zero-crossing rate, RMS, flux: 25 ms a 10 ms, pitch of 64 ms."""
    frame, fft_size, pitch_frame = 400, 512, 1024
    hop = {"hop_length": 160, "center": False}
    y = samples / 32768.0
    # With zeros around, so that the middle of librosa's frames lies where that of ours does.
    around = np.pad(y, (pitch_frame - frame) // 2)
    pitch = {"sr": RATE_HZ, "fmin": 65.0, "fmax": 500.0, "frame_length": pitch_frame, **hop}
    f0 = librosa.yin(around, **pitch)
    voicing = librosa.pyin(around, **pitch)[2]
    zcr = librosa.feature.zero_crossing_rate(y, frame_length=frame, **hop)[0]
    rms = librosa.feature.rms(y=y, frame_length=frame, **hop)[0]
    mel = librosa.feature.melspectrogram(y=np.pad(y, (fft_size - frame) // 2), sr=RATE_HZ,
                                         n_fft=fft_size, win_length=frame, n_mels=26, **hop)
    flux = librosa.onset.onset_strength(S=librosa.power_to_db(mel, top_db=None), center=False)
    return np.array([12.0 * np.log2(f0 / 27.5), voicing, zcr, rms, flux]).T


def librosa_tonal_rows(samples):
    """Chroma, contrast, tonnetz of librosa's frames, with their pitch, loudness and flux."""
    n_fft, hop = 2048, 512
    # Zeros around all, as librosa does itself for most of them.
    y = np.pad(samples / 32768.0, n_fft // 2)
    frames = {"frame_length": n_fft, "hop_length": hop, "center": False}
    pitch = {"sr": RATE_HZ, "fmin": 65.0, "fmax": 500.0, **frames}
    f0 = librosa.yin(y, **pitch)
    voicing = librosa.pyin(y, **pitch)[2]
    zcr = librosa.feature.zero_crossing_rate(y, **frames)[0]
    rms = librosa.feature.rms(y=y, **frames)[0]
    magnitude = np.abs(librosa.stft(y, n_fft=n_fft, hop_length=hop, center=False))
    mel = librosa.feature.melspectrogram(S=magnitude**2, sr=RATE_HZ)
    flux = librosa.onset.onset_strength(S=librosa.power_to_db(mel, top_db=None), center=False)
    chroma = librosa.feature.chroma_stft(S=magnitude**2, sr=RATE_HZ, tuning=0.0)
    # Its clamp to 80 dB below the maximum of all rows is left out: a stream does not have it.
    with unittest.mock.patch("librosa.feature.spectral.power_to_db",
                             functools.partial(librosa.power_to_db, top_db=None)):
        contrast = librosa.feature.spectral_contrast(S=magnitude, sr=RATE_HZ)
    tonnetz = librosa.feature.tonnetz(chroma=chroma)
    prosody = [12.0 * np.log2(f0 / 27.5), voicing, zcr, rms, flux]
    return np.concatenate([prosody, chroma, contrast, tonnetz]).T


def kaldi_rows(samples, num_mels):
    """kaldi-native-fbank's defaults without dither, samples counted to 32768 as in Kaldi."""
    options = knf.MfccOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = num_mels
    mfcc = knf.OnlineMfcc(options)
    mfcc.accept_waveform(RATE_HZ, samples.astype(np.float32).tolist())
    mfcc.input_finished()
    return np.array([mfcc.get_frame(i) for i in range(mfcc.num_frames_ready)])


def opensmile_rows(samples):
    """MFCC12_0_D_A: C1 to C12 and C0, deltas, accelerations."""
    smile = opensmile.Smile(str(HERE / "opensmile_mfcc12_0_d_a.conf"), "features")
    return smile(samples / np.float32(32768.0), RATE_HZ)[0].T


REFERENCES = {
    "librosa": (librosa_rows, "mfcc(S=power_to_db(melspectrogram, top_db=None)) and its deltas of "
                "order 1 and 2, in double"),
    "librosa_prosody": (librosa_prosody_rows, "yin in semitones above 27.5 Hz, the voiced_prob of "
                        "pyin, zero_crossing_rate, rms, onset_strength, in double"),
    "librosa_overlap_pitch": (librosa_overlap_pitch_rows, "yin and pyin as before, over the samples "
                              "that a frame and the shifted frame share, in double"),
    "librosa_tonal": (librosa_tonal_rows, "as librosa_prosody, of frames of 2048, and chroma_stft "
                      "with tuning 0, spectral_contrast without top_db, tonnetz, in double"),
    "kaldi": (lambda samples: kaldi_rows(samples, 23), "MfccOptions, dither 0, in single"),
    "kaldi_26_mels": (lambda samples: kaldi_rows(samples, 26),
                      "MfccOptions, dither 0, 26 mels, in single"),
    "opensmile": (opensmile_rows, "opensmile_mfcc12_0_d_a.conf, in single"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("emodb", type=pathlib.Path, help="the folder of EmoDB's recordings")
    emodb = parser.parse_args().emodb

    clips = {name: read_clip(emodb, name) for name in CLIPS}
    (HERE / "clips").mkdir(exist_ok=True)
    for name, samples in clips.items():
        soundfile.write(HERE / "clips" / f"{name}.flac", samples, RATE_HZ, subtype="PCM_16")

    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    (HERE / "goldens").mkdir(exist_ok=True)
    for reference, (compute, what) in REFERENCES.items():
        with open(HERE / "goldens" / f"{reference}.txt", "w", encoding="ascii") as golden:
            golden.write(f"# {what}\n")
            golden.write("# make_goldens.py with python " +
                         ", ".join([platform.python_version(), *versions]) + "\n")
            golden.write("# clip <name> <rows> <columns>, then the rows\n")
            for name, samples in clips.items():
                rows = compute(samples)
                golden.write(f"clip {name} {rows.shape[0]} {rows.shape[1]}\n")
                np.savetxt(golden, rows, fmt="%.6f")


if __name__ == "__main__":
    main()
