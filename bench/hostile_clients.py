#!/usr/bin/env python3
"""What hostile clients can do to a running emotiond: one subscriber behaves, the others do not.

    bench/hostile_clients.py

Each attack says what it was answered; beside it stands the longest silence that the subscriber who behaves
saw while it lasted (its stream has an event every 500 ms). Exit code 1 where an answer is not the one
that docs/protocol.md tells, or the silence was longer than two seconds.
"""
import argparse
import base64
import collections
import json
import os
import re
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UPGRADE = (b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


class Daemon:
    def __init__(self, binary, *arguments):
        clip = os.path.join(ROOT, "tests", "data", "clips", "demo.flac")
        self.process = subprocess.Popen(
            [binary, "run", "--server.tcp=127.0.0.1:0", "--server.http=127.0.0.1:0", "--print", "none",
             "--loop", "--source", f"file:{clip}", *arguments], stderr=subprocess.PIPE, text=True)
        log = ""
        while "dashboard on " not in log:
            line = self.process.stderr.readline()
            if not line:
                sys.exit("emotiond did not start:\n" + log)
            log += line
        self.tcp = int(re.search(r"NDJSON on tcp .*:(\d+)", log)[1])
        self.http = int(re.search(r"dashboard on http://.*:(\d+)", log)[1])
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=20)


class Subscriber(threading.Thread):
    """The one who behaves."""

    def __init__(self, port, token=None):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port))
        if token:
            self.socket.sendall(json.dumps({"type": "auth", "token": token}).encode() + b"\n")
        self.last = time.monotonic()
        self.longest = 0.0
        self.start()

    def run(self):
        while data := self.socket.recv(1 << 16):
            if b'"type":"emotion"' in data:
                now = time.monotonic()
                self.longest = max(self.longest, now - self.last)
                self.last = now

    def silence(self):
        """The longest one since the last call."""
        longest = max(self.longest, time.monotonic() - self.last)
        self.longest = 0.0
        return longest


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    return connection


def rest(connection, limit=1 << 20):
    """What comes until the server hangs up or is silent for long."""
    data = b""
    try:
        while len(data) < limit and (more := connection.recv(1 << 16)):
            data += more
    except OSError:
        pass
    return data


def frame(opcode, payload, masked=True):
    size = len(payload)
    head = bytes([0x80 | opcode])
    mask = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    elif size < 65536:
        head += bytes([mask | 126]) + struct.pack(">H", size)
    else:
        head += bytes([mask | 127]) + struct.pack(">Q", size)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def close_code(data):
    """Of the close frame at the end, None where there is none."""
    for at in range(len(data) - 3, max(-1, len(data) - 130), -1):
        if data[at] == 0x88 and at + 2 + data[at + 1] == len(data):
            return struct.unpack(">H", data[at + 2:at + 4])[0]
    return None


def websocket(port, *frames):
    connection = connect(port)
    connection.sendall(UPGRADE)
    time.sleep(0.2)
    connection.sendall(b"".join(frames))
    connection.settimeout(5)
    return close_code(rest(connection))


def many_connections(port, count):
    kept, answers = [], collections.Counter()
    for _ in range(count):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", port))
        kept.append(connection)
        if len(kept) % 200 == 0:
            time.sleep(0.02)
    time.sleep(2)
    for connection in kept:
        try:
            data = connection.recv(4096)
        except OSError:
            data = b"open"
        answers["too_many_connections" if b"too_many_connections" in data else
                "taken in" if data == b"open" or b'"hello"' in data else "cut"] += 1
    for connection in kept:
        connection.close()
    return answers


def slow_loris(port, count):
    connections = [connect(port) for _ in range(count)]
    begin = time.monotonic()
    for connection in connections:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: lo")
    open_ones = set(connections)
    while open_ones and time.monotonic() - begin < 25:
        for connection in list(open_ones):
            connection.setblocking(False)
            try:
                connection.sendall(b"c")
                if connection.recv(1) == b"":
                    open_ones.discard(connection)
            except BlockingIOError:
                pass
            except OSError:
                open_ones.discard(connection)
        time.sleep(0.5)
    return len(open_ones), time.monotonic() - begin


