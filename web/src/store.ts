// What the page has heard of every stream: no DOM, no clock, no network.

import type {
  Alert,
  AudioGap,
  Emotion,
  Hello,
  Message,
  Model,
  Numbered,
  QueueGap,
  ResumePoint,
  ServerError,
  StreamState,
  Subscribed,
} from "./protocol";
import { kNoSpeech } from "./protocol";

/** One verdict. `labels` and `scores` go together; `labels` is shared between points. */
export interface Point {
  readonly t: number;
  readonly epoch: string;
  readonly seq: number;
  readonly label: string;
  readonly confidence: number;
  readonly uncertain: boolean;
  readonly labels: readonly string[];
  readonly scores: readonly number[];
  readonly valence: number | null;
  readonly arousal: number | null;
  readonly speech: number | null;
  readonly voiced: number | null;
  readonly level: number | null;
  readonly latency: Readonly<Record<string, number>> | null;
  readonly model: string;
}

export type MarkKind = "audio" | "queue" | "hole" | "restart" | "state" | "alert" | "error" | "utterance";

/**
 * Something to tell beside the verdicts; from `t0` to `t1`, which are the same for a moment. What goes
 * on until the next event has an infinite `t1`, and `t0` 0 where nothing was before it.
 */
export interface Mark {
  readonly kind: MarkKind;
  t0: number;
  t1: number;
  readonly epoch: string;
  /** The event's number; 0 for what the page itself found. */
  readonly seq: number;
  /** `live`, `lost`, ...; `raised`, `cleared`; the reason of a gap; the code of an error; the label of an utterance. */
  readonly what: string;
  readonly text: string;
  readonly alert?: string;
  readonly value?: number;
  readonly threshold?: number;
  /** Of a hole: how many events, where that is known. */
  readonly count?: number;
}

/** Events that were sent, or may have been, and never came. `to` null: nobody knows how many. */
export interface Hole {
  readonly stream: string;
  readonly epoch: string;
  readonly from: number;
  readonly to: number | null;
  readonly reason: string;
}

export interface Stream {
  readonly name: string;
  /** Its place in the server's configuration. */
  place: number;
  role: string;
  /** Whether those who speak were told; null where the server does not say. */
  disclosed: boolean | null;
  /** Why nothing of it is looked at; empty where it is. */
  barred: string;
  state: string;
  reason: string;
  epoch: string | null;
  /** The newest event of `epoch` that came or was told to be lost. */
  seq: number;
  /** Wall time of the newest event; 0 when there was none. */
  t: number;
  /** What was seen of `epoch`, as spans of numbers. */
  runs: [number, number][];
  points: Point[];
  marks: Mark[];
  /** From when on `points` are all there were, holes aside; 0 when nothing has come. */
  since: number;
  readonly alerts: Map<string, Mark>;
  /** Running means over the last ten seconds or so. */
  valence: number | null;
  arousal: number | null;
  /** Whether any event of it has come. */
  seen: boolean;
  /** Whether the server has it. */
  served: boolean;
}

/** Of a stream that is new to the page, so many events of the past are asked for: a minute of them. */
export const kReplay = 130;
const kReplayInAll = 13_000;
const kMarks = 2000;
const kHoles = 1000;
const kPointsInAll = 200_000;
/** Of a running mean, for each verdict. */
const kWeight = 0.12;

const labelSets = new Map<string, readonly string[]>();
function sharedLabels(scores: Record<string, number>): readonly string[] {
  const labels = Object.keys(scores);
  const key = labels.join("\n");
  const known = labelSets.get(key);
  if (known) return known;
  labelSets.set(key, labels);
  return labels;
}

const finite = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

export function pointOf(message: Emotion): Point {
  const labels = sharedLabels(message.scores ?? {});
  return {
    t: Date.parse(message.time),
    epoch: message.epoch,
    seq: message.seq,
    label: message.label,
    confidence: message.confidence,
    uncertain: message.uncertain === true,
    labels,
    scores: labels.map((label) => finite(message.scores[label]) ?? 0),
    valence: finite(message.affect?.valence),
    arousal: finite(message.affect?.arousal),
    speech: finite(message.speech),
    voiced: finite(message.voiced),
    level: finite(message.level_dbfs),
    latency: message.latency_ms ?? null,
    model: message.model,
  };
}

