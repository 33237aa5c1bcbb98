// All streams below each other, as far back as is known.

import type { Context, Pane } from "./context";
import { addressOf } from "./context";
import { byId, h, setAttribute, setText } from "./dom";
import { clock, plural } from "./format";
import { Lane, paintAxis } from "./lane";
import { Loader } from "./loader";
import type { Listed } from "./marklist";
import { fillMarks } from "./marklist";
import { matches, ordered } from "./order";
import { bounds } from "./range";
import { RangeBar, steer } from "./rangebar";
import type { Stream } from "./store";
import { onTheme } from "./theme";

/** More verdicts than this are not asked for at once. */
const kMostEvents = 60_000;

/** What to say of the past, where not all of it is there; empty when there is nothing to say. */
export function pastNote(context: Context, loader: Loader, tooMuch: boolean): string {
  const { past, store } = context;
  if (past.kept === false) {
    return `The server keeps no history: shown is what this page has heard since ${store.began ? clock(store.began) : "it was opened"}.`;
  }
  if (past.failure) return `The history could not be read: ${past.failure}`;
  if (tooMuch) return "This is too much to load at once: zoom in, or filter the streams.";
  return loader.busy ? "Loading the past…" : "";
}

export class Timeline implements Pane {
  readonly bar: RangeBar;
  readonly #rows = new Map<string, { lane: Lane; row: HTMLElement; state: HTMLElement }>();
  readonly #list = h("ol", { class: "lanes", "data-testid": "lanes" });
  readonly #axis = h("canvas", { class: "lane-axis", "aria-hidden": "true" });
  readonly #note = h("p", { class: "note", "data-testid": "history-note", hidden: true });
  readonly #readout = h("p", { class: "readout" }, "");
  readonly #marks = h("ul", { class: "marks", "data-testid": "marks" });
  readonly #marksTitle = h("h2", {}, "Gaps and alerts");
  readonly #loader: Loader;
  readonly #parts: HTMLElement[];
  #shown = false;
  #forced = true;
  #painted = 0;
  readonly #seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const found = this.#rows.get((entry.target as HTMLElement).dataset.stream ?? "");
      if (found) found.lane.visible = entry.isIntersecting;
    }
    this.again();
  }, { rootMargin: "60px" });

  constructor(private readonly context: Context) {
    this.#loader = new Loader(context.past, () => this.again());
    this.bar = new RangeBar(context, () => this.again(), this.#readout);
    const board = h(
      "div",
      { class: "board", tabindex: 0, role: "group", "aria-label": "Timeline: arrow keys move, plus and minus zoom, End is live" },
      h("div", { class: "board-head" }, this.#axis),
      this.#list,
    );
    this.#parts = [this.bar.element, this.#note, board, h("section", { class: "panel" }, this.#marksTitle, this.#marks)];
    steer(board, context, () => this.#axis.getBoundingClientRect(), () => this.again());
    board.addEventListener("pointermove", (event) => this.#read(event));
    board.addEventListener("pointerleave", () => setText(this.#readout, ""));
    new ResizeObserver(() => this.again()).observe(this.#axis);
    onTheme(() => this.again());
  }

  show(shown: boolean): void {
    this.#shown = shown;
    for (const part of this.#parts) {
      if (shown) byId("timeline-view").append(part);
      else part.remove();
    }
    if (shown) this.again();
    else this.#loader.stop();
  }

  touch(): void {}

  again(): void {
    this.#forced = true;
    this.context.wake();
  }

  frame(now: number, all: boolean): void {
    if (!this.#shown) return;
    const { context } = this;
    const [from, to] = bounds(context.view, now);
    // A long range moves less than a pixel with each event, one of the past not at all.
    const rest = context.view.end !== null ? Infinity : Math.min(1000, Math.max(250, context.view.span / 600));
    if (!this.#forced && !all && performance.now() - this.#painted < rest) return;
    this.#forced = false;
    this.#painted = performance.now();
    this.bar.update(now);
    this.#place();
    const visible: Stream[] = [];
    for (const { lane, row, state } of this.#rows.values()) {
      if (!row.isConnected) continue;
      setText(state, lane.stream.state === "live" ? "" : lane.stream.state);
      setAttribute(state, "data-state", lane.stream.state);
      setAttribute(row, "data-alert", String(lane.stream.alerts.size > 0));
      if (lane.visible) visible.push(lane.stream);
      lane.paint(from, to);
    }
    paintAxis(this.#axis, from, to);

    const events = visible.reduce((sum, stream) => sum + (to - from) / context.store.hop(stream), 0);
    const tooMuch = events > kMostEvents;
    if (!tooMuch) {
      const key = `${context.view.end} ${context.view.span} ${visible.map((stream) => stream.name).join()}`;
      this.#loader.want(key, () => visible.map((stream) => ({ stream, from, to })));
    }
    const incomplete = visible.some((stream) => context.past.missing(stream, from, to).some((span) => span[1] - span[0] > 2_000));
    const note = incomplete ? pastNote(context, this.#loader, tooMuch) : "";
    setText(this.#note, note);
    this.#note.hidden = note === "";

    const items: Listed[] = [];
    for (const { lane, row } of this.#rows.values()) {
      if (!row.isConnected) continue;
      for (const mark of context.past.marks(lane.stream, from, to)) {
        if (mark.kind === "utterance" || (mark.t0 < from && mark.kind === "state")) continue;
        if (mark.kind !== "state" || mark.what === "lost" || mark.what === "ended") items.push({ stream: lane.stream.name, mark });
      }
    }
    setText(this.#marksTitle, items.length ? `In this range: ${plural(items.length, "gap, alert or loss", "gaps, alerts and losses")}` : "No gaps and no alerts in this range");
    fillMarks(this.#marks, items, now, true, (t) => this.bar.set({ span: context.view.span, end: Math.min(now, t + context.view.span / 2) }));
  }

  #place(): void {
    const { store, filter } = this.context;
    const streams = [...store.streams.values()].filter((stream) => matches(stream.name, filter));
    const wanted = ordered(streams.map((stream) => ({ name: stream.name, state: stream.state, alerts: 0, valence: null, arousal: null })), "name").map(({ name }) => {
      let found = this.#rows.get(name);
      if (!found) {
        const lane = new Lane(this.context, store.stream(name));
        lane.visible = false;
        const state = h("span", { class: "state" });
        const row = h("li", { class: "lane", "data-testid": "lane", "data-stream": name },
          h("a", { href: addressOf(name), class: "lane-name", title: name }, h("span", {}, name), state), lane.canvas);
        found = { lane, row, state };
        this.#rows.set(name, found);
        this.#seen.observe(row);
      }
      return found.row;
    });
    const present = this.#list.children;
    if (wanted.length !== present.length || wanted.some((row, i) => row !== present[i])) this.#list.replaceChildren(...wanted);
  }

  #read(event: PointerEvent): void {
    const row = (event.target as HTMLElement).closest<HTMLElement>(".lane");
    const found = row ? this.#rows.get(row.dataset.stream ?? "") : undefined;
    const box = this.#axis.getBoundingClientRect();
    if (!found || event.clientX < box.left) return;
    const [from, to] = bounds(this.context.view, this.context.now());
    setText(this.#readout, found.lane.at(from + ((event.clientX - box.left) / box.width) * (to - from)));
  }
}
