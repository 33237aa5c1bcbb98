import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf, runsOf, stateSpans, ticks } from "../src/graph";
import type { Mark, Point } from "../src/store";

const labels = ["neutral", "angry", "bored"];

function point(t: number, scores = [0.5, 0.3, 0.2], more: Partial<Point> = {}): Point {
  return {
    t, epoch: "a", seq: t, label: "neutral", confidence: 0.5, uncertain: false, labels, scores, valence: 0, arousal: 0, speech: 1,
    voiced: 1, level: -20, latency: null, model: "m", ...more,
  };
}

test("A run ends with silence, with what is no speech and with other labels", () => {
  const points = [point(0), point(500), point(5000), point(5500, [], { label: "no_speech" }), point(6000), point(6500, [1], { labels: ["calm"] })];
  assert.deepEqual(runsOf(points, 500).map((run) => run.map((item) => item.t)), [[0, 500], [5000], [6000], [6500]]);
});

test("Bands are stacked from what is unpleasant to what is quiet, others on top, and sum to one", () => {
  const columns = columnsOf([point(1000), point(1500)], 500, 100);
  assert.deepEqual(columns.order, ["angry", "neutral", "bored"]);
  assert.deepEqual(columns.t, [500, 1000, 1500]);
  assert.deepEqual(columns.tops.map((tops) => tops.at(-1)!.toFixed(2)), ["0.30", "0.80", "1.00"]);
});

test("Many points become few columns of their means", () => {
  const run = Array.from({ length: 1000 }, (_, i) => point(i * 500, i % 2 ? [1, 0, 0] : [0, 1, 0], { uncertain: i < 500 }));
  const columns = columnsOf(run, 500, 100);
  assert.ok(columns.t.length <= 101);
  assert.equal(columns.tops[0]![5], 0.5);
  assert.equal(columns.uncertain[1], true);
  assert.equal(columns.uncertain.at(-1), false);
  assert.equal(columns.t.at(-1), 999 * 500);
});

test("A state holds until the next one", () => {
  const state = (t0: number, what: string): Mark => ({ kind: "state", t0, t1: t0, epoch: "a", seq: t0, what, text: "" });
  assert.deepEqual(stateSpans([state(1, "lost"), state(5, "live"), state(7, "silent")], 9), [
    { from: 1, to: 5, state: "lost" },
    { from: 7, to: 9, state: "silent" },
  ]);
});

test("Ticks stand at round times, not more than asked for", () => {
  const from = Date.parse("2026-01-01T10:00:07Z");
  const found = ticks(from, from + 60_000, 8);
  assert.ok(found.length <= 8 && found.length >= 4);
  assert.ok(found.every((t) => t % 10_000 === 0));
});
