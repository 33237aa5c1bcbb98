// The overview: a card for every stream.

import { Card } from "./card";
import type { Context, Pane } from "./context";
import { addressOf } from "./context";
import { byId, h, setText } from "./dom";
import { clock, plural, share, words } from "./format";
import type { Row, Sort } from "./order";
import { matches, ordered } from "./order";
import { firstFrom } from "./past";
import { kNoSpeech } from "./protocol";
import type { Stream } from "./store";
import { onTheme } from "./theme";

/** With more cards than this they are small. */
const kDense = 24;
/** A mood counts for so long after the last word. */
const kMood = 20_000;
const kReorder = 2_000;

export class Grid implements Pane {
  sort: Sort = "name";
  readonly #cards = new Map<string, Card>();
  readonly #dirty = new Set<Card>();
  readonly #list = byId("cards");
  readonly #empty = byId("cards-empty");
  #arranged = 0;
  #arrange = true;
  readonly #seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const card = this.#cards.get((entry.target as HTMLElement).dataset.stream ?? "");
        if (!card) continue;
        card.visible = entry.isIntersecting;
        if (entry.isIntersecting) this.#mark(card);
      }
      this.context.wake();
    },
    { rootMargin: "80px" },
  );
  readonly #sized = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const card = this.#cards.get((entry.target.closest("[data-stream]") as HTMLElement | null)?.dataset.stream ?? "");
      if (card) this.#mark(card);
    }
    this.context.wake();
  });

  constructor(private readonly context: Context) {
    onTheme(() => {
      for (const card of this.#cards.values()) this.#mark(card);
      this.context.wake();
    });
    this.#list.addEventListener("keydown", (event) => this.#walk(event));
  }

  touch(stream: Stream): void {
    let card = this.#cards.get(stream.name);
    if (!card) {
      card = new Card(this.context, stream);
      this.#cards.set(stream.name, card);
      this.#seen.observe(card.link);
      this.#sized.observe(card.canvas);
      this.#arrange = true;
    }
    this.#mark(card);
  }

  /** The filter or the sorting has changed. */
  rearrange(): void {
    this.#arrange = true;
    this.context.wake();
  }

  focus(name: string): void {
    this.#cards.get(name)?.link.focus();
  }

  frame(now: number, all: boolean): void {
    for (const card of all ? this.#cards.values() : this.#dirty) card.update(now);
    const hidden = this.#list.offsetParent === null;
    if (this.#arrange || (!hidden && performance.now() - this.#arranged > kReorder)) this.#place(now);
    if (hidden) return;
    for (const card of all ? this.#cards.values() : this.#dirty) card.paint(now);
    this.#dirty.clear();
    if (all) this.#tellAlerts();
  }

  #mark(card: Card): void {
    card.dirty = true;
    this.#dirty.add(card);
  }

  #row(card: Card, now: number): Row & { card: Card } {
    const { stream } = card;
    const from = firstFrom(stream.points, now - kMood, (point) => point.t);
    let spoken = false;
    for (let i = stream.points.length - 1; i >= from && !spoken; --i) spoken = stream.points[i]!.label !== kNoSpeech;
    return {
      card, name: stream.name, state: stream.state, alerts: stream.alerts.size,
      valence: spoken ? stream.valence : null, arousal: spoken ? stream.arousal : null,
    };
  }

  #place(now: number): void {
    // Cards do not run away from under a keyboard; what the reader asked for himself is done at once.
    const focused = this.#list.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
    if (focused?.matches(":focus-visible") && !this.#arrange) return;
    this.#arranged = performance.now();
    this.#arrange = false;
    const rows = [...this.#cards.values()].filter((card) => matches(card.stream.name, this.context.filter)).map((card) => this.#row(card, now));
    const wanted = ordered(rows, this.sort).map((row) => row.card.element);
    const present = this.#list.children;
    if (wanted.length !== present.length || wanted.some((element, i) => element !== present[i])) {
      this.#list.replaceChildren(...wanted);
      focused?.focus({ preventScroll: true });
    }
    this.#list.dataset.density = wanted.length > kDense ? "compact" : "normal";
    this.#empty.hidden = wanted.length > 0;
    setText(this.#empty, this.#cards.size === 0 ? "No streams yet." : `No stream has “${this.context.filter}” in its name.`);
    this.#tellAlerts();
  }

  #tellAlerts(): void {
    const section = byId("alerts");
    const raised = [...this.#cards.values()].flatMap(({ stream }) => [...stream.alerts.values()].map((alert) => ({ stream, alert })));
    raised.sort((a, b) => b.alert.t0 - a.alert.t0);
    const key = raised.map(({ stream, alert }) => `${stream.name} ${alert.alert} ${alert.t0}`).join("\n");
    if (section.dataset.key === key) return;
    section.dataset.key = key;
    section.hidden = raised.length === 0;
    setText(byId("alerts-title"), plural(raised.length, "alert"));
    byId("alerts-list").replaceChildren(
      ...raised.map(({ stream, alert }) =>
        h(
          "li",
          {},
          h(
            "a",
            { href: addressOf(stream.name), "data-testid": "alert", "data-stream": stream.name },
            h("strong", {}, stream.name),
            ` ${words(alert.text)}`,
            alert.value === undefined ? null : h("span", { class: "number" }, ` ${share(alert.value)}`),
            h("span", { class: "quiet" }, ` since ${clock(alert.t0)}`),
          ),
        ),
      ),
    );
  }

  /** The arrow keys go from card to card. */
  #walk(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const links = [...this.#list.querySelectorAll<HTMLElement>(".card")];
    const at = links.indexOf(document.activeElement as HTMLElement);
    if (at < 0) return;
    const top = links[0]!.getBoundingClientRect().top;
    const below = links.findIndex((link) => link.getBoundingClientRect().top > top + 1);
    const columns = below < 0 ? links.length : below;
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: links.length - 1 - at };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
  }
}
