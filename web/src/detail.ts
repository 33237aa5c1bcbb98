// One stream: its scores over time, what is derived from them, and what happened.

import { ApiError, address, getBlob, save } from "./api";
import { Chart } from "./chart";
import type { Context, Pane } from "./context";
import { csvOf } from "./csv";
import { byId, h, setAttribute, setText } from "./dom";
import { clock, duration, level, meter, plural, share, signed, words } from "./format";
import { paintMarks, paintStack } from "./graph";
import type { Scene } from "./graph";
import { legendOrder, wordOf } from "./labels";
import { Lane, paintAxis } from "./lane";
import { Loader } from "./loader";
import { fillMarks } from "./marklist";
import { kNoSpeech } from "./protocol";
import { between, bounds } from "./range";
import { RangeBar, steer } from "./rangebar";
import type { Point, Stream } from "./store";
import { setSwatch, swatch } from "./swatch";
import { colours, onTheme } from "./theme";
import { pastNote } from "./timeline";
import { certaintyOf, disclosure, verdictOf } from "./verdict";

/** The strip shows so many times the range. */
const kAround = 6;
/** Verdicts of the strip that are asked for; what is more is shown where it is known. */
const kMostEvents = 20_000;
/** The server's own limit. */
const kMostRows = 10_000;

interface Row {
  element: HTMLElement;
  swatch: HTMLElement;
  bar: HTMLElement;
  value: HTMLElement;
}

export class Detail implements Pane {
  stream: Stream | null = null;
  readonly bar: RangeBar;
  readonly #root = byId("detail-view");
  readonly #loader: Loader;
  readonly #parts: HTMLElement[];
  #lane: Lane | null = null;
  #charts: Chart[] = [];
  #at: (Point | null)[] = [];
  #cursor: number | null = null;
  /** The share of the strip that lies before the range. */
  #before = 0;
  #scene: Scene | null = null;
  #forced = true;
  #painted = 0;
  #late: ReturnType<typeof setTimeout> | undefined;
  readonly #rows = new Map<string, Row>();

  readonly #title = h("h2", { class: "detail-name", tabindex: -1 });
  readonly #role = h("span", { class: "card-role" });
  readonly #state = h("span", { class: "state", "data-testid": "detail-state" });
  readonly #swatch = swatch();
  readonly #label = h("span", { class: "detail-label", "data-testid": "detail-label" });
  readonly #confidence = h("span", { class: "detail-confidence", "data-testid": "detail-confidence" });
  readonly #remark = h("span", { class: "card-note" });
  readonly #meterBar = h("span", { class: "meter-bar" });
  readonly #level = h("span", { class: "card-level" });
  readonly #note = h("p", { class: "note", "data-testid": "history-note", hidden: true });
  readonly #csv = h("a", { class: "button", "data-testid": "csv", title: "The verdicts of this range as a table", download: true }, "CSV");
  readonly #strip = h("div", { class: "strip", "data-testid": "detail-timeline" });
  readonly #stripAxis = h("canvas", { class: "lane-axis", "aria-hidden": "true" });
  readonly #plots = h("div", { class: "plots" });
  readonly #when = h("h3", { class: "when" }, "Now");
  readonly #scores = h("ul", { class: "scores", "data-testid": "scores" });
  readonly #facts = h("dl", { class: "facts" });
  readonly #marks = h("ul", { class: "marks", "data-testid": "marks" });
  readonly #marksTitle = h("h3", {});
  readonly #utterances = h("ul", { class: "marks", "data-testid": "utterances" });
  readonly #utterancesTitle = h("h3", {});
  readonly #barred = h("p", { class: "note", "data-testid": "detail-barred", hidden: true });