/** The mark of an event that is not a verdict; null for a verdict and for what is not known. */
export function markOf(message: Message): Mark | null {
  switch (message.type) {
    case "gap": {
      if (message.scope !== "audio") return null;
      const gap: AudioGap = message;
      const t1 = Date.parse(gap.time);
      return {
        kind: "audio", t0: t1 - (gap.lost_ms || 0), t1, epoch: gap.epoch, seq: gap.seq,
        what: gap.reason, text: "",
      };
    }
    case "stream": {
      const state: StreamState = message;
      const t = Date.parse(state.time);
      return {
        kind: "state", t0: t, t1: t, epoch: state.epoch, seq: state.seq, what: state.state, text: state.reason ?? "",
      };
    }
    case "alert": {
      const alert: Alert = message;
      const t = Date.parse(alert.time);
      return {
        kind: "alert", t0: t, t1: t, epoch: alert.epoch, seq: alert.seq, what: alert.state, text: alert.rule,
        alert: alert.alert, value: alert.value, threshold: alert.threshold,
      };
    }
    case "utterance": {
      const t1 = Date.parse(message.time);
      return {
        kind: "utterance", t0: t1 - Math.max(0, message.end_ms - message.start_ms), t1, epoch: message.epoch, seq: message.seq,
        what: message.label, text: message.uncertain ? "uncertain" : "", value: message.confidence,
      };
    }
    case "error": {
      const error: ServerError = message;
      if (!error.stream || !error.time) return null;
      const t = Date.parse(error.time);
      return {
        kind: "error", t0: t, t1: t, epoch: error.epoch ?? "", seq: error.seq ?? 0, what: error.code,
        text: error.message,
      };
    }
    default:
      return null;
  }
}

export function isNumbered(message: Message): message is Message & Numbered {
  const event = message as Partial<Numbered>;
  return (
    typeof event.stream === "string" && typeof event.epoch === "string" && typeof event.seq === "number" &&
    typeof event.time === "string"
  );
}

export class Store {
  readonly streams = new Map<string, Stream>();
  readonly models = new Map<string, Model>();
  readonly holes: Hole[] = [];
  server = "";
  epoch = "";
  /** What the server does not do at present, for people; empty: it does all. */
  overload = "";
  /** When the first subscription began, by the server's clock; 0 before. */
  began = 0;
  /** Called after a stream has changed; with what is to tell of it beside a verdict. */
  changed: (stream: Stream, mark: Mark | null) => void = () => {};

  stream(name: string): Stream {
    let stream = this.streams.get(name);
    if (!stream) {
      stream = {
        name, place: this.streams.size, role: "unspecified", disclosed: null, barred: "", state: "silent", reason: "", epoch: null, seq: 0,
        t: 0, runs: [], points: [], marks: [], since: 0, alerts: new Map(), valence: null, arousal: null, seen: false, served: true,
      };
      this.streams.set(name, stream);
    }
    return stream;
  }

  /** How long, in ms, one verdict of the stream counts. */
  hop(stream: Stream): number {
    const last = stream.points[stream.points.length - 1];
    const model = (last && this.models.get(last.model)) ?? this.models.values().next().value;
    return model && model.hop_ms > 0 ? model.hop_ms : 500;
  }

  hello(hello: Hello): void {
    this.server = hello.server;
    this.epoch = hello.epoch;
    this.#overloaded(hello.overload);
    this.models.clear();
    for (const model of hello.models) this.models.set(model.id, model);
    const replay = Math.min(kReplay, Math.floor(kReplayInAll / Math.max(1, hello.streams.length)));
    const named = new Set<string>();
    hello.streams.forEach((told, place) => {
      named.add(told.stream);
      const stream = this.stream(told.stream);
      stream.place = place;
      stream.role = told.role ?? stream.role;
      stream.disclosed = told.disclosed ?? null;
      stream.barred = told.analysed === false ? told.reason || "not analysed" : "";
      stream.state = told.state;
      stream.reason = stream.barred;
      stream.served = true;
      if (!stream.seen) {
        stream.epoch = hello.epoch;
        const oldest = told.oldest_seq ?? 0;
        stream.seq = oldest > 0 ? Math.max(oldest - 1, told.newest_seq - replay) : told.newest_seq;
      }
      this.changed(stream, null);
    });
    for (const stream of this.streams.values()) {
      if (named.has(stream.name)) continue;
      stream.served = false;
      stream.state = "ended";
      stream.reason = "the server has it no more";
      this.changed(stream, null);
    }
  }

