// Gaps, alerts and changes of state in words.

import { addressOf } from "./context";
import { h } from "./dom";
import { moment } from "./format";
import type { Mark } from "./store";
import { isGap, told } from "./verdict";

export interface Listed {
  stream: string;
  mark: Mark;
}

const kMost = 200;

/** Fills `list`, newest first; a click on the time goes there. */
export function fillMarks(list: HTMLElement, items: readonly Listed[], now: number, withStream: boolean, go: (t: number) => void): void {
  const key = items.map(({ stream, mark }) => `${stream} ${mark.kind} ${mark.t0} ${mark.t1} ${mark.what}`).join("\n");
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.dataset.wide = String(withStream);
  const shown = [...items].sort((a, b) => b.mark.t0 - a.mark.t0).slice(0, kMost);
  list.replaceChildren(
    ...shown.map(({ stream, mark }) => {
      const { kind, text } = told(mark);
      return h(
        "li",
        {
          class: "mark", "data-testid": isGap(mark) ? "gap" : kind, "data-kind": mark.kind, "data-stream": stream,
          "data-what": mark.what,
        },
        h("button", { type: "button", class: "mark-time", onclick: () => go(mark.t0), title: "Show this time" }, moment(mark.t0, now)),
        h("span", { class: `mark-kind mark-${mark.kind}` }, kind),
        withStream ? h("a", { href: addressOf(stream), class: "mark-stream" }, stream) : null,
        h("span", { class: "mark-text" }, text),
      );
    }),
    items.length > kMost ? h("li", { class: "mark quiet" }, `and ${items.length - kMost} older ones`) : "",
  );
}
