// The token, the keys, and what stands behind the estimates.

import { getJson } from "./api";
import { byId, h, setText } from "./dom";
import { duration, words } from "./format";
import { wordOf } from "./labels";
import type { Model } from "./protocol";
import type { Store } from "./store";

export class TokenForm {
  readonly #dialog = byId<HTMLDialogElement>("token-dialog");
  readonly #field = byId<HTMLInputElement>("token-field");
  readonly #error = byId("token-error");

  constructor(given: (token: string) => void) {
    byId("token-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const token = this.#field.value.trim();
      if (token === "") return;
      this.#field.value = "";
      this.#dialog.close();
      given(token);
    });
  }

  /** refused: why the last one was not taken; empty when there was none. */
  show(refused: string): void {
    setText(this.#error, refused && `The server does not take this token: ${refused}.`);
    this.#error.hidden = !refused;
    this.#field.setAttribute("aria-invalid", String(refused !== ""));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#field.focus();
  }

  hide(): void {
    if (this.#dialog.open) this.#dialog.close();
  }
}

/** Figures are what the bundle's author wrote: any JSON, shown flat. */
function figureRows(value: unknown, path: string, rows: [string, string][]): void {
  if (rows.length >= 40) return;
  if (typeof value === "object" && value !== null) {
    for (const [key, part] of Object.entries(value)) figureRows(part, path ? `${path}, ${words(key)}` : words(key), rows);
  } else {
    const text = typeof value === "number" && !Number.isInteger(value) ? value.toFixed(3).replace(/0+$/, "") : String(value);
    rows.push([path, text]);
  }
}

function modelEntry(model: Model): HTMLElement {
  const rows: [string, string][] = [
    ["licence", model.licence ?? "not told"],
    ["labels", model.labels.map(wordOf).join(", ")],
    ["window", `${duration(model.window_ms)}, every ${duration(model.hop_ms)}`],
  ];
  if (model.uncertain_below !== undefined) rows.push(["uncertain", model.uncertain_below > 0 ? `below a confidence of ${model.uncertain_below.toFixed(2)}` : "never"]);
  if (model.attribution) rows.push(["attribution", model.attribution]);
  figureRows(model.figures, "", rows);
  return h("section", {}, h("h3", {}, model.id), h("dl", { class: "facts" }, ...rows.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])));
}

/** What the models tell of themselves: /v1/models, or at least what the hello told. */
export async function showModels(store: Store): Promise<void> {
  const dialog = byId<HTMLDialogElement>("models-dialog");
  const fill = (models: readonly Model[]): void => byId("models-list").replaceChildren(...models.map(modelEntry));
  fill([...store.models.values()]);
  dialog.showModal();
  try {
    fill((await getJson<{ models: Model[] }>("v1/models")).models);
  } catch {
    // The hello's words stay.
  }
}
