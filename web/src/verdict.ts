// What to say of a stream right now.

import { duration, plural, share, words } from "./format";
import { wordOf } from "./labels";
import { kNoSpeech } from "./protocol";
import type { Mark, Point, Stream } from "./store";

export type Certainty = "sure" | "uncertain" | "no-speech" | "none";

export interface Verdict {
  certainty: Certainty;
  /** The last window, also where it is too old to be shown as the present; null when there is none. */
  point: Point | null;
  word: string;
  /** The end of the last window, as an age in ms. */
  age: number;
}

/** After how long, in ms, a verdict is the past: three hops, but never a blink. */
export function freshFor(hop: number): number {
  return Math.max(3 * hop, 2500);
}

export function certaintyOf(point: Point): Certainty {
  if (point.label === kNoSpeech) return "no-speech";
  return point.uncertain ? "uncertain" : "sure";
}

export function verdictOf(stream: Stream, now: number, hop: number): Verdict {
  const point = stream.points[stream.points.length - 1] ?? null;
  if (!point) return { certainty: "none", point, word: "–", age: 0 };
  const age = Math.max(0, now - point.t);
  if (age > freshFor(hop)) return { certainty: "none", point, word: "–", age };
  return { certainty: certaintyOf(point), point, word: wordOf(point.label), age };
}

/** Whether those who speak were told, in words; empty where the server does not say. */
export function disclosure(stream: Stream): string {
  return stream.disclosed === null ? "" : stream.disclosed ? "disclosed" : "not disclosed";
}

export function isGap(mark: Mark): boolean {
  return mark.kind === "audio" || mark.kind === "queue" || mark.kind === "hole";
}

/** A mark in words: its kind, and what there is to say. */
export function told(mark: Mark): { kind: string; text: string } {
  const long = mark.t1 - mark.t0;
  switch (mark.kind) {
    case "audio": {
      const size = long < 1000 ? `${Math.round(long)} ms` : `${(long / 1000).toFixed(1)} s`;
      const lost = mark.what.endsWith("overflow") ? "of sound lost" : "of sound not classified";
      return { kind: "gap", text: `${size} ${lost}: ${words(mark.what)}` };
    }
    case "queue":
      if (mark.count === undefined) return { kind: "gap", text: `events may be missing: ${words(mark.what)}` };
      return { kind: "gap", text: `${plural(mark.count, "event")} missing: ${words(mark.what)}` };
    case "hole":
      return { kind: "gap", text: `${plural(mark.count ?? 0, "event")} never came` };
    case "restart":
      return { kind: "restart", text: mark.text ? `the server has started anew; ${mark.text}` : "the server has started anew" };
    case "state":
      return { kind: "state", text: mark.text ? `${mark.what}: ${mark.text}` : mark.what };
    case "alert": {
      const values = mark.value === undefined ? "" : `, ${share(mark.value)}${mark.threshold === undefined ? "" : ` (threshold ${share(mark.threshold)})`}`;
      return { kind: "alert", text: `${words(mark.text)} ${mark.what}${values}` };
    }
    case "utterance":
      return { kind: "utterance", text: `${wordOf(mark.what)} ${share(mark.value)}${mark.text ? `, ${mark.text}` : ""}, ${duration(long)}` };
    case "error":
      return { kind: "error", text: `${words(mark.what)}: ${mark.text}` };
  }
}
