import assert from "node:assert/strict";
import { test } from "node:test";
import type { Emotion, Hello, Message } from "../src/protocol";
import { parse } from "../src/protocol";
import { Store } from "../src/store";

const at = (seq: number): string => new Date(1_800_000_000_000 + seq * 500).toISOString();

function emotion(seq: number, epoch = "a", stream = "desk07"): Emotion {
  return {
    type: "emotion", epoch, stream, role: "caller", seq, time: at(seq), start_ms: 0, end_ms: 3000, label: "angry", confidence: 0.7,
    scores: { neutral: 0.3, angry: 0.7 }, uncertain: false, affect: { valence: -0.4, arousal: 0.5 }, level_dbfs: -23.1, model: "m",
  };
}

function hello(epoch: string, newest: number, oldest = 1): Hello {
  return {
    type: "hello", epoch, server: "emotiond", models: [],
    streams: [{ stream: "desk07", role: "caller", state: "live", oldest_seq: oldest, newest_seq: newest }],
  };
}

function begun(newest = 0, oldest = 0): Store {
  const store = new Store();
  store.hello(hello("a", newest, oldest));
  return store;
}

test("A stream that is new to the page starts as far back as a minute, where the server holds it", () => {
  assert.deepEqual(begun(960, 1).resume(), [{ epoch: "a", stream: "desk07", after_seq: 830 }]);
  assert.deepEqual(begun(960, 950).resume(), [{ epoch: "a", stream: "desk07", after_seq: 949 }]);
  assert.deepEqual(begun(960, 0).resume(), [{ epoch: "a", stream: "desk07", after_seq: 960 }]);
});

test("It goes on after the newest event that it has seen", () => {
  const store = begun();
  for (const seq of [1, 2, 3]) store.apply(emotion(seq));
  store.hello(hello("a", 9));
  assert.deepEqual(store.resume(), [{ epoch: "a", stream: "desk07", after_seq: 3 }]);
});

test("A stream that the server has no more is not resumed, and has ended", () => {
  const store = begun();
  store.apply(emotion(1));
  store.hello({ ...hello("a", 9), streams: [] });
  assert.deepEqual(store.resume(), []);
  assert.equal(store.stream("desk07").state, "ended");
});

test("Events are seen once, in order", () => {
  const store = begun();
  for (const seq of [1, 2, 2, 1, 3]) store.apply(emotion(seq));
  assert.deepEqual(store.events("desk07"), [1, 2, 3]);
  assert.equal(store.stream("desk07").points.length, 3);
  assert.deepEqual(store.holes, []);
});

test("A number that is passed over is a hole, and is drawn from event to event", () => {
  const store = begun();
  store.apply(emotion(1));
  store.apply(emotion(4));
  assert.deepEqual(store.holes, [{ stream: "desk07", epoch: "a", from: 2, to: 3, reason: "never came" }]);
  const [mark] = store.stream("desk07").marks;
  assert.equal(mark?.kind, "hole");
  assert.equal(mark?.count, 2);
  assert.equal(mark?.t0, Date.parse(at(1)));
  assert.equal(mark?.t1, Date.parse(at(4)));
});

test("A gap of scope queue is told as such, not as a hole besides, and ends with the next event", () => {
  const store = begun();
  store.apply(emotion(1));
  store.apply({ type: "gap", stream: "desk07", scope: "queue", reason: "slow_consumer", from_seq: 2, to_seq: 9, dropped: 8 });
  assert.equal(store.stream("desk07").marks[0]?.t1, Infinity);
  store.apply(emotion(10));
  assert.deepEqual(store.holes, [{ stream: "desk07", epoch: "a", from: 2, to: 9, reason: "slow_consumer" }]);
  assert.equal(store.stream("desk07").marks.length, 1);
  assert.equal(store.stream("desk07").marks[0]?.t1, Date.parse(at(10)));
  assert.deepEqual(store.events("desk07"), [1, 10]);
});

