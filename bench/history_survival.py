#!/usr/bin/env python3
"""Kills a recording emotiond again and again (SIGKILL) and looks what is left of its history.

    bench/history_survival.py --rounds 50

In each round some channels are recorded while a subscriber reads along. After the kill the database must be
whole, and hold every event that the subscriber had read more than one second before the kill.
Exit code 1 where it does not.
"""
import argparse
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def start(binary, database, channels):
    command = [binary, "run", "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0", "--print", "none",
               "--loop", f"--history.path={database}", "--analysis.hop_ms=100"]
    clip = os.path.join(ROOT, "tests", "data", "clips", "demo.flac")
    for _ in range(channels):
        command += ["--source", f"file:{clip}"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "events as NDJSON on tcp " in line:
            host, port = line.rsplit(" ", 1)[1].strip().rsplit(":", 1)
            return process, socket.create_connection((host, int(port)))
    sys.exit("emotiond did not start")


def read_until(connection, deadline):
    """[(read at, epoch, stream, seq)] of the events that came until then."""
    events, text = [], b""
    while (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            text += connection.recv(1 << 20)
        except TimeoutError:
            break
        *lines, text = text.split(b"\n")
        now = time.monotonic()
        for line in lines:
            message = json.loads(line)
            if "seq" in message:
                events.append((now, message["epoch"], message["stream"], message["seq"]))
    return events


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emotiond", default=os.path.join(ROOT, "build", "release", "emotiond"))
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    environment_bundle = os.path.join(ROOT, "model", "pretrained")
    os.environ.setdefault("EMOTIOND_BUNDLE_DIR", environment_bundle)
    damaged = lost_late = recorded = 0
    oldest_lost_ms = 0.0
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "history.db")
        for nth in range(arguments.rounds):
            process, connection = start(arguments.emotiond, database, arguments.channels)
            events = read_until(connection, time.monotonic() + random.uniform(1.5, 4.0))
            process.send_signal(signal.SIGKILL)
            killed = time.monotonic()
            process.wait()
            connection.close()
            with sqlite3.connect(database) as history:
                if history.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                    damaged += 1
                held = set(history.execute(
                    "SELECT uuid, name, seq FROM event JOIN epoch ON epoch.id = event.epoch "
                    "JOIN stream ON stream.id = event.stream"))
            ages = [(killed - at) * 1000 for at, *event in events if tuple(event) not in held]
            recorded += len(events)
            lost_late += sum(age > 1000 for age in ages)
            oldest_lost_ms = max([oldest_lost_ms, *ages])
            print(f"\rround {nth + 1} of {arguments.rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"kills                        {arguments.rounds}")
    print(f"databases damaged            {damaged}")
    print(f"events read by a subscriber  {recorded}")
    print(f"of them lost, older than 1 s {lost_late}")
    print(f"oldest one lost              {oldest_lost_ms:.0f} ms before the kill")
    return 1 if damaged or lost_late or not recorded else 0


if __name__ == "__main__":
    sys.exit(main())
