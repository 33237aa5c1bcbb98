// The buttons that choose the time that is looked at.

import type { Context } from "./context";
import { h, setText } from "./dom";
import { duration, moment, zone } from "./format";
import type { View } from "./range";
import { bounds, moved, spanned, zoomed } from "./range";

const kSpans: [number, string][] = [
  [60_000, "1 min"],
  [600_000, "10 min"],
  [3_600_000, "1 h"],
];

export class RangeBar {
  readonly element: HTMLElement;
  readonly #text = h("span", { class: "range-text", "data-testid": "range" });
  readonly #live: HTMLButtonElement;
  readonly #forward: HTMLButtonElement;
  readonly #spans: HTMLButtonElement[];

  constructor(private readonly context: Context, private readonly changed: () => void, ...others: HTMLElement[]) {
    const button = (text: string, label: string, id: string, act: () => void): HTMLButtonElement =>
      h("button", { type: "button", "aria-label": label, title: label, "data-testid": id, onclick: act }, text);
    this.#spans = kSpans.map(([span, text]) => button(text, `Show ${text}`, `range-${text.replace(" ", "")}`, () => this.set(spanned(this.context.view, span))));
    this.#live = button("Live", "Follow what is live (End)", "range-live", () => this.set({ ...this.context.view, end: null }));
    this.#forward = button("▶", "Later (→)", "range-forward", () => this.step(1));
    this.element = h(
      "div",
      { class: "rangebar", role: "group", "aria-label": "Time range" },
      h("span", { class: "buttons" }, button("◀", "Earlier (←)", "range-back", () => this.step(-1)), this.#forward, this.#live),
      h("span", { class: "buttons" }, ...this.#spans),
      h("span", { class: "buttons" }, button("−", "Zoom out (−)", "zoom-out", () => this.zoom(2)), button("+", "Zoom in (+)", "zoom-in", () => this.zoom(0.5))),
      this.#text,
      ...others,
    );
  }

  set(view: View): void {
    this.context.view = view;
    this.changed();
  }

  step(direction: number): void {
    this.set(moved(this.context.view, (direction * this.context.view.span) / 2, this.context.now()));
  }

  zoom(factor: number): void {
    const [from, to] = bounds(this.context.view, this.context.now());
    this.set(zoomed(this.context.view, factor, (from + to) / 2, this.context.now()));
  }

  /** True when the key was one of its own. */
  key(event: KeyboardEvent): boolean {
    const act: Record<string, () => void> = {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      "+": () => this.zoom(0.5),
      "=": () => this.zoom(0.5),
      "-": () => this.zoom(2),
      End: () => this.set({ ...this.context.view, end: null }),
    };
    const found = act[event.key];
    found?.();
    return found !== undefined;
  }

  update(now: number): void {
    const { view } = this.context;
    const [from, to] = bounds(view, now);
    const live = view.end === null;
    setText(this.#text, live ? `the last ${duration(view.span)}, ${zone(new Date(now).getTimezoneOffset())}` : `${moment(from, now)} – ${moment(to, now)} ${zone(new Date(to).getTimezoneOffset())}`);
    this.#live.setAttribute("aria-pressed", String(live));
    this.#forward.disabled = live;
    this.#spans.forEach((button, i) => button.setAttribute("aria-pressed", String(kSpans[i]![0] === view.span)));
  }
}

/**
 * Dragging along `element` moves the range; the wheel with Ctrl or sideways zooms and moves it.
 * `place`: where the range lies on the page. `pressed`: a click at this time.
 */
export function steer(
  element: HTMLElement,
  context: Context,
  place: () => { left: number; width: number },
  changed: () => void,
  pressed?: (t: number) => void,
): void {
  const timeAt = (x: number): number => {
    const { left, width } = place();
    const [from, to] = bounds(context.view, context.now());
    return from + ((x - left) / width) * (to - from);
  };
  let dragged = false;
  let from: { x: number; view: View; end: number } | null = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.target as HTMLElement).closest("a, button")) return;
    dragged = false;
    from = { x: event.clientX, view: context.view, end: context.view.end ?? context.now() };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (!from) return;
    const ms = ((from.x - event.clientX) / place().width) * from.view.span;
    if (Math.abs(event.clientX - from.x) < 3 && !dragged) return;
    dragged = true;
    context.view = moved({ span: from.view.span, end: from.end }, ms, context.now());
    changed();
  });
  const stop = (): void => {
    from = null;
  };
  element.addEventListener("pointerup", (event) => {
    if (from && !dragged) pressed?.(timeAt(event.clientX));
    stop();
  });
  element.addEventListener("pointercancel", stop);
  element.addEventListener(
    "wheel",
    (event) => {
      const now = context.now();
      if (event.ctrlKey || event.metaKey) {
        context.view = zoomed(context.view, Math.exp(event.deltaY * 0.002), timeAt(event.clientX), now);
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        context.view = moved(context.view, ((event.deltaX || event.deltaY) / place().width) * context.view.span, now);
      } else {
        return;
      }
      event.preventDefault();
      changed();
    },
    { passive: false },
  );
}
