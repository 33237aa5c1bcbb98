// What was before: asked of /v1/history, kept, and put together with what the page has heard itself.

import type { Span } from "./intervals";
import { merged, without } from "./intervals";
import type { Message } from "./protocol";
import { isNumbered, markOf, pointOf } from "./store";
import type { Mark, Point, Store, Stream } from "./store";

export interface Page {
  events: Message[];
  next: string | null;
}

/** Asks for one page; throws what the answer was when it was none. */
export type Ask = (query: Record<string, string | number | undefined>, signal?: AbortSignal) => Promise<Page>;

interface Held {
  points: Point[];
  marks: Mark[];
  spans: Span[];
}

const kPageEvents = 10_000;
const kMostPages = 8;
const kMostPoints = 60_000;
/** History may be a little behind what is live. */
const kLag = 2_000;

const key = (item: { epoch: string; seq: number }): string => `${item.epoch}:${item.seq}`;

/** `a` and `b`, each in the order of time, as one; an event that is in both, once. */
export function united<T extends { epoch: string; seq: number }>(a: readonly T[], b: readonly T[], time: (item: T) => number): T[] {
  if (a.length === 0) return [...b];
  if (b.length === 0) return [...a];
  const known = new Set(b.filter((item) => item.seq > 0).map(key));
  const rest = a.filter((item) => item.seq === 0 || !known.has(key(item)));
  return [...rest, ...b].sort((x, y) => time(x) - time(y) || x.seq - y.seq);
}

/** The index of the first of `items`, which are in the order of time, that is not before `t`. */
export function firstFrom<T>(items: readonly T[], t: number, time: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time(items[middle]!) < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

const timeOf = (point: Point): number => point.t;
const beginOf = (mark: Mark): number => mark.t0;

export class Past {
  /** Whether the server keeps a history; null while that is not known. */
  kept: boolean | null = null;
  /** Why the last question failed; empty when it did not. */
  failure = "";
  readonly #held = new Map<string, Held>();

  constructor(
    private readonly store: Store,
    private readonly ask: Ask,
    private readonly now: () => number,
  ) {}

  /** The parts of `from`..`to` that neither the page nor this has. */
  missing(stream: Stream, from: number, to: number): Span[] {
    const now = this.now();
    const begin = this.since(stream);
    const own: Span[] = begin > 0 ? [[begin, now]] : [];
    const holes = stream.marks
      .filter((mark) => mark.kind === "queue" || mark.kind === "hole" || mark.kind === "restart")
      .map((mark): Span => [mark.t0, Math.max(mark.t0 + 1, Math.min(mark.t1, now))]);
    const covered = merged([...without(own, holes), ...(this.#held.get(stream.name)?.spans ?? [])]);
    return without([[from, Math.min(to, now)]], covered).filter((span) => span[1] - span[0] > 1);
  }

  /** Gets what is missing of `from`..`to`; true when something came. */
  async fetch(stream: Stream, from: number, to: number, signal?: AbortSignal): Promise<boolean> {
    if (this.kept === false) return false;
    let came = false;
    for (const [begin, end] of this.missing(stream, from, to)) {
      const events: Message[] = [];
      let cursor: string | null = null;
      let pages = 0;
      try {
        do {
          const page: Page = await this.ask(
            {
              stream: stream.name,
              from: new Date(begin).toISOString(),
              to: new Date(end).toISOString(),
              limit: kPageEvents,
              cursor: cursor ?? undefined,
            },
            signal,
          );
          events.push(...page.events);
          cursor = page.next;
        } while (cursor && ++pages < kMostPages);
      } catch (error) {
        if (signal?.aborted) return came;
        if ((error as { status?: number }).status === 404) {
          this.kept = false;
        } else {
          this.failure = (error as Error).message;
        }
        return came;
      }
      this.kept = true;
      this.failure = "";
      // What ends now may not be written yet: it is asked for again.
      const last = cursor ? this.#lastTime(events) ?? begin : Math.min(end, this.now() - kLag);
      this.#add(stream, events, [begin, last]);
      came ||= events.length > 0;
    }
    return came;
  }

  points(stream: Stream, from: number, to: number): Point[] {
    const cut = (items: readonly Point[]): readonly Point[] =>
      items.slice(firstFrom(items, from, timeOf), firstFrom(items, to + 1, timeOf));
    return united(cut(this.#held.get(stream.name)?.points ?? []), cut(stream.points), timeOf);
  }

  /** The marks that touch `from`..`to`; before them the last change of state, which still holds at `from`. */
  marks(stream: Stream, from: number, to: number): Mark[] {
    const all = united(this.#held.get(stream.name)?.marks ?? [], stream.marks, beginOf);
    const before = all.findLast((mark) => mark.kind === "state" && mark.t0 < from);
    const touching = all.filter((mark) => mark.t0 <= to && mark.t1 >= from);
    return before ? [before, ...touching] : touching;
  }

  /** From when on the page has heard the stream itself; 0 when it has not yet. */
  since(stream: Stream): number {
    return stream.since || this.store.began;
  }

  #lastTime(events: readonly Message[]): number | undefined {
    const last = events[events.length - 1];
    return last && isNumbered(last) ? Date.parse(last.time) : undefined;
  }

  #add(stream: Stream, events: readonly Message[], span: Span): void {
    const held = this.#held.get(stream.name) ?? { points: [], marks: [], spans: [] };
    const points: Point[] = [];
    const marks: Mark[] = [];
    for (const event of events) {
      if (!isNumbered(event) || event.stream !== stream.name) continue;
      if (event.type === "emotion") points.push(pointOf(event));
      const mark = markOf(event);
      if (mark) marks.push(mark);
    }
    held.points = united(points, held.points, timeOf);
    held.marks = united(marks, held.marks, beginOf);
    held.spans = merged([...held.spans, span]);
    if (held.points.length > kMostPoints) {
      held.points = points.sort((a, b) => a.t - b.t);
      held.marks = marks;
      held.spans = [span];
    }
    this.#held.set(stream.name, held);
  }
}
