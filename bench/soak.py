#!/usr/bin/env python3
"""A floor on which channels come and go for hours: do memory, descriptors and threads stay where they are?

    bench/soak.py --hours 2

Starts emotiond on --channels (8 to 24) of --desks (32) desks, each playing a recording again and again at the pace of a
microphone, with history, audit log and an alert rule, all in a temporary folder. Then, drawn from --seed:

    every 20 s      some channels leave the configuration and others come, by SIGHUP; at times a rule changes with them,
                    or the file says nonsense and nothing may change
    every 10 s      a channel is paused, resumed, objected to or has its objection lifted
    all the time    --visitors (6) connect over TCP, WebSocket or server-sent events, read or do not, resume, ask the
                    history, and leave with or without a word
    from the start  one subscriber reads all and holds it against docs/protocol.md

A line a minute tells

    channels     of the configuration, on the average
    RSS, dirty   of emotiond, MiB: resident memory, and how much of it is private and written to
    fds          its open descriptors; spare: without the channels' files and the clients' connections
    CPU          of all processors' time, of emotiond alone, %
    load         the highest step of overload in that minute; more than 0: others take the processors away
    events       that the subscriber got
    gaps, queue  that it was told: of audio, and of messages that it was too slow for
    faults       what may not be: a hole in `seq` that no gap tells, an event of a channel whose pause was answered, an
                 answer that does not come
    dropped      samples, and messages for visitors that do not read

The verdict compares the first with the second half of what follows --warm-up (10 minutes), and draws a line through it:
growth per hour, in which what a channel more or less takes is not counted. With --desks 100000 nearly every channel has
a name that was not there before, as where each call is a stream of its own.

Exit status 1: RSS grows by more than --limit-mib-per-hour (2), there are more descriptors to spare or more threads than
before, something is at fault, or emotiond does not end in good order. Ctrl-C tells the verdict so far.

Python 3.9 or newer.
"""
import argparse
import base64
import collections
import heapq
import json
import os
import pathlib
import random
import re
import selectors
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLIPS = sorted((ROOT / "tests" / "data" / "clips").glob("*.flac"))
SAMPLE_S = 5.0        # from one look at the process to the next
SHORTEST_MIN = 10.0   # after the warm-up
ANSWER_S = 30.0       # in which a command must be answered and a reload seen
RULES = ("""[[alerts]]\nname = "anger"\nlabels = ["angry"]\nthreshold = 0.3\ncooldown_ms = 5000\n""",
         """[[alerts]]\nname = "sadness"\nlabels = ["sad", "fearful"]\nthreshold = 0.4\ncooldown_ms = 5000\n""")


def kernel_says(pid, file, name):
    """The number that stands behind this name in a file of the process."""
    return int(re.search(rf"^{name}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/{file}").read_text(), re.MULTILINE)[1])


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    """How many are open, and how many of these are no recording."""
    names = []
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            names.append(os.readlink(entry.path))
        except FileNotFoundError:
            pass  # closed meanwhile
    return len(names), sum(not name.endswith(".flac") for name in names)


