#!/usr/bin/env python3
"""How many subscribers a service of many channels carries, without and with one that never reads.

    bench/serving_load.py --channels 100 --subscribers 1000 --seconds 60

Starts emotiond on that many channels (a clip each, at the pace of a microphone, two events a second), and the program
`subscribers` beside it on the same machine. Latency is from the end of the model's work to the subscriber.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


def resident_mib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def metric(port, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(name + r"[ {]", line))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    os.environ.setdefault("EMOTIOND_BUNDLE_DIR", str(ROOT / "model" / "pretrained"))
    command = [arguments.build / "emotiond", "run", "--loop", "--print", "none", "--server.tcp=127.0.0.1:0",
               "--server.http=127.0.0.1:0", "--server.idle_timeout_ms=3600000"]
    for _ in range(arguments.channels):
        command += ["--source", f"file:{ROOT}/tests/data/clips/demo.flac"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    port = 0
    while not port:
        found = re.search(r"dashboard on http://.*:(\d+)", process.stderr.readline())
        port = int(found[1]) if found else 0
    failed = 0
    try:
        print(f"{arguments.channels} channels, emotiond at {resident_mib(process):.0f} MiB\n", flush=True)
        for never_reading in (0, 1):
            failed |= subprocess.run(
                [arguments.build / "subscribers", "--port", str(port), "--subscribers",
                 str(arguments.subscribers), "--seconds", str(arguments.seconds),
                 "--never-reading", str(never_reading)], check=False).returncode
            print(f"emotiond                  {resident_mib(process):.0f} MiB, samples dropped "
                  f"{metric(port, 'emotiond_samples_dropped_total'):.0f}, messages dropped "
                  f"{metric(port, 'emotiond_messages_dropped_total'):.0f}\n", flush=True)
    finally:
        process.terminate()
        process.communicate(timeout=30)
    return failed


if __name__ == "__main__":
    sys.exit(main())