  /** Where every stream goes on: what `subscribe` takes as `resume`. */
  resume(): ResumePoint[] {
    const points: ResumePoint[] = [];
    for (const stream of this.streams.values()) {
      if (stream.epoch !== null && stream.served) points.push({ epoch: stream.epoch, stream: stream.name, after_seq: stream.seq });
    }
    return points;
  }

  subscribed(message: Subscribed): void {
    for (const told of message.streams ?? []) {
      const stream = this.stream(told.stream);
      if (told.epoch === undefined || told.from_seq === undefined) continue;
      if (!stream.seen) {
        stream.epoch = told.epoch;
        stream.seq = Math.max(0, told.from_seq - 1);
      } else if (told.epoch !== stream.epoch) {
        this.#turn(stream, told.epoch, told.truncated === true);
        this.changed(stream, null);
      }
    }
  }

  apply(message: Message): void {
    if (message.type === "gap" && message.scope === "queue") {
      this.#queueGap(message);
      return;
    }
    if (message.type === "overload" && message.stream === undefined) this.#overloaded(message);
    if (!isNumbered(message)) return;
    const stream = this.stream(message.stream);
    if (stream.epoch !== message.epoch) {
      if (stream.epoch === null) {
        stream.epoch = message.epoch;
        stream.seq = message.seq - 1;
      } else {
        this.#turn(stream, message.epoch, false);
      }
    }
    if (message.seq <= stream.seq) return;
    const t = Date.parse(message.time);
    for (const mark of stream.marks.slice(-3)) {
      if (mark.t0 === 0) mark.t0 = t;
      if (mark.t1 === Infinity || mark.t1 === 0) mark.t1 = t;
    }
    if (message.seq > stream.seq + 1) {
      this.#hole(stream, stream.seq + 1, message.seq - 1, "never came");
      this.#mark(stream, {
        kind: "hole", t0: stream.t || t, t1: t, epoch: message.epoch, seq: 0, what: "never came", text: "",
        count: message.seq - stream.seq - 1,
      });
    }
    stream.seen = true;
    stream.since ||= this.began > 0 ? Math.min(t, this.began) : t;
    stream.seq = message.seq;
    stream.t = t;
    stream.role = message.role ?? stream.role;
    const run = stream.runs[stream.runs.length - 1];
    if (run && run[1] === message.seq - 1) run[1] = message.seq;
    else stream.runs.push([message.seq, message.seq]);

    if (message.type === "emotion") {
      this.#emotion(stream, pointOf(message));
      this.changed(stream, null);
      return;
    }
    const mark = markOf(message);
    if (mark) this.#mark(stream, mark);
    if (mark?.kind === "state") {
      stream.state = mark.what;
      stream.reason = mark.text;
      if (mark.what === "paused") stream.barred = mark.text || "not analysed";
      else if (mark.what === "live" || mark.what === "silent") stream.barred = "";
    }
    if (mark?.kind === "alert") {
      const id = mark.alert ?? mark.text;
      if (mark.what === "raised") stream.alerts.set(id, mark);
      else stream.alerts.delete(id);
    }
    this.changed(stream, mark);
  }

  /** All events since `from` that came otherwise: those before the first that is held are taken over, to be shown. */
  seed(events: readonly Message[], from: number): void {
    const added = new Map<Stream, { points: Point[]; marks: Mark[] }>();
    for (const event of events) {
      if (!isNumbered(event)) continue;
      const stream = this.streams.get(event.stream);
      if (!stream) continue;
      const list = added.get(stream) ?? { points: [], marks: [] };
      added.set(stream, list);
      const point = event.type === "emotion" ? pointOf(event) : null;
      const mark = markOf(event);
      if (point && point.t < (stream.points[0]?.t ?? Infinity)) list.points.push(point);
      if (mark && mark.t1 < (stream.marks[0]?.t0 ?? stream.points[0]?.t ?? Infinity)) list.marks.push(mark);
    }
    for (const [stream, { points, marks }] of added) {
      stream.points = [...points.sort((a, b) => a.t - b.t), ...stream.points];
      stream.marks = [...marks.sort((a, b) => a.t0 - b.t0), ...stream.marks];
      this.changed(stream, null);
    }
    for (const stream of this.streams.values()) stream.since = stream.since > 0 ? Math.min(stream.since, from) : from;
  }

  /** The numbers of the events of the current epoch that came, in order. */
  events(name: string): number[] {
    const result: number[] = [];
    for (const [from, to] of this.streams.get(name)?.runs ?? []) for (let seq = from; seq <= to; ++seq) result.push(seq);
    return result;
  }

  #overloaded(told: { level: number; action: string; reason: string } | undefined): void {
    this.overload = told && told.level > 0 ? `level ${told.level}, ${told.action.replaceAll("_", " ")}: ${told.reason}` : "";
  }

  #emotion(stream: Stream, point: Point): void {
    stream.points.push(point);
    const most = Math.min(7200, Math.max(600, Math.floor(kPointsInAll / this.streams.size)));
    if (stream.points.length > most * 1.2) {
      stream.points.splice(0, stream.points.length - most);
      stream.since = stream.points[0]!.t;
    }
    if (point.label === kNoSpeech) return;
    if (point.valence !== null) {
      stream.valence = stream.valence === null ? point.valence : stream.valence + kWeight * (point.valence - stream.valence);
    }
    if (point.arousal !== null) {
      stream.arousal = stream.arousal === null ? point.arousal : stream.arousal + kWeight * (point.arousal - stream.arousal);
    }
  }

  #mark(stream: Stream, mark: Mark): void {
    stream.marks.push(mark);
    if (stream.marks.length > kMarks * 1.2) stream.marks.splice(0, stream.marks.length - kMarks);
  }

  #hole(stream: Stream, from: number, to: number | null, reason: string): void {
    this.holes.push({ stream: stream.name, epoch: stream.epoch ?? "", from, to, reason });
    if (this.holes.length > kHoles) this.holes.shift();
  }

  /** The server has started anew: all numbers begin again. */
  #turn(stream: Stream, epoch: string, truncated: boolean): void {
    if (truncated) this.#hole(stream, stream.seq + 1, null, "not held any more");
    this.#mark(stream, {
      kind: "restart", t0: stream.t, t1: stream.t, epoch, seq: 0, what: "restart",
      text: truncated ? "events before it may be missing" : "",
    });
    stream.epoch = epoch;
    stream.seq = 0;
    stream.runs = [];
    stream.alerts.clear();
  }

  #queueGap(gap: QueueGap): void {
    if (gap.stream === undefined) return;
    const stream = this.stream(gap.stream);
    const to = gap.to_seq ?? null;
    if (gap.epoch !== undefined && gap.epoch !== stream.epoch) {
      if (to === null) return;
      if (stream.seen) this.#turn(stream, gap.epoch, false);
      else [stream.epoch, stream.seq] = [gap.epoch, 0];
    }
    if (to !== null && to <= stream.seq) return;
    if (!stream.seen) {
      // Nothing is missed of what was never begun.
      stream.seq = to ?? stream.seq;
      return;
    }
    const first = stream.seq + 1;
    this.#hole(stream, first, to, gap.reason);
    this.#mark(stream, {
      kind: "queue", t0: stream.t, t1: Infinity, epoch: stream.epoch ?? "", seq: 0, what: gap.reason, text: "",
      ...(to === null ? {} : { count: to - first + 1 }),
    });
    stream.seq = to ?? stream.seq;
    this.changed(stream, stream.marks[stream.marks.length - 1]!);
  }
}
