#!/usr/bin/env python3
"""Time from the end of a window to its event at a subscriber, and the memory of the service.

    bench/event_latency.py [--emotiond build/release/emotiond] [--clip FILE] [--seconds 60]

Starts the service on one channel that replays a clip at the pace of a microphone, subscribes over
TCP and compares the arrival of every emotion event with its `time`, which is the wall time of the
last captured sample of its window. Both clocks are this machine's.
"""

import argparse
import datetime
import json
import pathlib
import re
import socket
import statistics
import subprocess
import time


def start(program, clip):
    process = subprocess.Popen(
        [program, "run", "--source", f"file:{clip}", "--loop", "--server.tcp=127.0.0.1:0",
         "--server.http=127.0.0.1:0", "--print", "none"],
        stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        found = re.search(r"tcp 127\.0\.0\.1:(\d+)", line)
        if found:
            return process, int(found[1])
    raise SystemExit(f"{program} did not start")


def resident_kib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emotiond", default=root / "build/release/emotiond")
    parser.add_argument("--clip", default=root / "tests/data/clips/demo.flac")
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()

    process, port = start(str(arguments.emotiond), arguments.clip)
    latencies_ms, stages = [], {}
    end = time.time() + arguments.seconds
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for line in connection.makefile("rb"):
                arrived = time.time()
                if arrived > end:
                    break
                event = json.loads(line)
                if event["type"] != "emotion":
                    continue
                captured = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
                latencies_ms.append((arrived - captured.timestamp()) * 1000.0)
                for stage, ms in event["latency_ms"].items():
                    stages.setdefault(stage, []).append(ms)
        memory = resident_kib(process)
    finally:
        process.terminate()
        process.wait()

    latencies_ms.sort()
    p99 = latencies_ms[min(len(latencies_ms) - 1, int(0.99 * len(latencies_ms)))]
    print(f"{len(latencies_ms)} events of one channel in {arguments.seconds:.0f} s")
    print(f"end of window to bytes at the subscriber: median {statistics.median(latencies_ms):.1f} ms, "
          f"p99 {p99:.1f} ms, largest {latencies_ms[-1]:.1f} ms")
    print("of it, medians: " + ", ".join(f"{stage} {statistics.median(ms):.0f} ms"
                                         for stage, ms in stages.items()))
    print(f"resident memory of the service: {memory / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
