#!/usr/bin/env python3
"""Devices that go and come back, many times: is each loss told, each return heard, and are others undisturbed?

    bench/device_losses.py --rounds 100

Starts two PulseAudio servers with a null sink each as microphones, and emotiond on a channel of each, beside one that
plays a file. Round by round the first server is killed and started again, or its sink is removed and put back. Told are

    told within   from the loss to the event `lost` at a subscriber
    back after    from when the device is there again to the event `live`
    others        events other than emotions, utterances, `live` and `silent` on the two other channels: 0 is undisturbed

Needs pulseaudio, pactl and ALSA's pulse plugin (libasound2-plugins). Python 3.9 or newer.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Pulse:
    def __init__(self, folder, name):
        self.socket = folder / name
        home = folder / f"home-{name}"  # a server's own
        home.mkdir()
        self.environment = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home),
                            "PULSE_SERVER": f"unix:{self.socket}"}
        self.start()

    def start(self):
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disallow-exit=no",
             "--disable-shm=yes", "-L", f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}", "-L",
             "module-null-sink sink_name=mic rate=48000 channels=1"],
            env={name: value for name, value in self.environment.items() if name != "PULSE_SERVER"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while "mic.monitor" not in self.pactl("list", "short", "sources"):
            time.sleep(0.1)

    def pactl(self, *arguments):
        return subprocess.run(["pactl", *arguments], env=self.environment, capture_output=True, text=True,
                              check=False).stdout

    def kill(self):
        self.process.kill()
        self.process.wait()

    def remove_sink(self):
        self.pactl("unload-module", "module-null-sink")

    def add_sink(self):
        self.pactl("load-module", "module-null-sink", "sink_name=mic", "rate=48000", "channels=1")


class Subscriber:
    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.rest = b""
        self.disturbed = []

    def wait_for(self, stream, state, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.connection.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self.connection.recv(1 << 16)
            except TimeoutError:
                break
            *lines, self.rest = (self.rest + data).split(b"\n")
            found = False
            for message in map(json.loads, lines):
                kind = message["type"]
                quiet = kind in ("emotion", "utterance", "hello") or (
                    kind == "stream" and message["state"] in ("live", "silent"))
                if message.get("stream") != "first" and not quiet:
                    self.disturbed.append(message)
                found |= (kind == "stream" and message["stream"] == stream and message["state"] in state)
            if found:
                return True
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emotiond", type=pathlib.Path, default=ROOT / "build" / "release" / "emotiond")
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    os.environ.setdefault("EMOTIOND_BUNDLE_DIR", str(ROOT / "model" / "pretrained"))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        first, second = Pulse(folder, "first"), Pulse(folder, "second")
        (folder / "asoundrc").write_text("</usr/share/alsa/alsa.conf>\n" + "".join(
            f'pcm.{pulse.socket.name} {{ type pulse server "unix:{pulse.socket}" device "mic.monitor"\n'
            f'  hint {{ show on description "{pulse.socket.name}" }} }}\n' for pulse in (first, second)))
        (folder / "floor.toml").write_text("".join(
            f'[[channels]]\nid = "{channel}"\nsource = "{source}"\n' for channel, source in
            (("first", "mic:first"), ("second", "mic:second"),
             ("file", f"file:{ROOT}/tests/data/clips/demo.flac"))))
        log = open(folder / "log", "w+")
        service = subprocess.Popen(
            [arguments.emotiond, "run", "--config", folder / "floor.toml", "--loop", "--print", "none",
             "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0"],
            env={**os.environ, "HOME": name, "ALSA_CONFIG_PATH": str(folder / "asoundrc")}, stderr=log)
        port = None
        while port is None:
            time.sleep(0.2)
            log.seek(0)
            port = re.search(r"on tcp .*:(\d+)", log.read())
        subscriber = Subscriber(int(port[1]))
        if not subscriber.wait_for("first", ("live", "silent"), 20):
            raise SystemExit("the first channel does not begin")
        time.sleep(3)
        told, back, missed = [], [], 0
        for number in range(arguments.rounds):
            by_kill = number % 2 == 0
            begin = time.monotonic()
            first.kill() if by_kill else first.remove_sink()
            if not subscriber.wait_for("first", ("lost",), 10):
                missed += 1
                if not by_kill:
                    first.add_sink()
                continue
            told.append(time.monotonic() - begin)
            time.sleep(0.2 * (number % 5))
            first.start() if by_kill else first.add_sink()
            begin = time.monotonic()
            if subscriber.wait_for("first", ("live", "silent"), 30):
                back.append(time.monotonic() - begin)
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {arguments.rounds}", end="", file=sys.stderr)
        descriptors = len(os.listdir(f"/proc/{service.pid}/fd"))
        service.terminate()
        exit_code = service.wait(30)
        print(f"{arguments.rounds} losses: {len(told)} told, {len(back)} heard again, {missed} neither")
        for what, times in (("told within", told), ("back after", back)):
            if times:
                print(f"{what}  median {statistics.median(times):.2f} s, longest {max(times):.2f} s")
        kinds = collections.Counter(f"{message['type']} {message.get('stream', '')} "
                                    f"{message.get('reason', '')}" for message in subscriber.disturbed)
        print(f"others: {len(subscriber.disturbed)} disturbances {dict(kinds) or ''}; emotiond ends with {exit_code}, having had "
              f"{descriptors} descriptors open")
        for pulse in (first, second):
            pulse.kill()


if __name__ == "__main__":
    main()
