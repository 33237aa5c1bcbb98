// The small square that goes with an emotion's word.

import { h } from "./dom";
import { colourOf, legendOrder, patternOf, wordOf } from "./labels";
import { colours } from "./theme";

export function swatch(): HTMLElement {
  return h("span", { class: "swatch", "aria-hidden": "true" });
}

/** The square in the colour and the pattern of `label`; null: empty. */
export function setSwatch(element: HTMLElement, label: string | null, certainty = "sure"): void {
  const key = `${label} ${certainty} ${colours().dark}`;
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  element.dataset.certainty = certainty;
  element.dataset.pattern = label === null ? "plain" : patternOf(label);
  element.style.backgroundColor = label === null ? "" : colourOf(label, colours().dark);
}

/** All labels with their colours, and what else is drawn. */
export function fillLegend(list: HTMLElement, labels: readonly string[]): void {
  const items = legendOrder(labels).map((label) => {
    const square = swatch();
    setSwatch(square, label);
    return h("li", {}, square, wordOf(label));
  });
  const others = [
    ["uncertain", "uncertain"],
    ["silence", "no speech"],
    ["gap", "lost sound"],
  ].map(([kind, word]) => h("li", { class: "legend-other" }, h("span", { class: `swatch sample-${kind}`, "aria-hidden": "true" }), word!));
  list.replaceChildren(...items, ...others, h("li", { class: "grid-only" }, "last 60 s"));
}
