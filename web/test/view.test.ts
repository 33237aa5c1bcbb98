import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerClock } from "../src/clock";
import { csvOf } from "../src/csv";
import { duration, level, meter, share, signed, zone } from "../src/format";
import { matches, ordered } from "../src/order";
import { between, bounds, kLive, moved, spanned, zoomed } from "../src/range";
import type { Mark, Point, Stream } from "../src/store";
import { told, verdictOf } from "../src/verdict";

test("Numbers as people read them", () => {
  assert.deepEqual([0.7149, null, undefined, NaN].map(share), ["0.71", "–", "–", "–"]);
  assert.deepEqual([-0.374, 0.5, -0.001].map(signed), ["−0.37", "+0.50", "0.00"]);
  assert.deepEqual([-23.1, 0, null].map(level), ["−23 dBFS", "0 dBFS", "–"]);
  assert.deepEqual([-90, -60, -30, 0, 6, null].map(meter), [0, 0, 0.5, 1, 1, 0]);
  assert.deepEqual([120, 3200, 45_000, 60_000, 90_000, 600_000, 4_800_000].map(duration), ["120 ms", "3.2 s", "45 s", "1 min", "1 min 30 s", "10 min", "1 h 20 min"]);
  assert.deepEqual([0, -60, 330].map(zone), ["UTC", "UTC+01:00", "UTC−05:30"]);
});

test("Alerts come first, then what was asked for, then the name", () => {
  const row = (name: string, more: object = {}) => ({ name, state: "live", alerts: 0, valence: null as number | null, arousal: null as number | null, ...more });
  const rows = [row("desk10", { valence: -0.8 }), row("desk2", { state: "lost", arousal: 0.9 }), row("desk1", { valence: 0.2 }), row("desk3", { alerts: 1 })];
  const names = (sort: "name" | "state" | "negative" | "aroused"): string[] => ordered(rows, sort).map(({ name }) => name);
  assert.deepEqual(names("name"), ["desk3", "desk1", "desk2", "desk10"]);
  assert.deepEqual(names("state"), ["desk3", "desk2", "desk1", "desk10"]);
  assert.deepEqual(names("negative"), ["desk3", "desk10", "desk1", "desk2"]);
  assert.deepEqual(names("aroused"), ["desk3", "desk2", "desk1", "desk10"]);
});

test("A filter holds words of the name in any order", () => {
  assert.ok(matches("Meeting room", "ROOM meet"));
  assert.ok(matches("desk07", ""));
  assert.ok(!matches("desk07", "room"));
});

test("A range moves, zooms and becomes live again", () => {
  const now = 1_000_000;
  assert.deepEqual(bounds(kLive, now), [940_000, 1_000_000]);
  const back = moved(kLive, -30_000, now);
  assert.deepEqual(back, { span: 60_000, end: 970_000 });
  assert.deepEqual(moved(back, 60_000, now), { span: 60_000, end: null });
  const near = zoomed(back, 0.5, 940_000, now);
  assert.deepEqual(bounds(near, now), [925_000, 955_000]);
  assert.deepEqual(zoomed(kLive, 2, 0, now), { span: 120_000, end: null });
  assert.equal(spanned(back, 600_000).end, 970_000);
  assert.deepEqual(between(900_000, 900_001, now), { span: 5_000, end: 900_001 });
});

test("The server's time is told by its events, and better by a pong", () => {
  let local = 1_000;
  const clock = new ServerClock(() => local);
  assert.equal(clock.now(), 1_000);
  clock.heard(400);
  clock.heard(300);
  assert.equal(clock.now(), 400);
  local = 2_000;
  clock.measured(5_000, 1_800);
  assert.equal(clock.now(), 5_100);
});

const point: Point = {
  t: 10_000, epoch: "a", seq: 7, label: "angry", confidence: 0.71, uncertain: false, labels: ["neutral", "angry"], scores: [0.29, 0.71],
  valence: -0.4, arousal: 0.5, speech: 0.9, voiced: 0.6, level: -23.1, latency: { total: 36 }, model: 'm "1"',
};

test("A verdict is sure, uncertain, no speech, or too old to be one", () => {
  const stream = (last: Point | null): Stream => ({ points: last ? [last] : [] }) as unknown as Stream;
  assert.equal(verdictOf(stream(point), 10_200, 500).certainty, "sure");
  assert.equal(verdictOf(stream({ ...point, uncertain: true }), 10_200, 500).certainty, "uncertain");
  const quiet = verdictOf(stream({ ...point, label: "no_speech", uncertain: true }), 10_200, 500);
  assert.deepEqual([quiet.certainty, quiet.word], ["no-speech", "no speech"]);
  assert.deepEqual([verdictOf(stream(point), 14_000, 500).certainty, verdictOf(stream(null), 0, 500).word], ["none", "–"]);
});

test("Gaps and alerts in words", () => {
  const mark = (more: Partial<Mark>): Mark => ({ kind: "audio", t0: 0, t1: 120, epoch: "a", seq: 1, what: "ring_overflow", text: "", ...more });
  assert.deepEqual(told(mark({})), { kind: "gap", text: "120 ms of sound lost: ring overflow" });
  assert.equal(told(mark({ t1: 3000, what: "overload" })).text, "3.0 s of sound not classified: overload");
  assert.equal(told(mark({ kind: "queue", what: "slow_consumer", count: 59 })).text, "59 events missing: slow consumer");
  assert.equal(told(mark({ kind: "alert", what: "raised", text: "sustained-anger", value: 0.78, threshold: 0.7 })).text, "sustained anger raised, 0.78 (threshold 0.70)");
});

test("The page's own table is CSV", () => {
  assert.equal(
    csvOf("a,b", [point]),
    "time,epoch,stream,seq,label,confidence,uncertain,neutral,angry,valence,arousal,speech,voiced,level_dbfs,model,latency_ms\r\n" +
      '1970-01-01T00:00:10.000Z,a,"a,b",7,angry,0.71,false,0.29,0.71,-0.4,0.5,0.9,0.6,-23.1,"m ""1""",36\r\n',
  );
});