  constructor(private readonly context: Context) {
    this.#loader = new Loader(context.past, () => this.again());
    this.bar = new RangeBar(context, () => this.again(), this.#csv);
    this.#parts = [
      h(
        "header",
        { class: "detail-head" },
        h("a", { class: "button", href: "#/", "data-testid": "back", title: "Back to all streams (Escape)" }, "← All streams"),
        this.#title, this.#role, this.#state,
        h("span", { class: "detail-now" }, this.#swatch, this.#label, this.#confidence, this.#remark),
        h("span", { class: "detail-level" }, h("span", { class: "meter", "aria-hidden": "true" }, this.#meterBar), this.#level),
      ),
      this.#barred,
      this.bar.element,
      this.#note,
      h(
        "div",
        { class: "detail-body" },
        h("div", { class: "detail-main" }, h("figure", { class: "chart strip-figure" }, this.#strip, this.#stripAxis), this.#plots),
        h(
          "aside",
          { class: "detail-side", "aria-label": "Values and events" },
          h("section", { class: "panel" }, this.#when, this.#scores, this.#facts),
          h("section", { class: "panel" }, this.#utterancesTitle, this.#utterances),
          h("section", { class: "panel" }, this.#marksTitle, this.#marks),
        ),
      ),
    ];
    // The strip shows more than the range, which is a part of it.
    const place = (): { left: number; width: number } => {
      const box = this.#strip.getBoundingClientRect();
      return { left: box.left + this.#before * box.width, width: box.width / kAround };
    };
    steer(this.#strip, context, place, () => this.again(), (t) => this.bar.set(between(t - context.view.span / 2, t + context.view.span / 2, context.now())));
    this.#csv.addEventListener("click", (event) => void this.#download(event));
    new ResizeObserver(() => {
      for (const chart of this.#charts) chart.size();
      this.again();
    }).observe(this.#plots);
    onTheme(() => {
      for (const chart of this.#charts) chart.repaint();
      this.again();
    });
  }

  open(stream: Stream): void {
    if (this.stream === stream) return;
    this.close();
    this.stream = stream;
    this.#root.dataset.stream = stream.name;
    this.#root.append(...this.#parts);
    this.#lane = new Lane(this.context, stream);
    this.#strip.replaceChildren(this.#lane.canvas);
    setText(this.#title, stream.name);
    this.#charts = this.#makeCharts();
    this.#plots.replaceChildren(...this.#charts.map((chart) => chart.element));
    this.#rows.clear();
    this.#scores.replaceChildren();
    this.again();
  }

  focus(): void {
    this.#title.focus({ preventScroll: true });
  }

  close(): void {
    this.#loader.stop();
    for (const chart of this.#charts) chart.destroy();
    this.#charts = [];
    this.#plots.replaceChildren();
    for (const part of this.#parts) part.remove();
    this.stream = null;
    this.#cursor = null;
  }

  touch(): void {}

  again(): void {
    this.#forced = true;
    this.context.wake();
  }

  frame(now: number, all: boolean): void {
    const { stream, context } = this;
    const lane = this.#lane;
    if (!stream || !lane || this.#root.hidden) return;
    const rest = context.view.end !== null ? Infinity : Math.min(1000, Math.max(200, context.view.span / 600));
    const early = this.#painted + rest - performance.now();
    if (!this.#forced && !all && early > 0) {
      if (early === Infinity) this.#head(stream, now);
      else this.#late ??= setTimeout(() => this.again(), early);
      return;
    }
    clearTimeout(this.#late);
    this.#late = undefined;
    this.#forced = false;
    this.#head(stream, now);
    this.#painted = performance.now();
    const [from, to] = bounds(context.view, now);
    this.bar.update(now);
    const hop = context.store.hop(stream);
    const points = context.past.points(stream, from - 2 * hop, to);
    const marks = context.past.marks(stream, from, to);
    this.#scene = { from, to, hop, points, marks, colours: colours() };
    this.#draw(points, hop);
    this.#values();

    // The strip: the range in the middle of what is around it, or at the end of it.
    const around = (to - from) * kAround;
    const end = Math.min(now, to + (around - (to - from)) / 2);
    this.#before = (from - (end - around)) / around;
    lane.paint(end - around, end, [from, to]);
    paintAxis(this.#stripAxis, end - around, end);

    const wide = around / hop <= kMostEvents;
    this.#loader.want(`${context.view.end} ${context.view.span} ${stream.name}`, () => [
      { stream, from, to },
      ...(wide ? [{ stream, from: end - around, to: end }] : []),
    ]);
    const incomplete = context.past.missing(stream, from, to).some((span) => span[1] - span[0] > 2_000);
    const note = incomplete ? pastNote(context, this.#loader, false) : "";
    setText(this.#note, note);
    this.#note.hidden = note === "";

    const go = (t: number): void => this.bar.set(between(t - context.view.span / 2, t + context.view.span / 2, now));
    const inRange = marks.filter((mark) => mark.t1 >= from).map((mark) => ({ stream: stream.name, mark }));
    const utterances = inRange.filter(({ mark }) => mark.kind === "utterance");
    const shown = inRange.filter(({ mark }) => mark.kind !== "utterance");
    setText(this.#utterancesTitle, utterances.length ? `${plural(utterances.length, "utterance")} in this range` : "No utterances in this range");
    fillMarks(this.#utterances, utterances, now, false, go);
    setText(this.#marksTitle, shown.length ? `${plural(shown.length, "event")} in this range` : "No gaps, alerts or changes in this range");
    fillMarks(this.#marks, shown, now, false, go);
    setAttribute(this.#csv, "href", address("v1/history", this.#query(from, to)));
  }

  #query(from: number, to: number): Record<string, string | number> {
    return {
      stream: this.stream?.name ?? "", from: new Date(from).toISOString(), to: new Date(to).toISOString(), type: "emotion",
      limit: kMostRows, format: "csv",
    };
  }

  /** Asked for by script: a link could not carry the token, and without a history the page's own knowledge does. */
  async #download(event: MouseEvent): Promise<void> {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !this.stream) return;
    event.preventDefault();
    const stream = this.stream;
    const [from, to] = bounds(this.context.view, this.context.now());
    const name = `${this.stream.name}-${new Date(from).toISOString().slice(0, 19).replaceAll(":", "")}Z.csv`;
    try {
      // An answer has a limit: a long range is asked for in parts, and only the first keeps its head.
      const part = kMostRows * 0.9 * this.context.store.hop(stream);
      const parts: string[] = [];
      for (let begin = from; begin < to; begin += part) {
        const text = await (await getBlob("v1/history", this.#query(begin, Math.min(to, begin + part)))).text();
        parts.push(parts.length > 0 ? text.slice(text.indexOf("\n") + 1) : text);
      }
      save(new Blob(parts, { type: "text/csv" }), name);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        const points = this.context.past.points(stream, from, to);
        save(new Blob([csvOf(stream.name, points)], { type: "text/csv" }), name);
      } else {
        setText(this.#note, `The table could not be read: ${(error as Error).message}`);
        this.#note.hidden = false;
      }
    }
  }

  #head(stream: Stream, now: number): void {
    const verdict = verdictOf(stream, now, this.context.store.hop(stream));
    const point = verdict.certainty === "none" ? null : verdict.point;
    setText(this.#role, [stream.role === "unspecified" ? "" : words(stream.role), disclosure(stream)].filter(Boolean).join(" · "));
    setText(this.#barred, stream.barred ? `Not analysed: ${stream.barred}` : "");
    this.#barred.hidden = stream.barred === "";
    setText(this.#state, stream.state);
    setAttribute(this.#state, "data-state", stream.state);
    setText(this.#label, verdict.word);
    setAttribute(this.#label, "data-certainty", verdict.certainty);
    setText(this.#confidence, point && verdict.certainty !== "no-speech" ? share(point.confidence) : "");
    let remark = "";
    if (verdict.certainty === "uncertain") remark = "uncertain";
    else if (verdict.certainty === "none") remark = stream.reason || (verdict.point ? `last verdict ${duration(Math.floor(verdict.age / 1000) * 1000)} ago` : "nothing heard yet");
    setText(this.#remark, remark);
    setSwatch(this.#swatch, point && verdict.certainty !== "no-speech" ? point.label : null, verdict.certainty);
    this.#meterBar.style.transform = `scaleX(${meter(point?.level).toFixed(3)})`;
    setText(this.#level, point ? level(point.level) : "–");
  }

  /** All charts share their times: one column a verdict, an empty one where it breaks off. */
  #draw(points: readonly Point[], hop: number): void {
    const t: number[] = [];
    const at: (Point | null)[] = [];
    let last: Point | null = null;
    for (const point of points) {
      if (!last || point.t - last.t > 2.5 * hop) {
        if (last) {
          t.push(last.t + 1);
          at.push(null);
        }
        t.push(Math.max(point.t - hop, last ? last.t + 2 : -Infinity));
        at.push(point);
      }
      t.push(point.t);
      at.push(point);
      last = point;
    }
    this.#at = at;
    const column = (value: (point: Point) => number | null | undefined): (number | null)[] => at.map((point) => (point && value(point)) ?? null);
    const [scores, affect, confidence, loudness, latency] = this.#charts;
    scores?.set([t, t.map(() => null)]);
    affect?.set([t, column((point) => point.valence), column((point) => point.arousal)]);
    confidence?.set([t, column((point) => (point.label === kNoSpeech ? null : point.confidence))]);
    loudness?.set([t, column((point) => point.level)]);
    latency?.set([t, column((point) => point.latency?.total)]);
  }

  #makeCharts(): Chart[] {
    const common = {
      bounds: () => bounds(this.context.view, this.context.now()),
      select: (from: number, to: number) => this.bar.set(between(from, to, this.context.now())),
      cursor: (index: number | null) => {
        if (index === this.#cursor) return;
        this.#cursor = index;
        this.#values();
      },
      paint: (ctx: CanvasRenderingContext2D, box: { x: number; y: number; w: number; h: number }) => {
        if (!this.#scene) return;
        ctx.save();
        ctx.beginPath();
        ctx.rect(box.x, box.y, box.w, box.h);
        ctx.clip();
        ctx.globalAlpha = 1;
        paintMarks(ctx, box, this.#scene, false, true);
        ctx.restore();
      },
    };
    const ink = (): string => colours().ink;
    const muted = (): string => colours().muted;
    return [
      new Chart({
        ...common, id: "scores", title: "Scores", remark: "stacked; faint and hatched where uncertain", height: 300,
        range: [0, 1], splits: [0, 0.25, 0.5, 0.75, 1], lines: [], times: true,
        paint: (ctx, box) => {
          if (this.#scene) paintStack(ctx, box, this.#scene, { words: true, tags: false });
        },
      }),
      new Chart({
        ...common, id: "affect", title: "Valence and arousal", remark: "derived from the scores, not measured by themselves", height: 116,
        range: [-1, 1], splits: [-1, 0, 1], times: false,
        lines: [{ name: "valence", colour: ink }, { name: "arousal", colour: muted, dash: [5, 3] }],
      }),
      new Chart({ ...common, id: "confidence", title: "Confidence", height: 84, range: [0, 1], splits: [0, 0.5, 1], lines: [{ name: "confidence", colour: ink }], times: false }),
      new Chart({ ...common, id: "level", title: "Level", remark: "dBFS", height: 84, range: [-60, 0], splits: [-60, -30, 0], lines: [{ name: "level", colour: ink }], times: false }),
      new Chart({ ...common, id: "latency", title: "Latency", remark: "ms, from the last sample to the verdict", height: 102, range: [0, null], splits: null, lines: [{ name: "latency", colour: ink }], times: true }),
    ];
  }

  /** The values at the cursor, or the newest of the range. */
  #values(): void {
    const points = this.#scene?.points ?? [];
    const pointed = this.#cursor === null ? null : this.#at[this.#cursor];
    const point = pointed ?? points[points.length - 1] ?? null;
    setText(this.#when, point ? `At ${clock(point.t)}` : "No verdict in this range");
    const labels = legendOrder(point?.labels ?? this.context.store.models.values().next().value?.labels ?? []);
    if (labels.join() !== [...this.#rows.keys()].join()) {
      this.#rows.clear();
      for (const label of labels) {
        const row: Row = {
          element: h("li", { "data-label": label }), swatch: swatch(), bar: h("span", { class: "score-fill" }), value: h("span", { class: "number" }),
        };
        row.element.append(row.swatch, h("span", { class: "score-name" }, wordOf(label)), h("span", { class: "score-bar" }, row.bar), row.value);
        this.#rows.set(label, row);
      }
      this.#scores.replaceChildren(...[...this.#rows.values()].map((row) => row.element));
    }
    const certainty = point ? certaintyOf(point) : "none";
    setAttribute(this.#scores, "data-certainty", certainty);
    for (const [label, row] of this.#rows) {
      const score = point && certainty !== "no-speech" ? (point.scores[point.labels.indexOf(label)] ?? 0) : 0;
      setSwatch(row.swatch, label);
      row.bar.style.backgroundColor = row.swatch.style.backgroundColor;
      row.bar.style.transform = `scaleX(${score.toFixed(4)})`;
      setText(row.value, point && certainty !== "no-speech" ? share(score) : "–");
      setAttribute(row.element, "data-top", String(certainty === "sure" && point?.label === label));
    }
    const latency = point?.latency;
    const parts = latency ? Object.entries(latency).filter(([name]) => name !== "total").map(([name, ms]) => `${name} ${ms}`) : [];
    const verdict = !point ? "–" : certainty === "no-speech" ? "no speech" : `${wordOf(point.label)} ${share(point.confidence)}${point.uncertain ? ", uncertain" : ""}`;
    const facts: [string, string][] = [
      ["Expressed", verdict],
      ["Valence (derived)", signed(point?.valence)],
      ["Arousal (derived)", signed(point?.arousal)],
      ["Speech", share(point?.speech)],
      ["Voiced", share(point?.voiced)],
      ["Level", level(point?.level)],
      ["Latency", latency?.total === undefined ? "–" : `${latency.total} ms${parts.length ? ` (${parts.join(", ")})` : ""}`],
      ["Event", point ? `${point.seq}` : "–"],
    ];
    if (this.#facts.childElementCount === 0) for (const [name] of facts) this.#facts.append(h("dt", {}, name), h("dd", {}));
    this.#facts.querySelectorAll("dd").forEach((dd, i) => setText(dd, facts[i]![1]));
  }
}
