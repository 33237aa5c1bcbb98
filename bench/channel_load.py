#!/usr/bin/env python3
"""How many live channels one host carries: channels of speech at the pace of microphones, nothing dropped?

    bench/channel_load.py --channels 100 500 --seconds 60

Starts emotiond on so many channels, each playing the same speech (27 s of tests/data/clips/demo.flac, again and
again, begun at one of 54 places: no two people pause at the same moment) at the pace of a microphone, and one
subscriber to all of them. Told are

    events        emotion events a second; two a channel are due while somebody speaks
    latency       from the end of a window, on the wall clock, to the event's arrival at the subscriber, ms
    overload      the highest step of the ladder that was in force (0: none)
    dropped       samples, windows, messages
    CPU           of both processors' time, of emotiond alone
    MiB           resident memory of emotiond; and what a channel adds

The last line is openSMILE's live extraction of MFCC with deltas and accelerations alone, nothing behind it, on the same
speech, measured in the same run: what share of a processor a channel takes, beside all of ours. It needs
bench/requirements.txt; without, it is left out.

Python 3.9 or newer with numpy and soundfile.
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import urllib.request

import numpy as np
import soundfile

import compare_mfcc

ROOT = pathlib.Path(__file__).resolve().parent.parent


def resident_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def metric(port, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(name + r"[ {]", line))


class Service:
    def __init__(self, emotiond, clips, channels, settings):
        self.log = tempfile.TemporaryFile("w+")
        command = [emotiond, "run", "--loop", "--print", "none", "--server.tcp=127.0.0.1:0",
                   "--server.http=127.0.0.1:0", "--server.max_queue_bytes=67108864", *settings]
        command += [f"--source=file:{clips[channel % len(clips)]}" for channel in range(channels)]
        self.process = subprocess.Popen(command, stderr=self.log, text=True)
        self.http, self.tcp = self.port(r"dashboard on http://.*:(\d+)"), self.port(r"on tcp .*:(\d+)")

    def port(self, pattern):
        while True:
            self.log.seek(0)
            if found := re.search(pattern, self.log.read()):
                return int(found[1])
            if self.process.poll() is not None:
                raise SystemExit(f"emotiond ended: {self.process.returncode}")
            time.sleep(0.2)

    def end(self):
        self.process.terminate()
        self.process.wait(60)


def listen(port, seconds):
    """Counts of message types, arrivals behind window ends in ms, and the highest overload level."""
    counts, late, level = collections.Counter(), [], 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        end, rest = time.time() + seconds, b""
        while time.time() < end:
            data = connection.recv(1 << 20)
            now = time.time()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                message = json.loads(line)
                counts[message["type"]] += 1
                if message["type"] == "emotion":
                    at = datetime.datetime.fromisoformat(message["time"].replace("Z", "+00:00"))
                    late.append(1000 * (now - at.timestamp()))
                elif message["type"] in ("overload", "hello"):
                    level = max(level, message.get("overload", message).get("level", 0))
    return counts, np.array(late), level


def opensmile_share(clip):
    """Processor time of a second of sound in openSMILE's MFCC extraction; none where it is not installed."""
    samples = soundfile.read(clip, dtype="int16")[0]
    try:
        peer = compare_mfcc.OpenSmile(samples)
    except ImportError:
        return None
    rows_per_second = 100
    return min(peer.compute()[0] for _ in range(5)) * 1e-6 * rows_per_second


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emotiond", type=pathlib.Path, default=ROOT / "build" / "release" / "emotiond")
    parser.add_argument("--channels", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--settings", nargs="*", default=[], help="such as analysis.threads=2")
    arguments = parser.parse_args()
    os.environ.setdefault("EMOTIOND_BUNDLE_DIR", str(ROOT / "model" / "pretrained"))
    settings = [f"--{setting}" for setting in arguments.settings]
    with tempfile.TemporaryDirectory() as folder:
        samples, rate_hz = soundfile.read(ROOT / "tests/data/clips/demo.flac", dtype="int16")
        samples = samples[:27 * rate_hz]
        clips = [pathlib.Path(folder) / f"from-{begin}.wav" for begin in range(54)]
        for begin, clip in enumerate(clips):
            soundfile.write(clip, np.roll(samples, -begin * rate_hz // 2), rate_hz)
        one = Service(arguments.emotiond, clips, 1, settings)
        time.sleep(3)
        alone_mib = resident_mib(one.process.pid)
        one.end()
        print("channels  events/s  latency median  p99   max  overload  gaps  dropped samples, messages  CPU %   MiB  "
              "KiB/channel")
        for channels in arguments.channels:
            service = Service(arguments.emotiond, clips, channels, settings)
            try:
                time.sleep(30)  # all begin at once, which no floor does, and overload may come of it and go
                pid, begin, cpu = service.process.pid, time.time(), cpu_seconds(service.process.pid)
                counts, late, level = listen(service.tcp, arguments.seconds)
                took = time.time() - begin
                mib = resident_mib(pid)
                print(f"{channels:8}  {counts['emotion'] / took:8.0f}  {np.median(late):14.0f}  "
                      f"{np.percentile(late, 99):3.0f}  {late.max():4.0f}  {level:8}  {counts['gap']:4}  "
                      f"{metric(service.http, 'emotiond_samples_dropped_total'):15.0f}, "
                      f"{metric(service.http, 'emotiond_messages_dropped_total'):8.0f}  "
                      f"{100 * (cpu_seconds(pid) - cpu) / took / os.cpu_count():5.0f}  {mib:4.0f}  "
                      f"{1024 * (mib - alone_mib) / max(1, channels - 1):11.0f}", flush=True)
            finally:
                service.end()
        if (share := opensmile_share(clips[0])) is not None:
            print(f"openSMILE's MFCC alone: {100 * share:.2f} % of a processor a channel, "
                  f"{1 / share:.0f} channels a processor")


if __name__ == "__main__":
    main()
