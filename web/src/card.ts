// One stream on the overview.

import type { Context } from "./context";
import { addressOf } from "./context";
import { fitted, h, setAttribute, setText } from "./dom";
import { duration, level, meter, share, words } from "./format";
import { paintStack } from "./graph";
import { firstFrom } from "./past";
import type { Stream } from "./store";
import { setSwatch, swatch } from "./swatch";
import { colours } from "./theme";
import { disclosure, isGap, verdictOf } from "./verdict";

const kShown = 60_000;
let count = 0;

export class Card {
  readonly element: HTMLLIElement;
  readonly link: HTMLAnchorElement;
  readonly canvas: HTMLCanvasElement;
  /** In sight: only then it is painted. */
  visible = false;
  dirty = true;
  #painted = 0;
  readonly #name: HTMLElement;
  readonly #role: HTMLElement;
  readonly #disclosed: HTMLElement;
  readonly #state: HTMLElement;
  readonly #swatch = swatch();
  readonly #label: HTMLElement;
  readonly #confidence: HTMLElement;
  readonly #note: HTMLElement;
  readonly #alert: HTMLElement;
  readonly #gap: HTMLElement;
  readonly #bar: HTMLElement;
  readonly #level: HTMLElement;

  constructor(private readonly context: Context, readonly stream: Stream) {
    const id = `card${++count}`;
    this.#name = h("h3", { class: "card-name", id: `${id}n`, title: stream.name }, stream.name);
    this.#role = h("span", { class: "card-role", id: `${id}r`, "data-testid": "card-role" });
    this.#disclosed = h("span", { class: "card-role", id: `${id}d`, "data-testid": "card-disclosed" });
    this.#state = h("span", { class: "state", id: `${id}s`, "data-testid": "card-state" });
    this.#label = h("span", { class: "card-label", id: `${id}l`, "data-testid": "card-label" });
    this.#confidence = h("span", { class: "card-confidence", id: `${id}c`, "data-testid": "card-confidence", title: "confidence" });
    this.#note = h("span", { class: "card-note", id: `${id}u`, "data-testid": "card-note" });
    this.#alert = h("span", { class: "card-alert", title: "Alert", id: `${id}a`, "data-testid": "card-alert", hidden: true });
    this.#gap = h("span", { class: "card-gap", id: `${id}g`, "data-testid": "card-gap", hidden: true });
    this.canvas = h("canvas", { class: "card-graph", "aria-hidden": "true" });
    this.#bar = h("span", { class: "meter-bar" });
    this.#level = h("span", { class: "card-level" });
    this.link = h(
      "a",
      {
        class: "card", href: addressOf(stream.name), "data-testid": "card", "data-stream": stream.name, "data-seq": "0",
        "aria-labelledby": ["n", "r", "d", "s", "l", "c", "u", "a", "g"].map((part) => id + part).join(" "),
      },
      h("span", { class: "card-head" }, this.#name, this.#role, this.#disclosed, this.#state),
      h("span", { class: "card-verdict" }, this.#swatch, this.#label, this.#confidence, this.#note),
      this.canvas,
      h("span", { class: "card-foot" }, h("span", { class: "meter", "aria-hidden": "true" }, this.#bar), this.#level, this.#gap, this.#alert),
    );
    this.element = h("li", {}, this.link);
  }

  /** The words; cheap, so that they are right out of sight too. */
  update(now: number): void {
    const { stream } = this;
    const hop = this.context.store.hop(stream);
    const verdict = verdictOf(stream, now, hop);
    const point = verdict.certainty === "none" ? null : verdict.point;
    setAttribute(this.link, "data-seq", String(stream.seq));
    setAttribute(this.link, "data-state", stream.state);
    setAttribute(this.link, "data-analysed", String(stream.barred === ""));
    setAttribute(this.#note, "title", stream.barred);
    setAttribute(this.link, "data-certainty", verdict.certainty);
    setAttribute(this.link, "data-label", point?.label ?? "");
    setText(this.#state, stream.state);
    setAttribute(this.#state, "data-state", stream.state);
    setAttribute(this.#state, "title", stream.reason);
    setText(this.#role, stream.role === "unspecified" ? "" : words(stream.role));
    setText(this.#disclosed, disclosure(stream));
    setText(this.#label, verdict.word);
    setText(this.#confidence, verdict.certainty === "sure" || verdict.certainty === "uncertain" ? share(point?.confidence) : "");
    let note = "";
    if (verdict.certainty === "uncertain") note = "uncertain";
    else if (verdict.certainty === "none" && stream.barred) note = `not analysed: ${stream.barred}`;
    else if (verdict.certainty === "none" && stream.state === "lost" && stream.reason) note = stream.reason;
    else if (verdict.certainty === "none" && verdict.point) note = `last verdict ${duration(Math.floor(verdict.age / 1000) * 1000)} ago`;
    else if (verdict.certainty === "none") note = "nothing heard yet";
    setText(this.#note, note);
    setSwatch(this.#swatch, point && verdict.certainty !== "no-speech" ? point.label : null, verdict.certainty);

    const alerts = [...stream.alerts.values()];
    this.#alert.hidden = alerts.length === 0;
    setText(this.#alert, alerts.map((alert) => words(alert.text)).join(", "));
    setAttribute(this.link, "data-alert", String(alerts.length > 0));

    let gaps = 0;
    for (let i = stream.marks.length - 1; i >= 0 && stream.marks[i]!.t0 > now - kShown; --i) if (isGap(stream.marks[i]!)) ++gaps;
    this.#gap.hidden = gaps === 0;
    setText(this.#gap, gaps === 0 ? "" : gaps === 1 ? "1 gap" : `${gaps} gaps`);

    if (!this.visible) return;
    setText(this.#level, point ? level(point.level) : "–");
    this.#bar.style.transform = `scaleX(${meter(point?.level).toFixed(3)})`;
  }

  /** The graph; of what stands still only once a second, for it moves with the time. */
  paint(now: number): void {
    const at = performance.now();
    if (!this.visible || (!this.dirty && at - this.#painted < 900)) return;
    const fit = fitted(this.canvas);
    if (!fit) return;
    this.dirty = false;
    this.#painted = at;
    const { stream } = this;
    const hop = this.context.store.hop(stream);
    const points = stream.points.slice(firstFrom(stream.points, now - kShown - 2 * hop, (point) => point.t));
    const tags = fit.w > 230;
    paintStack(
      fit.ctx,
      { x: 0, y: 0, w: fit.w - (tags ? 62 : 0), h: fit.h },
      { from: now - kShown, to: now, hop, points, marks: stream.marks.slice(-100), colours: colours() },
      { words: false, tags },
    );
  }
}