def wrong_tokens(port, seconds):
    end, answers = time.monotonic() + seconds, collections.Counter()
    while time.monotonic() < end:
        connection = connect(port)
        connection.sendall(b'{"type":"auth","token":"' + base64.b64encode(os.urandom(24)) + b'"}\n')
        answers["not_authorised" if b"not_authorised" in rest(connection) else "other"] += 1
        connection.close()
    return answers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emotiond", default=os.path.join(ROOT, "build", "release", "emotiond"))
    parser.add_argument("--connections", type=int, default=10000)
    arguments = parser.parse_args()
    os.environ.setdefault("EMOTIOND_BUNDLE_DIR", os.path.join(ROOT, "model", "pretrained"))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    failed = False

    def report(attack, answer, right, subscriber):
        nonlocal failed
        silence = subscriber.silence() if subscriber else 0.0
        bad = not right or silence > 2.0
        failed = failed or bad
        print(f"{attack:34} {answer:58} {silence:5.2f} s{'  WRONG' if bad else ''}", flush=True)

    print(f"{'attack':34} {'answer':58} silence")
    daemon = Daemon(arguments.emotiond, "--server.max_connections_per_address=2048")
    good = Subscriber(daemon.tcp)
    time.sleep(2.5)
    good.silence()
    for name, port in (("TCP", daemon.tcp), ("HTTP", daemon.http)):
        answers = many_connections(port, arguments.connections)
        report(f"{arguments.connections} connections, {name}",
               ", ".join(f"{count} {answer}" for answer, count in sorted(answers.items())),
               answers["taken in"] <= 2048 and sum(answers.values()) == arguments.connections, good)
        time.sleep(1)
    left, seconds = slow_loris(daemon.http, 500)
    report("500 slow requests (slow loris)", f"{500 - left} cut within {seconds:.0f} s", left == 0, good)
    code = websocket(daemon.http, frame(1, b"x" * 70000))
    report("frame of 70000 bytes", f"close code {code}", code == 1009, good)
    code = websocket(daemon.http, b"\x81\xff" + struct.pack(">Q", 1 << 62) + b"\0\0\0\0")
    report("frame that claims 2^62 bytes", f"close code {code}", code == 1009, good)
    code = websocket(daemon.http, frame(1, b"\xff\xfe\xfd"))
    report("frame that is not UTF-8", f"close code {code}", code == 1007, good)
    code = websocket(daemon.http, frame(1, b"{}", masked=False))
    report("frame without a mask", f"close code {code}", code == 1002, good)
    connection = connect(daemon.tcp)
    connection.sendall(b"x" * 1000000)
    report("line of 1000000 bytes", "error too_big, closed",
           b'"code":"too_big"' in rest(connection), good)
    connection = connect(daemon.tcp)
    connection.sendall((b'{"type":"ping","x":' + b"[" * 60000 + b"\n") * 20 + b'{"type":"close"}\n')
    answers = rest(connection)
    report("20 commands, 60000 deep", f"{answers.count(b'bad_json')} times bad_json, then closed as asked",
           answers.count(b"bad_json") == 20, good)
    connection = connect(daemon.tcp)
    connection.settimeout(0.2)
    sent = 0
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            sent += connection.send(b'{"type":"ping"}\n' * 1000)
        except OSError:
            pass
    report("pings for 5 s, answers not read", f"taken in until the queue was full, {sent / 1e6:.1f} MB", True, good)
    connection.close()
    report("the service after all that", f"ends in good order, exit code {daemon.stop()}",
           daemon.process.returncode == 0, None)

    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run([arguments.emotiond, "token", "good"], capture_output=True, text=True, check=True)
        tokens = os.path.join(folder, "tokens.toml")
        with open(tokens, "w", encoding="utf-8") as file:
            file.write(made.stdout)
        daemon = Daemon(arguments.emotiond, f"--server.tokens={tokens}")
        good = Subscriber(daemon.tcp, made.stderr.split()[-1])
        time.sleep(2.5)
        good.silence()
        answers = wrong_tokens(daemon.tcp, 5)
        report("wrong tokens for 5 s", f"{answers['not_authorised']} times not_authorised, closed",
               answers["other"] == 0, good)
        connection = connect(daemon.tcp)
        begin = time.monotonic()
        answer = rest(connection)
        report("no token at all", f"not_authorised after {time.monotonic() - begin:.0f} s",
               b"no token came in time" in answer, good)
        daemon.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