class Floor:
    """The configuration, and who is in it."""

    def __init__(self, folder, desks, least, most, chance):
        self.path = folder / "floor.toml"
        self.desks, self.least, self.most, self.chance = desks, least, most, chance
        self.rule, self.present = RULES[0], set()
        self.change()

    def settings(self, folder, history_mb):
        return ["--config", self.path, "--loop", "--print", "none", "--server.tcp=127.0.0.1:0",
                "--server.http=127.0.0.1:0", f"--history.path={folder / 'history.db'}", "--history.max_age_h=1",
                f"--history.max_mb={history_mb}", f"--audit.path={folder / 'audit.jsonl'}"]

    def change(self):
        """Some go and some come, so that there are between least and most."""
        wanted = self.chance.randint(self.least, self.most)
        going = self.chance.randint(max(1, len(self.present) // 8), 1 + len(self.present) // 2)
        for name in self.chance.sample(sorted(self.present), min(len(self.present), going)):
            self.present.remove(name)
        while len(self.present) > wanted:
            self.present.remove(self.chance.choice(sorted(self.present)))
        while len(self.present) < wanted:
            self.present.add(f"desk{self.chance.randrange(self.desks):02}")
        if self.chance.random() < 0.2:
            self.rule = RULES[self.rule == RULES[0]]
        self.write()

    def write(self):
        text = self.rule
        for name in sorted(self.present):
            clip = CLIPS[int(name[4:]) % len(CLIPS)]
            text += (f'[[channels]]\nid = "{name}"\nsource = "file:{clip}"\nrole = "customer"\ndisclosed = true\n'
                     f'labels = {{floor = "soak"}}\n')
        self.path.write_text(text)

    def write_nonsense(self):
        self.path.write_text('[[channels]]\nid = "desk00"\nsauce = "file"\n')


class Service:
    def __init__(self, emotiond, folder, settings):
        self.log_path = folder / "emotiond.log"
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen([emotiond, "run", *settings], stderr=log)
        self.pid = self.process.pid
        self.http, self.tcp = self.port(r"dashboard on http://.*:(\d+)"), self.port(r"on tcp .*:(\d+)")

    def port(self, pattern):
        while True:
            if found := re.search(pattern, self.log_path.read_text()):
                return int(found[1])
            if self.process.poll() is not None:
                raise SystemExit(f"emotiond ended: {self.process.returncode}\n{self.log_path.read_text()}")
            time.sleep(0.2)

    def ask(self, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", method=method)
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            return answer.read()

    def metrics(self, *names):
        """Their sums over all streams."""
        lines = self.ask("/metrics").decode().splitlines()
        return [sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(rf"emotiond_{name}[ {{]", line))
                for name in names]

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Subscriber:
    """Reads all and holds it against the protocol; gives the commands."""

    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.setblocking(False)
        self.rest = b""
        self.seq = None  # of each stream, once the hello is there
        self.epoch = ""
        self.kinds, self.gaps, self.told = collections.Counter(), collections.Counter(), 0
        self.level, self.highest = 0, 0  # of overload; the latter since it was told
        self.faults = collections.Counter()
        self.examples = []
        self.asked = {}       # request id: when, action, stream
        self.paused = set()   # streams, of which nothing may be told
        self.objected = set()
        self.ended, self.begun = collections.Counter(), set()
        self.closed = False

    def fault(self, what, message):
        self.faults[what] += 1
        if len(self.examples) < 10:
            self.examples.append(f"{what}: {message}")

    def read(self):
        while True:
            try:
                data = self.connection.recv(1 << 18)
            except BlockingIOError:
                return
            except OSError as error:
                data = b""
                self.fault("connection broken", error)
            if not data:
                self.closed = True
                return
            *lines, self.rest = (self.rest + data).split(b"\n")
            for line in lines:
                self.take(json.loads(line))

    def take(self, message):
        kind = message["type"]
        self.kinds[kind] += 1
        if kind == "hello":
            self.epoch = message["epoch"]
            self.seq = {stream["stream"]: stream["newest_seq"] for stream in message["streams"]}
            return
        if "request_id" in message:
            self.take_answer(message)
            return
        if kind == "gap" and message["scope"] == "queue":
            self.told += 1
            if "stream" in message and "to_seq" in message:
                self.count(message, message["from_seq"], message["to_seq"])
            return
        if kind == "overload":
            self.level = message["level"]
            self.highest = max(self.highest, self.level)
        if "seq" not in message:
            if kind == "error":
                self.fault(f"error {message['code']}", message)
            return
        self.count(message, message["seq"], message["seq"])
        stream = message["stream"]
        if kind == "gap":
            self.gaps[message["reason"]] += 1
        elif kind == "error":
            self.fault(f"error {message['code']}", message)
        if stream in self.paused and kind in ("emotion", "utterance", "gap"):
            self.fault("told of a paused stream", message)

    def count(self, message, first, last):
        stream = message["stream"]
        expected = self.seq.get(stream, 0) + 1
        if message["epoch"] != self.epoch or first != expected:
            self.fault("hole in seq", f"expected {expected} of {self.epoch}: {message}")
        self.seq[stream] = last

    def take_answer(self, message):
        asked = self.asked.pop(message["request_id"], None)
        if asked is None:
            self.fault("answer to nothing", message)
            return
        _, action, stream = asked
        if message["type"] == "error":
            # One that has just left the configuration is not known.
            if message["code"] != "unknown_stream":
                self.fault(f"{action}: {message['code']}", message)
        elif action != "resume_analysis":
            self.paused.add(stream)
            if action == "object":
                self.objected.add(stream)

    def command(self, action, stream, number):
        command = {"type": action, "request_id": f"soak-{number}", "streams": [stream], "reason": "soak"}
        if action == "resume_analysis":
            self.paused.discard(stream)
            if stream in self.objected:
                self.objected.discard(stream)
                command["lift_objection"] = True
        self.asked[command["request_id"]] = (time.monotonic(), action, stream)
        self.connection.sendall(json.dumps(command).encode() + b"\n")

    def check_answers(self):
        for request, (when, action, stream) in list(self.asked.items()):
            if time.monotonic() - when > ANSWER_S:
                del self.asked[request]
                self.fault("no answer", f"{action} {stream}")


class Visitor:
    """Comes, looks and goes."""

    def __init__(self, service, chance, subscriber):
        self.kind = chance.choice(["tcp", "websocket", "sse"])
        self.reads = chance.random() < 0.7
        self.resets = chance.random() < 0.3
        self.says_goodbye = chance.random() < 0.5
        self.bytes = 0
        self.connection = socket.create_connection(
            ("127.0.0.1", service.tcp if self.kind == "tcp" else service.http))
        if not self.reads:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        if self.kind == "tcp":
            hello = {"type": "subscribe", "min_interval_ms": chance.choice([0, 1000])}
            if chance.random() < 0.5:  # as one that was away for a while
                hello["resume"] = [{"epoch": subscriber.epoch, "stream": stream, "after_seq": seq // 2}
                                   for stream, seq in sorted(subscriber.seq.items())[:16]]
            self.connection.sendall(json.dumps(hello).encode() + b"\n")
        else:
            path = "/v1/stream" if self.kind == "websocket" else "/v1/events?streams=desk*"
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
            if self.kind == "websocket":
                key = base64.b64encode(os.urandom(16)).decode()
                head += (f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                         "Sec-WebSocket-Version: 13\r\n")
            self.connection.sendall(head.encode() + b"\r\n")
        self.connection.setblocking(False)

    def read(self):
        """False where the server has hung up."""
        try:
            data = self.connection.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.bytes += len(data)
        return bool(data)

    def leave(self):
        try:
            if self.says_goodbye and self.kind == "websocket":
                self.connection.sendall(b"\x88\x82\0\0\0\0" + struct.pack(">H", 1000))
            elif self.says_goodbye and self.kind == "tcp":
                self.connection.sendall(b'{"type":"close"}\n')
            if self.resets:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # it was first
        self.connection.close()


Sample = collections.namedtuple("Sample", "minutes channels rss descriptors spare threads")


class Soak:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.chance = random.Random(arguments.seed)
        least, most = arguments.channels
        self.floor = Floor(folder, arguments.desks, least, most, self.chance)
        self.service = Service(arguments.emotiond, folder, [*self.floor.settings(folder, arguments.history_mb),
                                                             *(f"--{setting}" for setting in arguments.settings)])
        self.subscriber = Subscriber(self.service.tcp)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.subscriber.connection, selectors.EVENT_READ, self.subscriber)
        self.visitors, self.visits, self.visits_cut = set(), collections.Counter(), 0
        self.samples, self.agenda = [], []
        self.planned, self.commands, self.reloads = 0, 0, 0
        self.begin = time.monotonic()
        self.line = dict(events=0, gaps=0, told=0, cpu=cpu_seconds(self.service.pid), at=self.begin, samples=0)

    # What is due, and when.

    def at(self, seconds, act):
        self.planned += 1
        heapq.heappush(self.agenda, (time.monotonic() + seconds, self.planned, act))

    def every(self, seconds, act):
        def again():
            self.at(seconds, again)
            act()
        self.at(seconds, again)

    def run(self):
        self.read(5.0)  # the hello
        if self.subscriber.seq is None:
            raise SystemExit("emotiond says no hello")
        self.every(self.arguments.reload_s, self.reload)
        self.every(self.arguments.control_s, self.control)
        self.every(SAMPLE_S, self.sample)
        self.every(60, self.tell)
        self.every(17, self.ask)
        for _ in range(self.arguments.visitors):
            self.at(self.chance.uniform(0, 20), self.visit)
        end = self.begin + self.arguments.hours * 3600
        while time.monotonic() < end:
            self.read(max(0.0, min(self.agenda[0][0], end) - time.monotonic()))
            if self.subscriber.closed or self.service.process.poll() is not None:
                self.subscriber.fault("emotiond is gone", f"exit code {self.service.process.poll()}")
                return
            while self.agenda[0][0] <= time.monotonic():
                heapq.heappop(self.agenda)[-1]()

    def read(self, seconds):
        """What comes within this time; at most a tenth of a second's worth of events at once."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready = self.selector.select(left)
            for key, _ in ready:
                reader = key.data
                if reader is self.subscriber:
                    self.subscriber.read()
                elif not reader.read():
                    self.visits_cut += 1
                    self.part(reader)
            if ready:
                if self.subscriber.closed:
                    return
                time.sleep(min(0.1, max(0.0, end - time.monotonic())))  # so that it costs little

    def reload(self):
        self.reloads += 1
        if self.chance.random() < 0.05:
            self.floor.write_nonsense()
        else:
            self.floor.change()
        self.service.process.send_signal(signal.SIGHUP)

    def control(self):
        self.subscriber.check_answers()
        paused = sorted(self.subscriber.paused & self.floor.present)
        heard = sorted(self.floor.present - self.subscriber.paused)
        self.commands += 1
        # A quarter of the floor is paused at most.
        if paused and (len(paused) > len(heard) // 3 or self.chance.random() < 0.5):
            self.subscriber.command("resume_analysis", self.chance.choice(paused), self.commands)
        elif heard:
            action = "object" if self.chance.random() < 0.2 else "pause"
            self.subscriber.command(action, self.chance.choice(heard), self.commands)

    def ask(self):
        path = self.chance.choice(["/", "/v1/streams", "/v1/models", "/v1/history?limit=1000&order=desc",
                                   "/v1/history?stream=desk0*&format=csv&limit=5000", "/healthz", "/readyz"])
        try:
            self.service.ask(path)
            if self.chance.random() < 0.05:
                self.service.ask("/v1/history?stream=" + self.chance.choice(sorted(self.floor.present)), "DELETE")
        except (OSError, urllib.error.URLError) as error:
            self.subscriber.fault(f"HTTP {path}", error)

    def visit(self):
        try:
            visitor = Visitor(self.service, self.chance, self.subscriber)
        except OSError as error:
            self.subscriber.fault("connection refused", error)
            self.at(5, self.visit)
            return
        self.visits[visitor.kind] += 1
        self.visitors.add(visitor)
        if visitor.reads:
            self.selector.register(visitor.connection, selectors.EVENT_READ, visitor)
        self.at(self.chance.choice([0.0, 1.0, 10.0, 25.0, 60.0]), lambda: self.part(visitor))
        self.at(self.chance.uniform(5, 60), self.visit)

    def part(self, visitor):
        if visitor in self.visitors:
            self.visitors.remove(visitor)
            if visitor.reads:
                self.selector.unregister(visitor.connection)
            visitor.leave()

    # What is told.

    def sample(self):
        pid = self.service.pid
        count, no_clips = descriptors(pid)
        self.samples.append(Sample(
            minutes=(time.monotonic() - self.begin) / 60, channels=len(self.floor.present),
            rss=kernel_says(pid, "status", "VmRSS") / 1024, descriptors=count,
            spare=no_clips - int(self.service.metrics("connections")[0]),
            threads=kernel_says(pid, "status", "Threads")))

    def tell(self):
        if len(self.samples) <= self.line["samples"]:
            return
        since = self.samples[self.line["samples"]:]
        subscriber, line, now = self.subscriber, self.line, time.monotonic()
        events, gaps, cpu = sum(subscriber.kinds.values()), sum(subscriber.gaps.values()), cpu_seconds(self.service.pid)
        samples, messages = self.service.metrics("samples_dropped_total", "messages_dropped_total")
        dirty = kernel_says(self.service.pid, "smaps_rollup", "Private_Dirty") / 1024
        print(f"{since[-1].minutes:7.1f}  {statistics.mean(s.channels for s in since):8.1f}  "
              f"{statistics.median(s.rss for s in since):7.1f}  {dirty:7.1f}  "
              f"{statistics.median(s.descriptors for s in since):4.0f}  "
              f"{statistics.median(s.spare for s in since):5.0f}  "
              f"{statistics.median(s.threads for s in since):7.0f}  "
              f"{100 * (cpu - line['cpu']) / (now - line['at']) / os.cpu_count():4.0f}  {subscriber.highest:4}  "
              f"{events - line['events']:6}  {gaps - line['gaps']:4}  {subscriber.told - line['told']:5}  "
              f"{sum(subscriber.faults.values()):6}  "
              f"{samples:6.0f}, {messages:.0f}", flush=True)
        self.line = dict(events=events, gaps=gaps, told=subscriber.told, cpu=cpu, at=now, samples=len(self.samples))
        subscriber.highest = subscriber.level

    def head(self):
        print("minutes  channels      RSS    dirty   fds  spare  threads   CPU  load  events  gaps  queue  faults  "
              "dropped samples, messages", flush=True)


def slopes(samples):
    """Least squares of RSS: MiB an hour, and MiB a channel."""
    hours = [sample.minutes / 60 for sample in samples]
    columns = [hours, [sample.channels for sample in samples], [sample.rss for sample in samples]]
    hour, channel, rss = ([value - statistics.fmean(column) for value in column] for column in columns)

    def dot(one, other):
        return sum(a * b for a, b in zip(one, other))

    determinant = dot(hour, hour) * dot(channel, channel) - dot(hour, channel) ** 2
    if determinant < 1e-9:  # as many channels all the time
        return dot(hour, rss) / dot(hour, hour), 0.0
    return ((dot(channel, channel) * dot(hour, rss) - dot(hour, channel) * dot(channel, rss)) / determinant,
            (dot(hour, hour) * dot(channel, rss) - dot(hour, channel) * dot(hour, rss)) / determinant)


def damages(folder, emotiond):
    """Of what it left behind."""
    found = []
    try:
        database = sqlite3.connect(f"file:{folder / 'history.db'}?mode=ro", uri=True)
        if (answer := database.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            found.append(f"history: {answer}")
        database.close()
    except sqlite3.Error as error:
        found.append(f"history: {error}")
    verified = subprocess.run([emotiond, "audit", "verify", folder / "audit.jsonl"], capture_output=True, text=True,
                              check=False)
    if verified.returncode != 0:
        found.append(f"audit log: {verified.stdout}{verified.stderr}")
    return found


def verdict(soak, exit_code):
    """What is wrong; empty: nothing."""
    arguments, subscriber, wrong = soak.arguments, soak.subscriber, []
    size = sum(path.stat().st_size for path in soak.folder.glob("history.db*")) / 1048576
    print(f"\n{soak.reloads} reloads, {soak.commands} commands, {sum(soak.visits.values())} visits "
          f"{dict(soak.visits)}, {soak.visits_cut} ended by the service, history {size:.1f} MiB")
    print("messages: " + ", ".join(f"{count} {kind}" for kind, count in sorted(subscriber.kinds.items())) +
          f"; gaps of audio {dict(subscriber.gaps)}, of the queue {subscriber.told}")
    later = [sample for sample in soak.samples if sample.minutes >= arguments.warm_up]
    if not later or later[-1].minutes - later[0].minutes < SHORTEST_MIN:
        print(f"too short for a verdict on memory: that takes {SHORTEST_MIN} minutes after the warm-up")
    else:
        middle = (later[0].minutes + later[-1].minutes) / 2
        halves = ([s for s in later if s.minutes < middle], [s for s in later if s.minutes >= middle])
        print(f"{'after the warm-up':20}  {'first half':>10}  {'second half':>11}")
        medians = {}
        for field, name in (("channels", "channels"), ("rss", "RSS, MiB"), ("descriptors", "descriptors"),
                            ("spare", "of them to spare"), ("threads", "threads")):
            medians[field] = [statistics.median(getattr(sample, field) for sample in half) for half in halves]
            print(f"{name:20}  {medians[field][0]:10.1f}  {medians[field][1]:11.1f}")
        growth, channel = slopes(later)
        print(f"growth {growth:.2f} MiB an hour; a channel {channel:.2f} MiB")
        if growth > arguments.limit_mib_per_hour:
            wrong.append(f"memory grows by {growth:.2f} MiB an hour, more than {arguments.limit_mib_per_hour}")
        wrong += [f"more {what} than before" for field, what in (("spare", "descriptors"), ("threads", "threads"))
                  if medians[field][1] > medians[field][0]]
    for what, count in subscriber.faults.items():
        wrong.append(f"{count} times {what}")
    if exit_code != 0:
        wrong.append(f"emotiond ends with {exit_code}")
    return wrong + damages(soak.folder, arguments.emotiond)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emotiond", type=pathlib.Path, default=ROOT / "build" / "release" / "emotiond")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--warm-up", type=float, default=10.0, help="minutes")
    parser.add_argument("--limit-mib-per-hour", type=float, default=2.0)
    parser.add_argument("--channels", type=int, nargs=2, default=[8, 24], metavar=("LEAST", "MOST"))
    parser.add_argument("--desks", type=int, default=32, help="names that channels may have")
    parser.add_argument("--visitors", type=int, default=6)
    parser.add_argument("--reload-s", type=float, default=20.0)
    parser.add_argument("--control-s", type=float, default=10.0)
    parser.add_argument("--history-mb", type=int, default=4, help="so that the oldest events go")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--settings", nargs="*", default=[], help="such as server.replay_bytes=65536")
    arguments = parser.parse_args()
    if not 1 <= arguments.channels[0] <= arguments.channels[1] <= arguments.desks:
        parser.error("--channels: LEAST and MOST from 1 to --desks")
    os.environ.setdefault("EMOTIOND_BUNDLE_DIR", str(ROOT / "model" / "pretrained"))
    with tempfile.TemporaryDirectory() as name:
        soak = Soak(arguments, pathlib.Path(name))
        try:
            soak.head()
            soak.run()
        except KeyboardInterrupt:
            print("\ninterrupted", file=sys.stderr)
        except OSError as error:
            soak.subscriber.fault("emotiond does not answer", error)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough
            exit_code = soak.service.end()
        wrong = verdict(soak, exit_code)
        for example in soak.subscriber.examples:
            print(f"    {example}")
        if exit_code != 0:
            print("".join(soak.service.log_path.read_text().splitlines(True)[-20:]))
    print("\n".join(wrong) if wrong else "nothing wrong was found")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