test("After a restart with all events of the old run there is no hole", () => {
  const store = begun();
  for (const seq of [1, 2]) store.apply(emotion(seq));
  store.hello(hello("b", 2));
  assert.deepEqual(store.resume(), [{ epoch: "a", stream: "desk07", after_seq: 2 }]);
  store.subscribed({ type: "subscribed", streams: [{ stream: "desk07", newest_seq: 2 }] });
  store.apply(emotion(3, "a"));
  store.apply(emotion(1, "b"));
  store.apply(emotion(2, "b"));
  assert.deepEqual(store.holes, []);
  assert.deepEqual(store.events("desk07"), [1, 2]);
  assert.equal(store.stream("desk07").epoch, "b");
  assert.deepEqual(store.stream("desk07").marks.map((mark) => mark.kind), ["restart"]);
});

test("After a restart whose old events are held no more that is said, however the server tells it", () => {
  for (const tell of [
    (store: Store) => store.subscribed({ type: "subscribed", streams: [{ stream: "desk07", epoch: "b", from_seq: 1, newest_seq: 1, truncated: true }] }),
    (store: Store) => store.apply({ type: "gap", scope: "queue", reason: "not_held", epoch: "a", stream: "desk07", from_seq: 3 }),
  ]) {
    const store = begun();
    for (const seq of [1, 2]) store.apply(emotion(seq));
    store.hello(hello("b", 1));
    tell(store);
    store.apply(emotion(1, "b"));
    assert.equal(store.holes.length, 1);
    assert.equal(store.holes[0]?.from, 3);
    assert.equal(store.holes[0]?.to, null);
    assert.deepEqual(store.events("desk07"), [1]);
  }
});

test("What the new run holds no more is a hole in its numbers", () => {
  const store = begun();
  store.apply(emotion(1));
  store.hello(hello("b", 9));
  store.apply({ type: "gap", scope: "queue", reason: "not_held", epoch: "b", stream: "desk07", from_seq: 1, to_seq: 5, dropped: 5 });
  store.apply(emotion(6, "b"));
  assert.deepEqual(store.holes, [{ stream: "desk07", epoch: "b", from: 1, to: 5, reason: "not_held" }]);
  assert.deepEqual(store.events("desk07"), [6]);
});

test("Nothing is missed of a stream that was never begun", () => {
  const store = begun(960, 900);
  store.subscribed({ type: "subscribed", streams: [{ stream: "desk07", epoch: "a", from_seq: 905, newest_seq: 960, truncated: true }] });
  store.apply(emotion(905));
  assert.deepEqual(store.holes, []);
  const other = begun(960, 900);
  other.apply({ type: "gap", scope: "queue", reason: "not_held", epoch: "a", stream: "desk07", from_seq: 900, to_seq: 904, dropped: 5 });
  other.apply(emotion(905));
  assert.deepEqual(other.holes, []);
});

test("States, gaps of sound and alerts are kept", () => {
  const store = begun();
  const base = { epoch: "a", stream: "desk07", role: "caller" };
  store.apply({ type: "stream", ...base, seq: 1, time: at(1), state: "lost", reason: "device unplugged" });
  assert.equal(store.stream("desk07").state, "lost");
  store.apply({ type: "gap", ...base, seq: 2, time: at(2), scope: "audio", reason: "ring_overflow", start_ms: 0, lost_ms: 120 });
  assert.equal(store.stream("desk07").marks[1]?.t0, Date.parse(at(2)) - 120);
  store.apply({ type: "alert", ...base, seq: 3, time: at(3), state: "raised", alert: "x", rule: "sustained-anger", value: 0.78, threshold: 0.7 });
  assert.equal(store.stream("desk07").alerts.size, 1);
  store.apply({ type: "alert", ...base, seq: 4, time: at(4), state: "cleared", alert: "x", rule: "sustained-anger" });
  assert.equal(store.stream("desk07").alerts.size, 0);
  assert.deepEqual(store.holes, []);
});

