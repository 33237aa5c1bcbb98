import assert from "node:assert/strict";
import { test } from "node:test";
import { merged, without } from "../src/intervals";
import { firstFrom, Past, united } from "../src/past";
import type { Emotion, Message } from "../src/protocol";
import { Store } from "../src/store";

const kBase = 1_800_000_000_000;
const emotion = (seq: number, epoch = "a"): Emotion => ({
  type: "emotion", epoch, stream: "desk07", seq, time: new Date(kBase + seq * 500).toISOString(), start_ms: 0, end_ms: 0,
  label: "calm", confidence: 0.7, scores: { calm: 0.7, sad: 0.3 }, uncertain: false, level_dbfs: null, model: "m",
});

test("Spans that touch are one, and holes are cut out of them", () => {
  assert.deepEqual(merged([[5, 6], [1, 3], [3, 4], [9, 9]]), [[1, 4], [5, 6]]);
  assert.deepEqual(without([[0, 10]], [[2, 3], [8, 12]]), [[0, 2], [3, 8]]);
  assert.deepEqual(without([[0, 10]], [[-1, 11]]), []);
});

test("The same event from both sides is one", () => {
  const item = (seq: number, t: number) => ({ epoch: "a", seq, t });
  assert.deepEqual(united([item(1, 1), item(2, 2)], [item(2, 2), item(3, 3)], ({ t }) => t).map(({ seq }) => seq), [1, 2, 3]);
});

test("The first that is not before a time is found", () => {
  const items = [1, 3, 5];
  assert.deepEqual([0, 1, 2, 5, 6].map((t) => firstFrom(items, t, (item) => item)), [0, 0, 1, 2, 3]);
});

function heard(...seqs: number[]): Store {
  const store = new Store();
  store.hello({ type: "hello", epoch: "a", server: "e", models: [], streams: [{ stream: "desk07", state: "live", newest_seq: seqs[0]! - 1 }] });
  for (const seq of seqs) store.apply(emotion(seq));
  return store;
}

test("Only what the page has not heard is asked for, page by page, and once", async () => {
  const store = heard(100, 101, 102);
  const asked: Record<string, unknown>[] = [];
  const past = new Past(store, (query) => {
    asked.push(query);
    const events: Message[] = query.cursor === undefined ? [emotion(80), emotion(81)] : [emotion(90), { ...emotion(91), stream: "desk077" }];
    return Promise.resolve({ events, next: query.cursor === undefined ? "more" : null });
  }, () => kBase + 60_000);
  const stream = store.stream("desk07");
  assert.equal(await past.fetch(stream, kBase + 35_000, kBase + 55_000), true);
  assert.deepEqual(asked.map(({ from, to, cursor }) => [from, to, cursor]), [
    [new Date(kBase + 35_000).toISOString(), new Date(kBase + 50_000).toISOString(), undefined],
    [new Date(kBase + 35_000).toISOString(), new Date(kBase + 50_000).toISOString(), "more"],
  ]);
  assert.deepEqual(past.points(stream, kBase + 35_000, kBase + 55_000).map((point) => point.seq), [80, 81, 90, 100, 101, 102]);
  assert.equal(await past.fetch(stream, kBase + 35_000, kBase + 55_000), false);
  assert.equal(asked.length, 2);
});

test("What the page has missed is asked for too", () => {
  const store = heard(100, 104);
  const past = new Past(store, () => Promise.reject(new Error()), () => kBase + 60_000);
  assert.deepEqual(past.missing(store.stream("desk07"), kBase + 50_000, kBase + 55_000), [[kBase + 50_000, kBase + 52_000]]);
});

test("A server without a history is asked once; one that fails is told of", async () => {
  const store = heard(100);
  let asked = 0;
  const none = new Past(store, () => {
    ++asked;
    return Promise.reject(Object.assign(new Error("history is off"), { status: 404 }));
  }, () => kBase + 60_000);
  for (let i = 0; i < 2; ++i) await none.fetch(store.stream("desk07"), kBase, kBase + 10_000);
  assert.equal(asked, 1);
  assert.equal(none.kept, false);
  const failing = new Past(store, () => Promise.reject(new Error("500")), () => kBase + 60_000);
  await failing.fetch(store.stream("desk07"), kBase, kBase + 10_000);
  assert.equal(failing.kept, null);
  assert.equal(failing.failure, "500");
});

test("The state that holds when a range begins is known", () => {
  const store = heard(1);
  store.apply({ type: "stream", epoch: "a", stream: "desk07", seq: 2, time: emotion(2).time, state: "lost" });
  store.apply(emotion(3));
  const past = new Past(store, () => Promise.reject(new Error()), () => kBase + 60_000);
  assert.deepEqual(past.marks(store.stream("desk07"), kBase + 1400, kBase + 2000).map((mark) => mark.what), ["lost"]);
});