test("An event of a type that is not known counts as seen", () => {
  const store = begun();
  store.apply(emotion(1));
  store.apply({ type: "of a later version", epoch: "a", stream: "desk07", seq: 2, time: at(2) } as unknown as Message);
  store.apply(emotion(3));
  assert.deepEqual(store.holes, []);
});

test("No speech moves no mean", () => {
  const store = begun();
  store.apply(emotion(1));
  store.apply({ ...emotion(2), label: "no_speech", affect: { valence: 1, arousal: 1 } });
  assert.equal(store.stream("desk07").valence, -0.4);
});

test("What came by the history stands before what was heard, and counts as not seen", () => {
  const store = begun(960, 961);
  store.apply(emotion(961));
  store.seed([emotion(960), emotion(959), emotion(961)], Date.parse(at(950)));
  assert.deepEqual(store.stream("desk07").points.map((point) => point.seq), [959, 960, 961]);
  assert.deepEqual(store.events("desk07"), [961]);
});

test("A text that is no message is none", () => {
  for (const text of ["", "{", "null", "[]", "7", '{"v":1}', '{"type":7}']) assert.equal(parse(text), null);
  assert.equal((parse('{"v":1,"type":"pong"}') as Message).type, "pong");
});

test("Hostile names are names", () => {
  const store = begun();
  for (const stream of ["__proto__", "constructor", "<b>"]) store.apply(emotion(1, "a", stream));
  assert.deepEqual(store.events("__proto__"), [1]);
  assert.equal(store.streams.size, 4);
});

test("What is not analysed says why, until it is again", () => {
  const store = new Store();
  const told = hello("a", 0, 0);
  store.hello({ ...told, streams: [{ ...told.streams[0]!, disclosed: true, analysed: false, reason: "paused: lunch", state: "paused" }] });
  const stream = store.stream("desk07");
  assert.equal(stream.barred, "paused: lunch");
  assert.equal(stream.disclosed, true);
  const state = (seq: number, what: string, reason: string): Message =>
    ({ type: "stream", epoch: "a", stream: "desk07", seq, time: at(seq), state: what, reason });
  store.apply(state(1, "lost", "unplugged"));
  assert.equal(stream.barred, "paused: lunch");
  store.apply(state(2, "silent", "analysed again"));
  assert.equal(stream.barred, "");
  store.apply(state(3, "paused", "objection: asked"));
  assert.equal(stream.barred, "objection: asked");
  store.hello(hello("a", 3));
  assert.equal(stream.barred, "");
  assert.equal(stream.disclosed, null);
});

test("An utterance is a mark from its begin to its end", () => {
  const store = begun();
  store.apply({
    type: "utterance", epoch: "a", stream: "desk07", seq: 1, time: at(20), utterance: 12, start_ms: 1000, end_ms: 4000, label: "angry",
    confidence: 0.68, uncertain: true,
  });
  const [mark] = store.stream("desk07").marks;
  assert.equal(mark?.kind, "utterance");
  assert.equal(mark?.what, "angry");
  assert.equal(mark?.value, 0.68);
  assert.equal(mark!.t1 - mark!.t0, 3000);
  assert.deepEqual(store.stream("desk07").points, []);
});

test("An overload is told as long as it lasts, also to who comes later", () => {
  const store = begun();
  const overload = (level: number): Message => ({ type: "overload", level, action: "longer_hop", reason: "busy" });
  store.apply(overload(2));
  assert.equal(store.overload, "level 2, longer hop: busy");
  store.apply(overload(0));
  assert.equal(store.overload, "");
  store.hello({ ...hello("a", 0), overload: { level: 1, action: "shed", reason: "busy" } });
  assert.equal(store.overload, "level 1, shed: busy");
  store.hello(hello("a", 0));
  assert.equal(store.overload, "");
});
